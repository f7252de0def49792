//! twemproxy (nutcracker): `ketama` and `modula`.
//!
//! The points are libmemcached's weighted ones, but of the server's name if it has one: `name-i`, else `host-i` on port
//! 11211, else `host:port-i`. The path of a unix socket keeps the colon that follows it in the configuration. Keys are
//! hashed with the pool's `hash`, `fnv1a_64` unless set, whole or the part between the two bytes of `hash_tag`.
//! `modula` is the hash modulo the sum of weights, servers in list order. An empty key hashes to 0.
//!
//! - **Shape**: 160 points of 8 bytes a server, and a quarter for the index.
//! - **Balance**: as [`libmemcached`](super::libmemcached); `hash=crc32` has 15 bits and leaves most points without keys.
//! - **Ties**: not specified by the original, which sorts with `qsort`; here the first server, as where that is a merge
//!   sort.
//! - **Source**: twemproxy 0.5 `src/hashkit/nc_ketama.c`, `nc_modula.c`, `src/nc_server.c` (`server_pool_idx`), `nc_conf.c`.

use super::{Rule, ketama, labels_by_weight, modulo, whole_weights};
use crate::keys::{KeyFunction, KeyHash, Part};
use crate::ring::Ties;
use crate::{BuildError, Chars, Distribution, Server, Spec};

pub(super) fn build(spec: &Spec, servers: &[Server]) -> Result<Rule, BuildError> {
    let hash = spec.options.hash.unwrap_or(spec.kind.hashes()[0]);
    let chars = spec.options.chars.unwrap_or(Chars::Signed);
    let part = spec.options.tag.map_or(Part::Whole, Part::Tag);
    let key_hash = KeyHash { part, hash: KeyFunction::Named(hash, chars) };
    let weights = whole_weights(servers, 1);
    match spec.options.distribution.unwrap_or(Distribution::Ketama) {
        Distribution::Ketama => {
            let labels = labels_by_weight(&weights);
            ketama(servers.iter().map(label).zip(labels), Ties::First, key_hash)
        }
        Distribution::Modula => modulo::weighted(&weights, key_hash),
    }
}

fn label(server: &Server) -> String {
    match &server.name {
        Some(name) => name.clone(),
        None if server.is_unix() => format!("{}:", server.host),
        None => server.host_and_unusual_port(),
    }
}
