//! The program as a user meets it: started, spoken to over sockets, stopped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helper functions too")]

mod admin;
mod bad_input;
mod cli;
mod clients;
mod differential;
mod lifecycle;
mod memory;
mod placement;
mod proxy;
mod register;
mod registry;
mod watch;
mod wire;
mod zk_tls;
