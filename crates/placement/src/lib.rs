//! Key to owner: every ring in production, bit for bit.
//!
//! memcached clients place keys each in their own way, so that whoever changes the client loses the cache. This crate
//! reproduces the placements of those clients and proxies, each under the [name](Kind) its users know, and adds two for
//! new fleets. A [`Placement`] is built from an ordered list of [`Server`]s and answers who owns a key, who comes next,
//! and what share of all keys each server has. A [`Diff`] of two of them says which keys move from whom to whom.
//!
//! # Which one?
//!
//! Whoever has a cache keeps what its clients do: any other placement is a cold cache. For a new fleet the default is
//! [`Kind::Rendezvous`], and [`Kind::Maglev`] from some hundreds of servers on. Measured by `examples/choosing.rs` with a
//! million keys, at 2.8 GHz; load is the most loaded server's by the mean, and keys that move are a multiple of those that
//! have to:
//!
//! | servers | placement | load | moved by one more | by one less | lookup | build | memory |
//! |---|---|---|---|---|---|---|---|
//! | 10 | `rendezvous` | 1.01 | 1.0 | 1.0 | 22 ns | 10 µs | 0.1 KiB |
//! | | `maglev` | 1.01 | 1.0 | 1.0 | 8 ns | 1.4 ms | 256 KiB |
//! | | `jump` | 1.00 | 1.0 | 9.9 | 35 ns | 10 µs | 0 |
//! | | `mcset` | 1.08 | 1.0 | 1.0 | 15 ns | 60 µs | 15 KiB |
//! | | `ketama` | 1.09 | 1.0 | 1.0 | 115 ns | 70 µs | 16 KiB |
//! | 100 | `rendezvous` | 1.03 | 1.0 | 1.0 | 132 ns | 30 µs | 1.2 KiB |
//! | | `maglev` | 1.02 | 1.6 | 1.6 | 8 ns | 1.6 ms | 256 KiB |
//! | | `jump` | 1.02 | 1.0 | 100 | 52 ns | 10 µs | 0 |
//! | | `mcset` | 1.30 | 1.1 | 0.9 | 17 ns | 0.5 ms | 147 KiB |
//! | | `ketama` | 1.27 | 4.0 | 3.7 | 115 ns | 0.6 ms | 152 KiB |
//! | 1000 | `rendezvous` | 1.09 | 1.0 | 1.0 | 1.3 µs | 0.2 ms | 12 KiB |
//! | | `maglev` | 1.12 | 4.3 | 4.3 | 12 ns | 26 ms | 2.5 MiB |
//! | | `mcset` | 1.27 | 0.9 | 1.1 | 25 ns | 5 ms | 1.4 MiB |
//!
//! Rendezvous hashing is even to what chance leaves, by weight to the last bit, and moves nothing but what it must,
//! whichever server comes, goes or changes weight. A ring leaves its busiest server a quarter more than its share, for
//! which a whole fleet has to be larger. Jump hash loses everything when a server in the middle goes. What rendezvous
//! costs is time, a nanosecond or so a server, which below a hundred servers is less than the MD5 of a ketama; Maglev
//! costs more moved keys instead.
//!
//! Pure logic: no clock, randomness, environment or I/O, and the same answer on every machine.
//!
//! ```
//! use peerset_placement::{Diff, Kind, Placement, Server};
//!
//! let mut servers = vec![Server::new("a", 11211), Server::new("b", 11211)];
//! let two = Placement::build(&Kind::Ketama.into(), &servers)?;
//! servers.push(Server::new("c", 11211));
//! let three = Placement::build(&Kind::Ketama.into(), &servers)?;
//! let moves = Diff::new(&two, &three).exact()?;
//! assert!(moves.iter().filter(|step| step.moved()).all(|step| step.to == Some(2))); // only to the newcomer
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod diff;
mod error;
#[doc(hidden)]
pub mod fuzzing;
pub mod hash;
mod keys;
mod kind;
mod labels;
mod nearest;
mod owners;
mod placement;
mod ring;
pub mod rules;
mod server;
mod slots;
mod spec;

pub use diff::{Diff, DiffError, Moves, Step};
pub use error::{BuildError, ParseError};
pub use hash::{Chars, Hash};
pub use kind::{Kind, Weights};
pub use placement::Placement;
pub use server::Server;
pub use spec::{Distribution, Labels, Options, PythonKeys, Spec};

/// As many points, slots or servers as one placement can have: a thousand servers with a thousand points each.
pub const POINTS_MAX: usize = 1_000_000;
