//! What mcrouter's placements have in common: the part of a key that is hashed, and the salt.
//!
//! Of `/region/cluster/key|#|rest`, only `key` is hashed. A salt is appended to it.

use super::Rule;
use super::furc::Furc;
use crate::keys::{KeyFunction, KeyHash, Part};
use crate::{BuildError, Kind, Server, Spec};

/// `Ch3` and `WeightedCh3`.
pub(super) fn build(spec: &Spec, servers: &[Server]) -> Result<Rule, BuildError> {
    let weights =
        (spec.kind == Kind::McrouterWch3).then(|| servers.iter().map(|server| server.weight).collect());
    Ok(Rule::Furc(Furc::new(servers.len(), weights, salt(spec))))
}

pub(super) fn salt(spec: &Spec) -> &str {
    spec.options.salt.as_deref().unwrap_or_default()
}

/// For `Crc32`.
pub(super) fn key_hash(spec: &Spec) -> KeyHash {
    KeyHash { part: Part::Route, hash: KeyFunction::Crc31(salt(spec).as_bytes().into()) }
}

/// Hands on two texts as one. Those of a usual size are joined on the stack.
#[inline]
pub(super) fn joined<T>(key: &[u8], suffix: &[u8], then: impl FnOnce(&[u8]) -> T) -> T {
    let mut buffer = [0; 320];
    let length = key.len() + suffix.len();
    match buffer.get_mut(..length) {
        Some(joined) => {
            joined[..key.len()].copy_from_slice(key);
            joined[key.len()..].copy_from_slice(suffix);
            then(joined)
        }
        None => then(&[key, suffix].concat()),
    }
}
