//! Requests to bytes.
