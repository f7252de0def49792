//! spymemcached's ketama, which Amazon's cluster client shares, and Netflix EVCache's, which stands on it.
//!
//! 160 points a server, four of each MD5 of `label-i`, or one of each of 160 labels where another hash than ketama's is
//! chosen; by weight as libmemcached computes it where any weight is not 1. The label is how Java shows a socket address:
//! `host/ip:port`, or `ip:port` where no host name was given. `format=libmemcached` writes `host`, with the port unless
//! that is 11211. EVCache writes `host/ip:11211` whatever the port is, and `ip/ip:11211` where it knows only the address.
//!
//! - **Shape**: 160 points of 8 bytes a server, and a quarter for the index.
//! - **Balance**: load differs by about 8 % (1σ).
//! - **Ties**: points go into a `TreeMap`, so that the server that is last in the list has them.
//! - **Keys**: hashed as Java characters, which are UTF-16; MD5 and CRC take their UTF-8.
//! - **Source**: spymemcached `KetamaNodeLocator.java`, `KetamaNodeKeyFormatter.java`; EVCache
//!   `EVCacheKetamaNodeLocatorConfiguration.java`, `EVCacheNodeLocator.java`.

use super::{
    KETAMA_LABELS, KETAMA_POINTS, POINTS_EACH_LABEL, Rule, ketama, labels_by_weight, listed,
    point_each_label, whole_weights,
};
use crate::keys::KeyHash;
use crate::ring::Ties;
use crate::{BuildError, Chars, Hash, Labels, Server, Spec};
use std::iter::repeat;

pub(super) fn build(spec: &Spec, servers: &[Server]) -> Result<Rule, BuildError> {
    let label = |server: &Server| match spec.options.labels {
        Some(Labels::Libmemcached) => server.host_and_unusual_port(),
        _ => match &server.ip {
            Some(ip) if *ip != server.host => format!("{}/{ip}:{}", server.host, server.port),
            _ => server.host_port(),
        },
    };
    let hash = spec.options.hash.unwrap_or(spec.kind.hashes()[0]);
    let key_hash = KeyHash::named(hash, Chars::Utf16);
    let weights = whole_weights(servers, 1);
    if weights.iter().any(|weight| *weight != 1) {
        let labels = labels_by_weight(&weights);
        return ketama(listed(servers, label, labels), Ties::Last, key_hash);
    }
    if hash == Hash::Md5 {
        return ketama(listed(servers, label, repeat(KETAMA_LABELS)), Ties::Last, key_hash);
    }
    let point = |text: &[u8]| hash.of(text, Chars::Utf16);
    point_each_label(servers, label, KETAMA_POINTS, point, Ties::Last, key_hash)
}

pub(super) fn build_evcache(spec: &Spec, servers: &[Server]) -> Result<Rule, BuildError> {
    let labels = spec.options.points.unwrap_or(KETAMA_POINTS) / POINTS_EACH_LABEL;
    let label = |server: &Server| {
        let ip = server.ip.as_ref().unwrap_or(&server.host);
        format!("{}/{ip}:11211", server.host)
    };
    let key_hash = KeyHash::named(Hash::Md5, Chars::Utf16);
    ketama(listed(servers, label, repeat(labels)), Ties::Last, key_hash)
}
