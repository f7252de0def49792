//! mcrouter's `Ch3` and `WeightedCh3`: furc, a hash that walks down from the smallest power of two that covers the list.
//!
//! Bits are drawn from a chain of MurmurHash64A. A first draw halves the range until a bit is set; the next draws make a
//! number in that range; if it is no server's, drawing goes on. With weights, a server takes the key with a probability
//! that a second hash of it decides; a refused key is tried again with a counter appended, the last digit first.
//!
//! - **Shape**: nothing; with weights 8 bytes a server.
//! - **Cost**: O(log servers) bits, each word of 64 a few nanoseconds; weights repeat that 32 times at most.
//! - **Balance**: even, and by weight. A server added at the
//!   end takes its share from all and nothing else moves.
//! - **Source**: mcrouter `lib/fbi/hash.c` (`furc_hash`), `lib/WeightedCh3HashFunc.cpp`.

use super::mcrouter::joined;
use crate::hash::{murmur64a, spooky2_32};
use crate::keys::Part;
use crate::owners::Owners;

#[derive(Clone, Debug)]
pub(crate) struct Furc {
    servers: u32,
    /// Up to which dice a server takes a key; empty without weights.
    thresholds: Box<[u64]>,
    salt: Box<[u8]>,
}

const MURMUR_SEED: u32 = 4_193_360_111;
const DICE_SEED: u32 = 0xface_2014;
const TRIES_MAX: u32 = 32;
const WEIGHTED_TRIES: u8 = 32;
/// Bits between two that are drawn in a row.
const GAP: u32 = 23;

impl Furc {
    /// For at least one server. Weights are from 0 to 1; none means that everyone takes every key.
    pub(super) fn new(servers: usize, weights: Option<Vec<f64>>, salt: &str) -> Furc {
        let threshold = |weight: f64| (weight * f64::from(u32::MAX)) as u64;
        let thresholds = weights.unwrap_or_default().into_iter().map(threshold).collect();
        Furc { servers: servers as u32, thresholds, salt: salt.as_bytes().into() }
    }

    #[inline]
    pub(crate) fn owner(&self, key: &[u8]) -> usize {
        let key = Part::Route.of(key);
        if self.salt.is_empty() { self.place(key) } else { joined(key, &self.salt, |key| self.place(key)) }
    }

    fn place(&self, key: &[u8]) -> usize {
        if self.thresholds.is_empty() {
            return furc(key, self.servers);
        }
        let mut server = furc(key, self.servers);
        if self.takes(server, key) {
            return server;
        }
        for counter in 0..WEIGHTED_TRIES - 1 {
            let digits = [b'0' + counter % 10, b'0' + counter / 10];
            let shown = if counter < 10 { 1 } else { 2 };
            let took = joined(key, &digits[..shown], |key| {
                server = furc(key, self.servers);
                self.takes(server, key)
            });
            if took {
                break;
            }
        }
        server
    }

    fn takes(&self, server: usize, key: &[u8]) -> bool {
        u64::from(spooky2_32(key, DICE_SEED)) < self.thresholds[server]
    }

    pub(crate) fn owners(&self, key: &[u8], owners: &mut Owners) {
        owners.add(self.owner(key));
        super::jump::others(murmur64a(Part::Route.of(key), MURMUR_SEED), self.servers as usize, owners);
    }

    /// What is expected of hashes without pattern.
    pub(crate) fn shares(&self) -> Vec<f64> {
        let count = f64::from(self.servers);
        if self.thresholds.is_empty() {
            return vec![1.0 / count; self.servers as usize];
        }
        let takes: Vec<f64> =
            self.thresholds.iter().map(|up_to| *up_to as f64 / (1_u64 << 32) as f64).collect();
        let refused = 1.0 - takes.iter().sum::<f64>() / count;
        // Each try reaches every server equally; the last one's choice stands whether it takes the key or not.
        let tries: f64 = (0..i32::from(WEIGHTED_TRIES)).map(|before| refused.powi(before)).sum();
        let unwanted = refused.powi(i32::from(WEIGHTED_TRIES) - 1);
        takes.iter().map(|takes| (takes * tries + (1.0 - takes) * unwanted) / count).collect()
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.thresholds)
    }
}

/// The server of `key` among `servers`.
fn furc(key: &[u8], servers: u32) -> usize {
    if servers <= 1 {
        return 0;
    }
    let mut bits = Bits::new(key);
    let mut width = u32::BITS - (servers - 1).leading_zeros();
    let mut at = width;
    for _ in 0..TRIES_MAX {
        while !bits.is_set(at) {
            width -= 1;
            if width == 0 {
                return 0;
            }
            at = width;
        }
        at += GAP;
        let mut server = 1;
        for _ in 1..width {
            server = server << 1 | u32::from(bits.is_set(at));
            at += GAP;
        }
        if server < servers {
            return server as usize;
        }
    }
    // So many refusals are met by no key in practice; the original settles for the first server too.
    0
}

/// An endless row of bits: the hash of the key, the hash of that hash, and so on.
struct Bits {
    /// The first words, as far as they are computed.
    words: [u64; NEAR],
    computed: usize,
    /// One word further on and its number.
    far: (usize, u64),
}

