//! Key to owner: every ring in production, bit for bit.
