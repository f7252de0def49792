//! Hash functions by the names that clients' configurations know.

use super::{crc, fnv, hsieh, jenkins, md5_words, murmur2, murmur3_32, one_at_a_time, xxh3_64};
use std::fmt;

/// A hash of a key in 32 bits, as clients let their users choose one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hash {
    /// Jenkins's one-at-a-time; libmemcached's `default`.
    OneAtATime,
    /// The first little-endian word of MD5; also called `ketama`.
    Md5,
    /// CRC-16 as twemproxy has it.
    Crc16,
    /// 15 bits of CRC-32: libmemcached's `crc`, which twemproxy calls `crc32`.
    Crc,
    /// CRC-32.
    Crc32,
    /// The lower half of FNV-1 in 64 bits.
    Fnv1Wide,
    /// The lower half of FNV-1a in 64 bits.
    Fnv1aWide,
    /// FNV-1.
    Fnv1,
    /// FNV-1a.
    Fnv1a,
    /// Hsieh's SuperFastHash.
    Hsieh,
    /// MurmurHash2, seeded by the length.
    Murmur,
    /// MurmurHash3, seeded by the length as libmemcached does.
    Murmur3,
    /// MurmurHash3 with seed 0.
    Murmur3Plain,
    /// Jenkins's lookup3.
    Jenkins,
    /// Java's `String.hashCode`.
    Native,
    /// The lower half of XXH3.
    Xxh3,
}

/// What a program takes for a character of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chars {
    /// A C `char` on x86: bytes of 0x80 and above count as negative.
    Signed,
    /// A C `char` on ARM, or a byte in any other language.
    Unsigned,
    /// A Java `char`: a UTF-16 unit of the key read as UTF-8.
    Utf16,
}

impl Hash {
    /// All there are, with the names they are written by; the first is how they are shown.
    pub const NAMES: &[(Hash, &[&str])] = &[
        (Hash::OneAtATime, &["one_at_a_time", "default"]),
        (Hash::Md5, &["md5", "ketama"]),
        (Hash::Crc16, &["crc16"]),
        (Hash::Crc, &["crc"]),
        (Hash::Crc32, &["crc32a", "crc32-itu"]),
        (Hash::Fnv1Wide, &["fnv1_64", "fnv1-64"]),
        (Hash::Fnv1aWide, &["fnv1a_64", "fnv1a-64"]),
        (Hash::Fnv1, &["fnv1_32", "fnv1-32"]),
        (Hash::Fnv1a, &["fnv1a_32", "fnv1a-32"]),
        (Hash::Hsieh, &["hsieh"]),
        (Hash::Murmur, &["murmur"]),
        (Hash::Murmur3, &["murmur3"]),
        (Hash::Murmur3Plain, &["murmur3_32"]),
        (Hash::Jenkins, &["jenkins"]),
        (Hash::Native, &["native"]),
        (Hash::Xxh3, &["xxh3"]),
    ];

    /// The hash of `key`, O(bytes), without allocation.
    #[inline]
    pub fn of(self, key: &[u8], chars: Chars) -> u32 {
        match self {
            Hash::Md5 => md5_words(key)[0],
            Hash::Crc32 => crc::crc32(key),
            Hash::Murmur3Plain => murmur3_32(key, 0),
            Hash::Xxh3 => xxh3_64(key) as u32,
            Hash::Crc => crc::crc32_15(key),
            Hash::Crc16 => crc::crc16(key),
            Hash::Hsieh => hsieh(key, chars),
            Hash::Murmur => murmur2(key),
            Hash::Murmur3 => murmur3_32(key, (key.len() as u32).wrapping_mul(0xdead_beef)),
            Hash::Jenkins => jenkins(key),
            Hash::OneAtATime | Hash::Fnv1Wide | Hash::Fnv1aWide | Hash::Fnv1 | Hash::Fnv1a | Hash::Native => {
                match chars {
                    Chars::Signed | Chars::Unsigned => {
                        self.of_units(key.iter().map(|&byte| chars.widen(byte)))
                    }
                    Chars::Utf16 => self.of_units(utf16(key)),
                }
            }
        }
    }

