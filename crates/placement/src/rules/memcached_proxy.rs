//! memcached's built-in proxy: `mcp.dist_ring_hash`.
//!
//! 160 points a backend. Plain: the lower half of XXH3 of `addr:port-i`. With `omode`, four of each MD5 of 40 labels
//! written as ketama, twemproxy or EVCache write them. Keys are hashed by the pool: XXH3, seeded if it has a `seed`, or
//! MD5's first word where `hash = mcp.dist_ring_hash.hash`. `filter = "tags"` cuts keys to
//! what is between two bytes, even if that is nothing, and `filter = "stop"` cuts at a text.
//!
//! - **Shape**: 160 points of 8 bytes a server, and a quarter for the index.
//! - **Balance**: load differs by about 8 % (1σ).
//! - **Ties**: not specified by the original, which sorts with `qsort`; here the first backend.
//! - **Source**: memcached 1.6 `proxy_ring_hash.c`, `proxy_lua.c`.

use super::{KETAMA_POINTS, POINTS_EACH_LABEL, Rule, ketama, listed, point_each_label};
use crate::hash::xxh3_64;
use crate::keys::{KeyFunction, KeyHash, Part};
use crate::ring::Ties;
use crate::{BuildError, Chars, Hash, Labels, Server, Spec};
use std::iter::repeat;

pub(super) fn build(spec: &Spec, servers: &[Server]) -> Result<Rule, BuildError> {
    let key_hash = key_hash(spec);
    let each = spec.options.points.unwrap_or(KETAMA_POINTS);
    let label: fn(&Server) -> String = match spec.options.labels.unwrap_or(Labels::Default) {
        Labels::Default => {
            let point = |text: &[u8]| xxh3_64(text) as u32;
            return point_each_label(servers, Server::host_port, each, point, Ties::First, key_hash);
        }
        Labels::Twemproxy | Labels::Libmemcached => Server::host_and_unusual_port,
        Labels::Evcache => |server| format!("{}/{}", server.host, server.host_port()),
        Labels::Ketama | Labels::Spymemcached => Server::host_port,
    };
    ketama(listed(servers, label, repeat(each / POINTS_EACH_LABEL)), Ties::First, key_hash)
}

/// How the proxy hashes keys, which its jump hash shares.
pub(super) fn key_hash(spec: &Spec) -> KeyHash {
    let options = &spec.options;
    let part = match (&options.tag, &options.stop) {
        (Some(tag), _) => Part::AnyTag(*tag),
        (None, Some(stop)) => Part::Stop(stop.as_bytes().into()),
        (None, None) => Part::Whole,
    };
    let hash = match options.hash {
        Some(hash @ Hash::Md5) => KeyFunction::named(hash, Chars::Unsigned),
        // Without a text the seed is 0, which is not what an empty text would hash to.
        _ => KeyFunction::Xxh3(options.seed.as_ref().map_or(0, |seed| xxh3_64(seed.as_bytes()))),
    };
    KeyHash { part, hash }
}
