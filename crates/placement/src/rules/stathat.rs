//! stathat/consistent.
//!
//! 20 points an element: CRC-32 (or FNV-1a in 32 bits) of the number followed by the element. A key on a point belongs to
//! the *next* one: the comparison is strict. Further owners are those of the points that follow.
//!
//! An element is a server's name, else `host:port`. The list is in the order in which elements were added; one that is
//! removed takes the points it shares with others along, which a ring built anew still has.
//!
//! - **Shape**: 20 points of 8 bytes a server, and a quarter for the index.
//! - **Balance**: load differs by about 22 % (1σ).
//! - **Ties**: the element added last.
//! - **Source**: stathat/consistent `consistent.go`.

use super::{Rule, mcset};
use crate::keys::{KeyFunction, KeyHash};
use crate::{BuildError, Server, Spec};

const POINTS: u32 = 20;

pub(super) fn build(spec: &Spec, servers: &[Server]) -> Result<Rule, BuildError> {
    let hash = spec.options.hash.unwrap_or(spec.kind.hashes()[0]);
    let elements: Vec<(String, usize)> = servers.iter().map(Server::label).zip(0..).collect();
    mcset::numbered(&elements, spec.options.points.unwrap_or(POINTS), hash, |hash| {
        KeyHash::whole(KeyFunction::After(hash))
    })
}