    /// Whether [`Chars`] make a difference to it, for some key.
    pub fn depends_on_chars(self) -> bool {
        use Hash::{Fnv1, Fnv1Wide, Fnv1a, Fnv1aWide, Hsieh, Native, OneAtATime};
        matches!(self, OneAtATime | Fnv1Wide | Fnv1aWide | Fnv1 | Fnv1a | Hsieh | Native)
    }

    /// The number of different values, as a power of two.
    pub fn bits(self) -> u32 {
        if self == Hash::Crc { 15 } else { 32 }
    }

    fn of_units(self, units: impl Iterator<Item = u32>) -> u32 {
        match self {
            Hash::Fnv1Wide => fnv::fnv1::<{ fnv::PRIME_64_LOW }>(fnv::BASIS_64_LOW, units),
            Hash::Fnv1aWide => fnv::fnv1a::<{ fnv::PRIME_64_LOW }>(fnv::BASIS_64_LOW, units),
            Hash::Fnv1 => fnv::fnv1::<{ fnv::PRIME_32 }>(fnv::BASIS_32, units),
            Hash::Fnv1a => fnv::fnv1a::<{ fnv::PRIME_32 }>(fnv::BASIS_32, units),
            Hash::Native => units.fold(0, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit)),
            _ => one_at_a_time::of_units(units),
        }
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Hash::NAMES.iter().find(|(hash, _)| hash == self);
        f.write_str(named.map_or("?", |(_, names)| names[0]))
    }
}

impl Chars {
    /// A byte as C widens it to 32 bits. A Java character is not a byte; where one is asked for, it counts as unsigned.
    #[inline]
    pub(crate) fn widen(self, byte: u8) -> u32 {
        if self == Chars::Signed { byte as i8 as u32 } else { byte.into() }
    }
}

/// The UTF-16 units of a key; what is not UTF-8 becomes U+FFFD, as when Java decodes it.
fn utf16(key: &[u8]) -> impl Iterator<Item = u32> {
    key.utf8_chunks().flat_map(|chunk| {
        let replacement = (!chunk.invalid().is_empty()).then_some(0xfffd);
        chunk.valid().encode_utf16().map(u32::from).chain(replacement)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for (hash, names) in Hash::NAMES {
            assert_eq!(hash.to_string(), names[0]);
        }
    }

    #[test]
    fn values_of_libmemcached() {
        // `memcached_generate_hash_value` of Debian's libmemcached 1.1.4 on x86.
        let check = |hash: Hash, key: &[u8], expected: u32| {
            assert_eq!(hash.of(key, Chars::Signed), expected, "{hash} {key:?}");
        };
        for (hash, plain, high) in [
            (Hash::OneAtATime, 0xa8a8_b148, 0xbc24_4689),
            (Hash::Md5, 0x1f95_52cd, 0x7b9f_7033),
            (Hash::Crc, 0x0000_0a58, 0x0000_7d98),
            (Hash::Fnv1Wide, 0x2694_05f0, 0x48c1_3662),
            (Hash::Fnv1aWide, 0x469c_b11a, 0x753d_8634),
            (Hash::Fnv1, 0x3fd7_62b0, 0xec83_b082),
            (Hash::Fnv1a, 0x43b6_cb3a, 0x93d7_db74),
            (Hash::Murmur, 0x4e4a_0f84, 0x1405_935d),
            (Hash::Murmur3, 0x4a87_4725, 0xd5d2_c4d7),
            (Hash::Jenkins, 0x214d_c923, 0x09c1_baca),
        ] {
            check(hash, b"some key", plain);
            check(hash, b"\xe2\x82\xac\xff\x80", high);
        }
    }

    #[test]
    fn chars_matter_to_those_that_say_so() {
        for (hash, _) in Hash::NAMES {
            let of = |chars| hash.of(b"\xe2\x82\xac", chars);
            let differs = of(Chars::Signed) != of(Chars::Unsigned) || of(Chars::Signed) != of(Chars::Utf16);
            assert_eq!(differs, hash.depends_on_chars(), "{hash}");
        }
    }

    #[test]
    fn java_s_string_hash_code() {
        assert_eq!(Hash::Native.of(b"hello", Chars::Utf16), 99_162_322);
        assert_eq!(Hash::Native.of("€".as_bytes(), Chars::Utf16), 0x20ac);
    }
}
