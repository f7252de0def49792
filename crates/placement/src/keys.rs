//! From a key to the number that a rule starts with.

use crate::{Chars, Hash, hash};

/// How a placement hashes keys. Two placements with equal ones put each key on the same place of a circle.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeyHash {
    pub(crate) part: Part,
    pub(crate) hash: KeyFunction,
}

/// Which part of a key is hashed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    Whole,
    /// Between the first of these bytes and the next of the other, if that is one byte at least.
    Tag([u8; 2]),
    /// The same, but nothing counts too.
    AnyTag([u8; 2]),
    /// Up to this text.
    Stop(Box<[u8]>),
    /// Of `/region/cluster/key|#|rest`, the key.
    Route,
}

/// The function, with the width and the turn that make of it a place on the circle.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum KeyFunction {
    Named(Hash, Chars),
    /// XXH3 with a seed.
    Xxh3(u64),
    /// One more than a named hash, so that the first point *at* or after it is the first point after the hash.
    After(Hash),
    /// FNV-1 in 64 bits, shifted by half the circle so that the order is that of signed numbers.
    SignedFnv1,
    /// The first half of MurmurHash3 in 128 bits.
    Murmur3Wide,
    /// 31 bits of CRC-32 of the key and a salt.
    Crc31(Box<[u8]>),
}

impl KeyHash {
    /// The width of [`wide`](Self::wide).
    pub(crate) const WIDE_BITS: u32 = 64;

    pub(crate) fn named(hash: Hash, chars: Chars) -> KeyHash {
        KeyHash::whole(KeyFunction::named(hash, chars))
    }

    pub(crate) fn whole(hash: KeyFunction) -> KeyHash {
        KeyHash { part: Part::Whole, hash }
    }

    #[inline]
    pub(crate) fn narrow(&self, key: &[u8]) -> u32 {
        let key = self.part.of(key);
        match &self.hash {
            &KeyFunction::Named(hash, chars) => hash.of(key, chars),
            &KeyFunction::Xxh3(seed) => hash::xxh3_64_seeded(key, seed) as u32,
            &KeyFunction::After(hash) => hash.of(key, Chars::Unsigned).wrapping_add(1),
            KeyFunction::Crc31(salt) => hash::crc32_joined(key, salt) & 0x7fff_ffff,
            KeyFunction::SignedFnv1 | KeyFunction::Murmur3Wide => self.wide(key) as u32,
        }
    }

    #[inline]
    pub(crate) fn wide(&self, key: &[u8]) -> u64 {
        match self.hash {
            KeyFunction::Xxh3(seed) => hash::xxh3_64_seeded(self.part.of(key), seed),
            KeyFunction::SignedFnv1 => signed(hash::fnv1_64(self.part.of(key))),
            KeyFunction::Murmur3Wide => hash::murmur3_x64_128(self.part.of(key)).0,
            _ => self.narrow(key).into(),
        }
    }

    /// How many different values [`narrow`](Self::narrow) has, as a power of two.
    pub(crate) fn bits(&self) -> u32 {
        match self.hash {
            KeyFunction::Named(hash, _) => hash.bits(),
            KeyFunction::Crc31(_) => 31,
            _ => 32,
        }
    }
}

impl KeyFunction {
    /// What a hash does not look at makes no difference.
    pub(crate) fn named(hash: Hash, chars: Chars) -> KeyFunction {
        KeyFunction::Named(hash, if hash.depends_on_chars() { chars } else { Chars::Unsigned })
    }
}

/// Puts numbers that were compared as signed in the same order as unsigned ones.
pub(crate) fn signed(hash: u64) -> u64 {
    hash ^ 1 << 63
}

impl Part {
    #[inline]
    pub(crate) fn of<'k>(&self, key: &'k [u8]) -> &'k [u8] {
        match self {
            Part::Whole => key,
            Part::Tag(tag) => tagged(key, *tag).filter(|tagged| !tagged.is_empty()).unwrap_or(key),
            Part::AnyTag(tag) => tagged(key, *tag).unwrap_or(key),
            Part::Stop(stop) => before(key, stop),
            Part::Route => before(without_route(key), b"|#|"),
        }
    }
}

fn tagged(key: &[u8], [open, close]: [u8; 2]) -> Option<&[u8]> {
    let (_, after) = key.split_at(key.iter().position(|byte| *byte == open)? + 1);
    Some(&after[..after.iter().position(|byte| *byte == close)?])
}

fn before<'k>(key: &'k [u8], stop: &[u8]) -> &'k [u8] {
    let found = key.windows(stop.len().max(1)).position(|window| window == stop);
    &key[..found.unwrap_or(key.len())]
}

/// mcrouter's routing prefix is everything up to the third slash of a key that starts with one.
fn without_route(key: &[u8]) -> &[u8] {
    let mut slashes = (0..key.len()).filter(|at| key[*at] == b'/');
    match (key.first(), slashes.nth(2)) {
        (Some(b'/'), Some(third)) => &key[third + 1..],
        _ => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let check = |part: Part, key: &str, expected: &str| {
            assert_eq!(part.of(key.as_bytes()), expected.as_bytes(), "{part:?} of {key}");
        };
        check(Part::Whole, "a{b}c", "a{b}c");
        for (key, expected) in [
            ("a{b}c", "b"),
            ("{bc}", "bc"),
            ("a{}b{c}", "a{}b{c}"),
            ("}a{b}", "b"),
            ("{a{b}}", "a{b"),
            ("a{b", "a{b"),
            ("", ""),
            ("{", "{"),
        ] {
            check(Part::Tag(*b"{}"), key, expected);
        }
        check(Part::AnyTag(*b"{}"), "a{}b{c}", "");
        check(Part::AnyTag(*b"{}"), "a{b", "a{b");
        check(Part::Tag(*b"$$"), "a$b$c$", "b");
        for (key, expected) in [("ab|#|c|#|d", "ab"), ("|#|c", ""), ("a|#b", "a|#b"), ("a", "a"), ("", "")] {
            check(Part::Stop((*b"|#|").into()), key, expected);
            check(Part::Route, key, expected);
        }
        for (key, expected) in [
            ("/region/cluster/key|#|rest", "key"),
            ("/region/cluster/", ""),
            ("/region/cluster", "/region/cluster"),
            ("a/b/c/d", "a/b/c/d"),
            ("///a", "a"),
            ("/r/c/a/b", "a/b"),
        ] {
            check(Part::Route, key, expected);
        }
    }
}
