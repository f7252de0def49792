//! Rendezvous hashing: every server has a score for the key, and the greatest wins. mcrouter's two, and ours.
//!
//! Servers are known by their name (mcrouter's tag), else by `host:port`; order does not matter but for ties. Scores are
//! a mix of two hashes, of server and key; with weights, `weight / -ln(score)` as a fraction of 1, which gives each
//! server exactly its weight's share.
//!
//! - **Shape**: 12 bytes a server, 20 with weights.
//! - **Cost**: O(servers) a lookup: under a nanosecond a server without weights, about two with.
//! - **Balance**: as even as the hash, and exactly by weight. A newcomer takes its share from all, one that leaves gives
//!   its share to all, a changed weight moves the difference, and nothing else moves.
//! - **Ties**: mcrouter's plain one the last server, its weighted one the first; ours the smallest name.
//! - **Source**: Thaler and Ravishankar (1998); mcrouter `lib/RendezvousHashFunc.cpp`, `WeightedRendezvousHashFunc.cpp`.
//!   mcrouter takes the logarithm from the C library, and so do we for it. Ours is computed here with nothing that
//!   machines do differently, so that it is the same on all of them.

use super::Rule;
use super::mcrouter::{joined, salt};
use crate::hash::{murmur64a, xxh3_64};
use crate::keys::Part;
use crate::owners::Owners;
use crate::{Kind, POINTS_MAX, Server, Spec};

#[derive(Clone, Debug)]
pub(crate) struct Rendezvous {
    kind: Kind,
    /// Of the servers that can win.
    hashes: Box<[u64]>,
    /// Their numbers in the list.
    servers: Box<[u32]>,
    /// Their weights; empty where all are equal.
    weights: Box<[f64]>,
    salt: Box<[u8]>,
}

const SERVER_SEED: u32 = 4_193_360_111;
/// As many places as there can be servers, in bits.
const PLACES: u64 = POINTS_MAX.next_power_of_two() as u64 - 1;
const KEY_SEED: u32 = 2_718_281_828;

/// For at least one server.
pub(super) fn build(spec: &Spec, servers: &[Server]) -> Rule {
    let is_ours = spec.kind == Kind::Rendezvous;
    let hash = |label: &str| match is_ours {
        true => xxh3_64(label.as_bytes()),
        false => murmur64a(label.as_bytes(), SERVER_SEED),
    };
    let mut labels: Vec<(String, u32)> = servers.iter().map(Server::label).zip(0..).collect();
    if is_ours {
        // Who has no weight never wins, and the smallest name comes first, which wins a tie.
        labels.retain(|(_, server)| servers[*server as usize].weight > 0.0);
        labels.sort();
    }
    let weight = |server: u32| servers[server as usize].weight;
    let is_weighted = match spec.kind {
        Kind::McrouterRendezvous => false,
        Kind::McrouterWeightedRendezvous => true,
        _ => labels.windows(2).any(|pair| weight(pair[0].1) != weight(pair[1].1)),
    };
    if labels.is_empty() {
        return Rule::Nobody;
    }
    Rule::Rendezvous(Rendezvous {
        kind: spec.kind,
        hashes: labels.iter().map(|(label, _)| hash(label)).collect(),
        servers: labels.iter().map(|(_, server)| *server).collect(),
        weights: labels.iter().filter(|_| is_weighted).map(|(_, server)| weight(*server)).collect(),
        salt: salt(spec).as_bytes().into(),
    })
}

impl Rendezvous {
    #[inline]
    pub(crate) fn owner(&self, key: &[u8]) -> usize {
        let key = self.key_hash(key);
        let winner = match self.kind {
            Kind::McrouterRendezvous => {
                last_greatest(self.hashes.iter().map(|server| mix_128(*server, key) as f64))
            }
            Kind::McrouterWeightedRendezvous => {
                let scores = self
                    .hashes
                    .iter()
                    .zip(&self.weights)
                    .map(|(server, weight)| mcrouter_score(mix_128(*server, key), *weight));
                first_greatest(scores, 0.0)
            }
            _ if self.weights.is_empty() => self.greatest(key),
            _ => self.cheapest(key),
        };
        self.servers[winner] as usize
    }

    /// Our winner among equals. A place in the lower bits of each score, the first being the greatest, makes one comparison
    /// of two, and four maxima at once need not wait for each other.
    #[inline]
    fn greatest(&self, key: u64) -> usize {
        let score = |at: usize, server: u64| mix(server, key) & !PLACES | (PLACES - at as u64);
        let mut fours = self.hashes.chunks_exact(4);
        let mut best = [0; 4];
        for (four, hashes) in fours.by_ref().enumerate() {
            for (lane, best) in best.iter_mut().enumerate() {
                *best = score(four * 4 + lane, hashes[lane]).max(*best);
            }
        }
        let behind = self.hashes.len() / 4 * 4;
        let rest = (behind..).zip(fours.remainder()).map(|(at, hash)| score(at, *hash));
        let greatest = best.into_iter().chain(rest).fold(0, u64::max);
        (PLACES - (greatest & PLACES)) as usize
    }

