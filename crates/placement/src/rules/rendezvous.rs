//! Rendezvous hashing: every server has a score for the key, and the greatest wins. mcrouter's two, and ours.
//!
//! Servers are known by their name (mcrouter's tag), else by `host:port`; order does not matter but for ties. Scores are
//! a mix of two hashes, of server and key; with weights, `weight / -ln(score)` as a fraction of 1, which gives each
//! server exactly its weight's share.
//!
//! - **Shape**: 12 bytes a server, 20 with weights.
//! - **Cost**: O(servers) a lookup: 1.3 ns a server, with weights 2 to 8 ns.
//! - **Balance**: as even as the hash, and exactly by weight. A newcomer takes its share from all, one that leaves gives
//!   its share to all, a changed weight moves the difference, and nothing else moves.
//! - **Ties**: mcrouter's plain one the last server, its weighted one the first; ours the smallest name.
//! - **Source**: Thaler and Ravishankar (1998); mcrouter `lib/RendezvousHashFunc.cpp`, `WeightedRendezvousHashFunc.cpp`.
//!   mcrouter takes the logarithm from the C library, and so do we for it. Ours is computed here with nothing that
//!   machines do differently, so that it is the same on all of them.

mod score;

use super::Rule;
use super::mcrouter::{joined, salt};
use crate::hash::{murmur64a, xxh3_64};
use crate::keys::Part;
use crate::owners::Owners;
use crate::{Kind, POINTS_MAX, Server, Spec};
use score::{fraction, mcrouter_score, minus_ln, mix, mix_128};

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

#[cfg(test)]
mod tests;
