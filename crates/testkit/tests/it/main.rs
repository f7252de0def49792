//! The kit against real servers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helper functions too")]

mod differential;
mod faults;
mod servers;
mod zookeeper;
