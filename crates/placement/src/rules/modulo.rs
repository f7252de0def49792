//! The remainder of a hash by the number of servers: libmemcached's, gomemcache's and spymemcached's defaults, twemproxy's
//! `modula`, mcrouter's `Crc32`.
//!
//! - **Shape**: 4 bytes a server, or a unit of weight.
//! - **Balance**: even. A server more or less moves all keys but one in n; another order moves all.
//! - **Source**: libmemcached `dispatch_host`; gomemcache `selector.go`; spymemcached `ArrayModNodeLocator.java`; twemproxy
//!   `nc_modula.c`; mcrouter `lib/Crc32HashFunc.h`.

use super::{Rule, mcrouter, whole_weights};
use crate::keys::KeyHash;
use crate::slots::{Pick, Slots};
use crate::{BuildError, Chars, Hash, Kind, POINTS_MAX, Server, Spec};

pub(super) fn build(spec: &Spec, servers: &[Server]) -> Result<Rule, BuildError> {
    let hash = spec.options.hash.or(spec.kind.hashes().first().copied()).unwrap_or(Hash::Crc32);
    match spec.kind {
        Kind::Gomemcache => {
            weighted((0..).zip(whole_weights(servers, 1)), KeyHash::named(hash, Chars::Unsigned))
        }
        Kind::McrouterCrc32 => equal(servers, mcrouter::key_hash(spec)),
        Kind::SpymemcachedMod => equal(servers, KeyHash::named(hash, Chars::Utf16)),
        _ => equal(servers, KeyHash::named(hash, spec.options.chars.unwrap_or(Chars::Signed))),
    }
}

fn equal(servers: &[Server], key_hash: KeyHash) -> Result<Rule, BuildError> {
    weighted((0..).zip(vec![1; servers.len()]), key_hash)
}

/// Each server as many times in a row as its weight says.
pub(super) fn weighted(
    weights: impl Iterator<Item = (u32, u32)> + Clone,
    key_hash: KeyHash,
) -> Result<Rule, BuildError> {
    let asked: u64 = weights.clone().map(|(_, weight)| u64::from(weight)).sum();
    if asked > POINTS_MAX as u64 {
        return Err(BuildError::Points { asked });
    }
    let repeated = weights.flat_map(|(server, weight)| (0..weight).map(move |_| server));
    Ok(Slots::new(repeated.collect(), key_hash, Pick::Remainder).map_or(Rule::Nobody, Rule::Slots))
}