/// A list of 1,000 servers hardly ever needs more.
const NEAR: usize = 8;

impl Bits {
    fn new(key: &[u8]) -> Bits {
        let mut words = [0; NEAR];
        words[0] = murmur64a(key, MURMUR_SEED);
        Bits { words, computed: 1, far: (NEAR, 0) }
    }

    fn is_set(&mut self, bit: u32) -> bool {
        self.word(bit as usize / 64) >> (bit % 64) & 1 == 1
    }

    fn word(&mut self, index: usize) -> u64 {
        let next = |word: u64| murmur64a(&word.to_le_bytes(), MURMUR_SEED);
        while self.computed <= index.min(NEAR - 1) {
            self.words[self.computed] = next(self.words[self.computed - 1]);
            self.computed += 1;
        }
        if index < NEAR {
            return self.words[index];
        }
        if self.far.1 == 0 || self.far.0 > index {
            self.far = (NEAR, next(self.words[NEAR - 1]));
        }
        while self.far.0 < index {
            self.far = (self.far.0 + 1, next(self.far.1));
        }
        self.far.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unweighted(servers: usize) -> Furc {
        Furc::new(servers, None, "")
    }

    /// The number that mcrouter's own tests make of the owners of `k0`, `k1` …
    fn checksum(furc: &Furc, keys: u32, key: impl Fn(u32) -> String) -> u32 {
        let owners = (0..keys).map(|number| furc.owner(key(number).as_bytes()) as u32);
        owners.fold(0, |sum: u32, owner| sum.wrapping_mul(31).wrapping_add(owner))
    }

    #[test]
    fn values_of_mcrouters_own_tests() {
        let rising: Vec<u8> = (0..256_u32).map(|byte| (byte as u8).wrapping_sub(128)).collect();
        let falling: Vec<u8> = rising.iter().rev().copied().collect();
        let check = |servers, key: &[u8], expected| {
            assert_eq!(unweighted(servers).owner(key), expected, "{servers} {key:?}");
        };
        check(100, b"sample", 97);
        check(1, b"sample", 0);
        check(100, b"", 72);
        check(1 << 23, b"", 6_173_600);
        check(1 << 23, b"sample", 5_167_780);
        check(99_999, &rising, 31_015);
        check(99_999, &falling, 67_101);
    }

    #[test]
    fn checksums_of_mcrouters_own_tests() {
        let check = |servers: usize, weight: Option<f64>, keys, expected| {
            let weights = weight.map(|weight| vec![weight; servers]);
            let sum = checksum(&Furc::new(servers, weights, ""), keys, |number| format!("k{number}"));
            assert_eq!(sum, expected, "{servers} of weight {weight:?}");
        };
        for (servers, expected) in
            [(2, 1_346_413_954), (7, 4_252_552_508), (100, 2_289_223_413), (100_000, 1_053_928_120)]
        {
            check(servers, None, 100_000, expected);
        }
        check(10, Some(1.0), 100_000, 2_894_016_351);
        for (servers, expected) in
            [(2, 2_395_690_262), (10, 547_444_706), (1000, 1_336_857_622), (10_000, 3_378_951_161)]
        {
            check(servers, Some(0.5), 10_000, expected);
        }
        for (servers, expected) in [(2, 3_431_444_300), (100, 2_604_325_093), (1000, 337_394_182)] {
            check(servers, Some(0.0), 10_000, expected);
        }
        let mixed = Furc::new(5, Some(vec![1.0, 0.5, 0.0, 0.75, 1.0]), "");
        assert_eq!(checksum(&mixed, 10_000, |number| format!("d{number}")), 2_309_057_571);
        let letters: String = (0..128_u8).map(|at| char::from(b'A' + at % 26)).collect();
        let long = Furc::new(100, Some(vec![0.5; 100]), "");
        assert_eq!(checksum(&long, 10_000, |number| format!("{letters}{number}")), 4_273_108_085);
    }

    #[test]
    fn shares_where_nobody_wants_a_key() {
        let check = |weights: &[f64], expected: &[f64]| {
            let shares = Furc::new(weights.len(), Some(weights.to_vec()), "").shares();
            let close = |(share, expected): (&f64, &f64)| (share - expected).abs() < 1e-3;
            assert!(shares.iter().zip(expected).all(close), "{weights:?} {shares:?}");
        };
        check(&[0.0; 4], &[0.25; 4]);
        check(&[1.0, 0.0, 0.5], &[2.0 / 3.0, 0.0, 1.0 / 3.0]);
    }

    #[test]
    fn bits_are_the_same_in_any_order() {
        let check = |order: &[usize]| {
            let mut straight = Bits::new(b"key");
            let words: Vec<u64> = (0..40).map(|index| straight.word(index)).collect();
            let mut jumping = Bits::new(b"key");
            for &index in order {
                assert_eq!(jumping.word(index), words[index], "{order:?}");
            }
        };
        check(&[39, 0, 20, 21, 8, 7, 39]);
        check(&[8, 9, 8, 30, 1]);
    }
}
