//! Twitter Finagle's partitioning memcached client.
//!
//! The points are ketama's, but computed in double precision, and of the shard id where the serverset gives one: `3-i`,
//! so that a server that replaces another keeps its keys. Without one, `host-i` on port 11211, else `host:port-i`.
//!
//! - **Shape**: 160 points of 8 bytes a server, and a quarter for the index.
//! - **Balance**: load differs by about 8 % (1σ).
//! - **Ties**: points go into a `TreeMap` in the order of a hash map, which is not specified; here the last in the list.
//! - **Source**: twitter/util `ConsistentHashingDistributor.scala`, `KeyHasher.scala`; finagle-partitioning
//!   `HashRingNodeManager.scala`.

use super::{KETAMA_LABELS, Rule, ketama, listed, whole_weights};
use crate::keys::KeyHash;
use crate::ring::Ties;
use crate::{BuildError, Chars, Server, Spec};

pub(super) fn build(spec: &Spec, servers: &[Server]) -> Result<Rule, BuildError> {
    let weights = whole_weights(servers, 1);
    let total: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
    let count = servers.len() as f64;
    let labels = weights
        .into_iter()
        .map(|weight| (f64::from(weight) / total * count * f64::from(KETAMA_LABELS) + 1e-10) as u32);
    let label = |server: &Server| match server.shard {
        Some(shard) => shard.to_string(),
        None => server.host_and_unusual_port(),
    };
    let hash = spec.options.hash.unwrap_or(spec.kind.hashes()[0]);
    ketama(listed(servers, label, labels), Ties::Last, KeyHash::named(hash, Chars::Unsigned))
}
