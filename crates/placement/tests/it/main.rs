//! Placements as their users see them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

mod testdata;
mod vectors;
