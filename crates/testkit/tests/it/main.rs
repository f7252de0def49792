//! The kit against real servers.

mod differential;
mod servers;
mod zookeeper;