    /// Our weighted winner: the least of `-ln(u) / weight`. That is at least `(1 - u) / weight`, which spares nearly all
    /// logarithms.
    fn cheapest(&self, key: u64) -> usize {
        let (mut winner, mut least) = (0, f64::INFINITY);
        for (at, (server, weight)) in self.hashes.iter().zip(&self.weights).enumerate() {
            let u = fraction(mix(*server, key));
            if 1.0 - u < least * weight {
                let cost = minus_ln(u) / weight;
                if cost < least {
                    (winner, least) = (at, cost);
                }
            }
        }
        winner
    }

    /// All scores, sorted. mcrouter's iterators give the later server first where scores are equal, except for the owner.
    pub(crate) fn owners(&self, key: &[u8], owners: &mut Owners) {
        owners.add(self.owner(key));
        let key = self.key_hash(key);
        let score = |at: usize, server: u64| match (self.kind, self.weights.get(at)) {
            (Kind::McrouterRendezvous, _) => mix_128(server, key) as f64,
            (Kind::McrouterWeightedRendezvous, Some(weight)) => mcrouter_score(mix_128(server, key), *weight),
            (_, Some(weight)) => -minus_ln(fraction(mix(server, key))) / weight,
            (_, None) => fraction(mix(server, key)),
        };
        let mut ranked: Vec<(f64, usize)> =
            self.hashes.iter().enumerate().map(|(at, server)| (score(at, *server), at)).collect();
        ranked.sort_by(|a, b| {
            let later_first = b.0.total_cmp(&a.0).then(b.1.cmp(&a.1));
            if self.kind == Kind::Rendezvous { b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)) } else { later_first }
        });
        for (_, at) in ranked {
            owners.add(self.servers[at] as usize);
        }
    }

    pub(crate) fn shares(&self, servers: usize) -> Vec<f64> {
        let mut shares = vec![0.0; servers];
        let total: f64 = self.weights.iter().sum();
        for (at, server) in self.servers.iter().enumerate() {
            shares[*server as usize] = match self.weights.get(at) {
                // Where nobody has a weight, mcrouter takes the first.
                Some(_) if total == 0.0 => f64::from(at == 0),
                Some(weight) => weight / total,
                None => 1.0 / self.servers.len() as f64,
            };
        }
        shares
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.hashes) + size_of_val(&*self.servers) + size_of_val(&*self.weights)
    }

    #[inline]
    fn key_hash(&self, key: &[u8]) -> u64 {
        if self.kind == Kind::Rendezvous {
            return xxh3_64(key);
        }
        let key = Part::Route.of(key);
        match self.salt.is_empty() {
            true => murmur64a(key, KEY_SEED),
            false => joined(key, &self.salt, |key| murmur64a(key, KEY_SEED)),
        }
    }
}

/// The place of the greatest score above `floor`, the first of equals; the first place when there is none.
#[inline]
fn first_greatest<T: PartialOrd>(scores: impl Iterator<Item = T>, floor: T) -> usize {
    let (mut winner, mut greatest) = (0, floor);
    for (at, score) in scores.enumerate() {
        if score > greatest {
            (winner, greatest) = (at, score);
        }
    }
    winner
}

/// The last of equals.
fn last_greatest(scores: impl Iterator<Item = f64>) -> usize {
    let (mut winner, mut greatest) = (0, -1.0);
    for (at, score) in scores.enumerate() {
        if score >= greatest {
            (winner, greatest) = (at, score);
        }
    }
    winner
}

/// mcrouter's `hash128to64`.
fn mix_128(server: u64, key: u64) -> u64 {
    const K: u64 = 0x9ddf_ea08_eb38_2d69;
    let a = (key ^ server).wrapping_mul(K);
    let b = (server ^ a ^ a >> 47).wrapping_mul(K);
    (b ^ b >> 47).wrapping_mul(K)
}

fn mcrouter_score(mixed: u64, weight: f64) -> f64 {
    let fraction = (mixed & ((1 << 53) - 1)) as f64 / (1_u64 << 53) as f64;
    weight * (1.0 / -fraction.ln())
}

