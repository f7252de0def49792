//! Real servers for tests, and the means to compare ours with them.
//!
//! - [`Memcached`] and [`Peerset`] start a server on a free port and kill it on drop; [`Program`] is what both are
//!   made of, for tests of other commands. A server's output is shown when the test that used it fails.
//! - [`Twemproxy`], [`Zookeeper`] and [`Ensemble`] are started the same way. A [`Memcached`] or ZooKeeper can be
//!   killed, halted and brought back where it was. A [`SecureZookeeper`] speaks TLS, with [`Certificates`] of its own.
//! - [`FaultProxy`] is a network that is slow, swallows, cuts and garbles; [`ScriptedServer`] answers as it is told.
//! - [`Port`] keeps a port for a server that is down.
//! - [`wait_for`] waits for a condition, never for an amount of time.
//! - [`Log`] hears what our libraries log.
//! - [`Usage`] reads a process's CPU time and resident memory.
//! - [`differential`] sends the same random commands to two servers and compares every byte they answer.
//!
//! Everything here panics rather than returning errors where a test could only unwrap them: this crate is a
//! dev-dependency, and of the benches, never of anything that ships.
//!
//! ```no_run
//! use peerset_testkit::{Memcached, differential::Session};
//!
//! let old = Memcached::start(&["-t", "1"]);
//! let new = Memcached::start(&["-t", "2"]);
//! Session::run(7, old.addr(), new.addr()).expect("the number of threads changes no reply");
//! ```

mod certificates;
pub mod differential;
mod fault_proxy;
mod log;
mod memcached;
mod peerset;
mod port;
mod program;
mod scripted_server;
mod twemproxy;
mod usage;
mod wait;
mod zookeeper;

pub use certificates::Certificates;
pub use fault_proxy::{FaultProxy, Way};
pub use log::Log;
pub use memcached::Memcached;
pub use peerset::Peerset;
pub use port::Port;
pub use program::Program;
pub use scripted_server::{Answer, Request, ScriptedServer};
/// A folder of its own for one test, removed on drop.
pub use tempfile::TempDir;
pub use twemproxy::{Twemproxy, TwemproxyOptions};
pub use usage::Usage;
pub use wait::wait_for;
pub use zookeeper::{Ensemble, SecureZookeeper, Zookeeper};
