//! twemproxy (nutcracker): `ketama` and `modula`.
//!
//! The points are libmemcached's weighted ones, but of the server's name if it has one: `name-i`, else `host-i` on port
//! 11211, else `host:port-i`. The path of a unix socket keeps the colon that follows it in the configuration. Keys are
//! hashed with the pool's `hash`, `fnv1a_64` unless set, whole or the part between the two bytes of `hash_tag`.
//! `modula` is the hash modulo the sum of weights.
//!
//! The order in the configuration does not matter: servers are sorted by name, shorter ones first.
//!
//! - **Shape**: 160 points of 8 bytes a server, and a quarter for the index.
//! - **Balance**: as [`libmemcached`](super::libmemcached); `hash=crc32` has 15 bits and leaves most points without keys.
//! - **Ties**: not specified by the original, which sorts with `qsort`; here the first of the sorted servers, as where
//!   that is a merge sort.
//! - **Source**: twemproxy 0.5 `src/hashkit/nc_ketama.c`, `nc_modula.c`, `src/nc_server.c` (`server_pool_idx`), `nc_conf.c`
//!   (`conf_add_server`, `conf_validate_server`).

use super::{Rule, ketama, labels_by_weight, modulo, whole_weights};
use crate::keys::{KeyFunction, KeyHash, Part};
use crate::ring::Ties;
use crate::{BuildError, Chars, Distribution, Server, Spec};

pub(super) fn build(spec: &Spec, servers: &[Server]) -> Result<Rule, BuildError> {
    let hash = spec.options.hash.unwrap_or(spec.kind.hashes()[0]);
    let chars = spec.options.chars.unwrap_or(Chars::Signed);
    let part = spec.options.tag.map_or(Part::Whole, Part::Tag);
    let key_hash = KeyHash { part, hash: KeyFunction::named(hash, chars) };
    let weights = whole_weights(servers, 1);
    let labels: Vec<String> = servers.iter().map(label).collect();
    let mut order: Vec<usize> = (0..servers.len()).collect();
    order.sort_by_key(|&server| (labels[server].len(), &labels[server]));
    match spec.options.distribution.unwrap_or(Distribution::Ketama) {
        Distribution::Ketama => {
            let counts = labels_by_weight(&weights);
            let servers = order.iter().map(|&server| (server, labels[server].clone(), counts[server]));
            ketama(servers, Ties::First, key_hash)
        }
        Distribution::Modula => {
            modulo::weighted(order.iter().map(|&server| (server as u32, weights[server])), key_hash)
        }
    }
}

fn label(server: &Server) -> String {
    match &server.name {
        Some(name) => name.clone(),
        None if server.is_unix() => format!("{}:", server.host),
        None => server.host_and_unusual_port(),
    }
}
