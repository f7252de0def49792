//! Key to owner: every ring in production, bit for bit.
//!
//! memcached clients place keys each in their own way, so that whoever changes the client loses the cache. This crate
//! reproduces the placements of those clients and proxies, each under the [name](Kind) its users know, and adds two for
//! new fleets. A [`Placement`] is built from an ordered list of [`Server`]s and answers who owns a key, who comes next,
//! and what share of all keys each server has. A [`Diff`] of two of them says which keys move from whom to whom.
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
pub mod hash;
mod keys;
mod kind;
mod labels;
mod nearest;
mod owners;
mod placement;
mod ring;
mod rules;
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
