//! Tests against a real ZooKeeper.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

mod contract;
mod credentials;
mod ensemble;
mod kazoo;
mod large;
mod logs;
mod outage;
mod process;
mod registering;
mod sharing;
mod support;
#[cfg(feature = "tls")]
mod tls;
mod watching;
