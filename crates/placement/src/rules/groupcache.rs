//! golang/groupcache, and version 3 of its successor groupcache-go.
//!
//! Both lay 50 points for each peer. The original hashes the number followed by the peer's URL with CRC-32, and keys,
//! without their group, the same way. Version 3 hashes keys and labels with FNV-1 in 64 bits; what it hashes of a label is
//! the 32 lower-case hexadecimal digits of its MD5; and it compares hashes as signed numbers.
//!
//! A peer is known by its name, the URL or address that was given to `Set`; a server without one by `http://host:port`
//! in the original and by `host:port` in version 3.
//!
//! - **Shape**: 50 points a server, of 8 bytes, or 16 in version 3, and an index of half as many entries of 4.
//! - **Balance**: load differs by about 14 % (1σ). CRC-32 is linear: labels that differ in one character give points that
//!   are shifted copies of each other, which makes some fleets far less even.
//!   FNV-1 mixes a key's last characters little, so that keys numbered in a row lie beside each other.
//! - **Ties**: the peer given last. In version 3 not specified, and in 64 bits not met.
//! - **Source**: golang/groupcache `consistenthash/consistenthash.go`, `http.go`; groupcache-go 3 `transport/peer/picker.go`.

use super::{Rule, mcset};
use crate::hash::{fnv1_64, md5};
use crate::keys::{KeyFunction, KeyHash, signed};
use crate::labels::Label;
use crate::ring::{Builder, Ties};
use crate::{BuildError, Chars, Hash, Server, Spec};

const POINTS: u32 = 50;

pub(super) fn build(spec: &Spec, servers: &[Server]) -> Result<Rule, BuildError> {
    let url = |server: &Server| match &server.name {
        Some(name) => name.clone(),
        None => format!("http://{}", server.endpoint()),
    };
    let urls: Vec<(String, usize)> = servers.iter().map(url).zip(0..).collect();
    mcset::numbered(&urls, spec.options.points.unwrap_or(POINTS), Hash::Crc32, |hash| {
        KeyHash::named(hash, Chars::Unsigned)
    })
}

pub(super) fn build_v3(spec: &Spec, servers: &[Server]) -> Result<Rule, BuildError> {
    let each = spec.options.points.unwrap_or(POINTS);
    let mut points = Builder::new(servers.len() as u64 * u64::from(each))?;
    for (index, server) in servers.iter().enumerate() {
        let label = Label::after_number(&server.label());
        label.each(each, |text| {
            points.lay(signed(fnv1_64(&hexadecimal(md5(text)))), index);
        });
    }
    let key_hash = KeyHash::whole(KeyFunction::SignedFnv1);
    Ok(points.ring(Ties::First).map_or(Rule::Nobody, |ring| Rule::WideRing(ring, key_hash)))
}

fn hexadecimal(digest: [u8; 16]) -> [u8; 32] {
    let digit = |value: u8| b"0123456789abcdef"[usize::from(value)];
    std::array::from_fn(|at| digit(digest[at / 2] >> if at % 2 == 0 { 4 } else { 0 } & 15))
}