/// Ours: two multiplications, as much as it takes for every bit of both to reach the upper half.
#[inline]
fn mix(server: u64, key: u64) -> u64 {
    let mixed = (server ^ key).wrapping_mul(0xff51_afd7_ed55_8ccd);
    (mixed ^ mixed >> 32).wrapping_mul(0xc4ce_b9fe_1a85_ec53)
}

/// The upper 53 bits as a number between 0 and 1, neither of which it is.
#[inline]
fn fraction(mixed: u64) -> f64 {
    ((mixed >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

/// The logarithm's negative, of a number between 0 and 1.
///
/// Cut into 2ᵉ · m with m in [√½, √2), ln m = 2 artanh s with s = (m − 1) / (m + 1), whose series of eleven terms is exact
/// to the last digits. Only operations that IEEE 754 defines to the bit.
fn minus_ln(u: f64) -> f64 {
    let bits = u.to_bits();
    let mut exponent = (bits >> 52) as i32 - 1023;
    let mut m = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    if m > std::f64::consts::SQRT_2 {
        m *= 0.5;
        exponent += 1;
    }
    let s = (m - 1.0) / (m + 1.0);
    let square = s * s;
    let series = (0..11).rev().fold(0.0, |sum, term| sum * square + 1.0 / f64::from(2 * term + 1));
    -(f64::from(exponent) * std::f64::consts::LN_2 + 2.0 * s * series)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mcrouter(kind: Kind, weights: &[f64]) -> Rule {
        let server =
            |(at, weight): (usize, &f64)| Server::new("h", 1).named(format!("xxx.{at}.yy")).weighing(*weight);
        let servers: Vec<Server> = weights.iter().enumerate().map(server).collect();
        build(&kind.into(), &servers)
    }

    fn counts(rule: &Rule, keys: usize, servers: usize) -> Vec<usize> {
        let Rule::Rendezvous(rendezvous) = rule else { panic!("{rule:?}") };
        let mut counts = vec![0; servers];
        for key in 0..keys {
            counts[rendezvous.owner(format!("mykey:{key}").as_bytes())] += 1;
        }
        counts
    }

    #[test]
    fn values_of_mcrouters_own_tests() {
        let rising: Vec<u8> = (0..256_u32).map(|byte| (byte as u8).wrapping_sub(128)).collect();
        let check = |kind, servers, expected: [usize; 4]| {
            let Rule::Rendezvous(rendezvous) = mcrouter(kind, &vec![1.0; servers]) else { panic!() };
            let owners = [&rising[..], b"sample", b"", b"mykey"].map(|key| rendezvous.owner(key));
            assert_eq!(owners, expected, "{kind} {servers}");
        };
        check(Kind::McrouterRendezvous, 3, [1, 1, 1, 1]);
        check(Kind::McrouterRendezvous, 343, [183, 45, 291, 132]);
        check(Kind::McrouterWeightedRendezvous, 3, [1, 0, 2, 1]);
        check(Kind::McrouterWeightedRendezvous, 343, [142, 115, 279, 302]);
    }

    #[test]
    fn counts_of_mcrouters_own_tests() {
        let plain = mcrouter(Kind::McrouterRendezvous, &[1.0; 3]);
        assert_eq!(counts(&plain, 1000, 3), [337, 353, 310]);
        let check = |weights: &[f64], expected: &[usize]| {
            let weighted = mcrouter(Kind::McrouterWeightedRendezvous, weights);
            assert_eq!(counts(&weighted, 10_000, weights.len()), expected, "{weights:?}");
        };
        check(&[1.0, 1.0, 1.0], &[3409, 3360, 3231]);
        check(&[1.0, 0.5, 0.1], &[6292, 3118, 590]);
        check(&[1.0, 0.0, 0.5], &[6737, 0, 3263]);
    }

    #[test]
    fn the_logarithm_is_one() {
        for u in [1e-300, 5.6e-17, 0.001, 0.3, 0.5, 0.7, 0.7072, 0.9, 0.999_999, 1.0 - 1e-16] {
            let error = (minus_ln(u) + u.ln()).abs();
            assert!(error <= 4e-16 * minus_ln(u).max(0.5), "{u}: {error}");
        }
    }

    #[test]
    fn equal_weights_are_no_weights() {
        let servers: Vec<Server> = (0..20).map(|port| Server::new("a", port).weighing(3.0)).collect();
        let spec = Kind::Rendezvous.into();
        let Rule::Rendezvous(plain) = build(&spec, &servers) else { panic!() };
        assert!(plain.weights.is_empty());
        let weighted = Rendezvous { weights: vec![3.0; 20].into(), ..plain.clone() };
        for key in 0..10_000_u32 {
            let key = key.to_string();
            assert_eq!(plain.owner(key.as_bytes()), weighted.owner(key.as_bytes()), "{key}");
        }
    }
}
