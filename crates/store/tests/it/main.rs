//! The store from outside: semantics, bounds, memory given back, threads, hit ratio.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic like tests")]

mod bounds;
mod eviction;
mod semantics;
mod threads;
mod trace;
