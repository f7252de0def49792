//! libmemcached's ketama, weighted (`ketama`), unweighted (`libmemcached`) and spy.
//!
//! Weighted: a server of average weight has 160 points, four of each MD5 of `host-i`, or `host:port-i` where the port is
//! not 11211. Unweighted: 100 points, each the key's own hash function of such a label. A weight above 1 turns the points,
//! but not the hash of keys, into weighted ones. Spy writes labels `/host:port-i`, always with the port.
//!
//! - **Shape**: 160 or 100 points of 8 bytes a server, and a quarter for the index.
//! - **Balance**: at 160 points load differs by about 8 % (1σ), at 100 by 10 %. `hash=crc` knows 32,768 values only, and
//!   whole servers get nothing.
//! - **Movement**: points are counted in single precision, which rounds 160 down to 156 where there are 25, 47, 50, 55, 61,
//!   71, 94 or 100 equal servers, and at more numbers above. Coming to or from one of them moves a part of everyone's keys:
//!   from 100 servers to 101, four times as many as the newcomer takes.
//! - **Ties**: the server that is first in the list.
//! - **Source**: libmemcached 1.1 `src/libmemcached/hosts.cc` (`update_continuum`), `hash.cc` (`dispatch_host`).

use super::{Rule, ketama, labels_by_weight, listed, point_each_label, whole_weights};
use crate::keys::KeyHash;
use crate::ring::Ties;
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
    let point = |text: &[u8]| hash.of(text, chars);
    point_each_label(servers, label, UNWEIGHTED_POINTS, point, Ties::First, key_hash)
}

#[cfg(test)]
mod tests {
    use crate::{Diff, Kind, Placement, Server};

    fn ketama(count: u16) -> Placement {
        let servers: Vec<Server> = (0..count).map(|at| Server::new(format!("10.0.0.{at}"), 11211)).collect();
        Placement::build(&Kind::Ketama.into(), &servers).unwrap()
    }

    #[test]
    fn rounding_takes_points_at_some_numbers_of_servers() {
        let rounded: Vec<u16> =
            (1..=100).filter(|count| ketama(*count).points().len() < usize::from(*count) * 159).collect();
        assert_eq!(rounded, [25, 47, 50, 55, 61, 71, 94, 100]);
        let moved = Diff::new(&ketama(100), &ketama(101)).exact().unwrap().moved_share() * 101.0;
        assert!((3.5..4.5).contains(&moved), "{moved}");
    }
}
