//! mcset of strava/go.serversets.
//!
//! 150 points a server: murmur3 in 32 bits, seed 0, of the decimal number followed by `host:port`. Endpoints are added in
//! ascending order, whatever order they come in, and keys are hashed with the same function.
//!
//! - **Shape**: 150 points of 8 bytes a server, and a quarter for the index.
//! - **Balance**: load differs by about 8 % (1σ); a newcomer only takes keys.
//! - **Ties**: the point is put into a map once more, so that the server added last has it: the greatest `host:port`.
//! - **Source**: go.serversets `mcset/`, murmur3 of reusee/mmh3 (`Sum32`).

use super::Rule;
use crate::keys::KeyHash;
use crate::labels::Label;
use crate::ring::{Builder, Ties};
use crate::{BuildError, Chars, Hash, Server, Spec};

const POINTS: u32 = 150;

pub(super) fn build(spec: &Spec, servers: &[Server]) -> Result<Rule, BuildError> {
    let mut endpoints: Vec<(String, usize)> = servers.iter().map(Server::endpoint).zip(0..).collect();
    endpoints.sort();
    numbered(&endpoints, spec.options.points.unwrap_or(POINTS), Hash::Murmur3Plain, |hash| {
        KeyHash::named(hash, Chars::Unsigned)
    })
}

/// A ring of `hash("0label")`, `hash("1label")` …, on which who lays a point last has it.
pub(super) fn numbered(
    labels: &[(String, usize)],
    each: u32,
    hash: Hash,
    key_hash: impl Fn(Hash) -> KeyHash,
) -> Result<Rule, BuildError> {
    let mut points = Builder::new(labels.len() as u64 * u64::from(each))?;
    for (label, server) in labels {
        let label = Label::after_number(label);
        label.each(each, |text| {
            points.lay(hash.of(text, Chars::Unsigned), *server);
        });
    }
    Ok(points.ring(Ties::Last).map_or(Rule::Nobody, |ring| Rule::Ring(ring, key_hash(hash))))
}
