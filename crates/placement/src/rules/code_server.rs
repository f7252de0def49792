//! The ring of code-server's `pkg/cluster`, from which nonce pools and RPC routing are shared out.
//!
//! As many points as the weight says ("claims"): the first half of murmur3 in 128 bits of the name followed by the number.
//! A node is known by its name, else by `host:port`.
//!
//! - **Shape**: 16 bytes a point, and an index of half as many entries of 4.
//! - **Balance**: that of as many points as the weight: at 1 very uneven, at 200 about 7 % (1σ).
//! - **Ties**: the lexicographically greatest name, though the original's comment says the smallest; in 64 bits not met.
//! - **Source**: code-payments/code-server `pkg/cluster`, murmur3 of spaolacci (`Sum64`).

use super::{Rule, whole_weights};
use crate::hash::murmur3_x64_128;
use crate::keys::{KeyFunction, KeyHash};
use crate::labels::Label;
use crate::ring::{Builder, Ties};
use crate::{BuildError, Server, Spec};

pub(super) fn build(_spec: &Spec, servers: &[Server]) -> Result<Rule, BuildError> {
    let weights = whole_weights(servers, 1);
    let mut names: Vec<(String, usize)> = servers.iter().map(Server::label).zip(0..).collect();
    names.sort();
    let mut points = Builder::new(weights.iter().map(|weight| u64::from(*weight)).sum())?;
    for (name, server) in names {
        let label = Label::then_number(&name);
        label.each(weights[server], |text| {
            points.lay(murmur3_x64_128(text).0, server);
        });
    }
    let key_hash = KeyHash::whole(KeyFunction::Murmur3Wide);
    Ok(points.ring(Ties::Last).map_or(Rule::Nobody, |ring| Rule::WideRing(ring, key_hash)))
}
