//! libmemcached's ketama, weighted (`ketama`), unweighted (`libmemcached`) and spy.
//!
//! Weighted: a server of average weight has 160 points, four of each MD5 of `host-i`, or `host:port-i` where the port is
//! not 11211. Unweighted: 100 points, each the key's own hash function of such a label. A weight above 1 turns the points,
//! but not the hash of keys, into weighted ones. Spy writes labels `/host:port-i`, always with the port.
//!
//! - **Shape**: 160 or 100 points of 8 bytes a server, and a quarter for the index.
//! - **Balance**: at 160 points load differs by about 8 % (1σ), at 100 by 10 %. `hash=crc` knows 32,768 values only, and
//!   whole servers get nothing.
//! - **Ties**: the server that is first in the list.
//! - **Source**: libmemcached 1.1 `src/libmemcached/hosts.cc` (`update_continuum`), `hash.cc` (`dispatch_host`).

use super::{Rule, ketama, labels_by_weight, listed, whole_weights};
use crate::keys::KeyHash;
use crate::labels::Label;
use crate::ring::{Builder, Ties};
use crate::{BuildError, Chars, Kind, Server, Spec};

const UNWEIGHTED_POINTS: u32 = 100;

pub(super) fn build(spec: &Spec, servers: &[Server]) -> Result<Rule, BuildError> {
    let hash = spec.options.hash.unwrap_or(spec.kind.hashes()[0]);
    let chars = spec.options.chars.unwrap_or(Chars::Signed);
    let key_hash = KeyHash::named(hash, chars);
    let label = |server: &Server| match spec.kind {
        Kind::KetamaSpy => format!("/{}", server.host_port()),
        _ => server.host_and_unusual_port(),
    };
    let weights = whole_weights(servers, 1);
    let is_weighted = spec.kind == Kind::Ketama
        || spec.options.weighted == Some(true)
        || weights.iter().any(|weight| *weight > 1);
    if is_weighted {
        let labels = labels_by_weight(&weights);
        return ketama(listed(servers, label, labels), Ties::First, key_hash);
    }
    let mut points = Builder::new(servers.len() as u64 * u64::from(UNWEIGHTED_POINTS))?;
    for (index, server) in servers.iter().enumerate() {
        let label = Label::then_number(&format!("{}-", label(server)));
        label.each(UNWEIGHTED_POINTS, |text| {
            points.lay(hash.of(text, chars), index);
        });
    }
    Ok(points.ring(Ties::First).map_or(Rule::Nobody, |ring| Rule::Ring(ring, key_hash)))
}
