//! The hash functions that placements are made of.
//!
//! All are pure functions of bytes; the width is that of the return type. None is fit against someone who chooses keys
//! to hurt: compatibility leaves no choice.
//!
//! C programs read keys as `char`, which is signed on x86 and unsigned on ARM. For bytes of 0x80 and above, several of
//! their hashes therefore differ between the two; [`Chars`] says which is meant. The functions of this module named
//! like the standard ones read bytes as unsigned.

mod crc;
mod fnv;
mod hsieh;
mod jenkins;
mod jump;
mod md5;
mod murmur;
mod murmur3;
mod named;
mod one_at_a_time;
mod spooky;
mod xxh;

pub(crate) use crc::crc32_joined;
pub use crc::{crc16, crc32, crc32_15};
pub use fnv::{fnv1_32, fnv1_64, fnv1a_32, fnv1a_64};
pub use hsieh::hsieh;
pub use jenkins::jenkins;
pub use jump::jump;
pub use md5::{md5, md5_words};
pub use murmur::{murmur2, murmur64a};
pub(crate) use murmur3::{absorb_word as murmur3_absorb, of_bytes as murmur3_of_bytes};
pub use murmur3::{murmur3_32, murmur3_x64_128};
pub use named::{Chars, Hash};
pub use one_at_a_time::one_at_a_time;
pub use spooky::{spooky2_32, spooky2_128};
pub use xxh::{xxh3_64, xxh3_64_seeded};

/// The little-endian number that up to four bytes are.
#[inline]
fn le32(bytes: &[u8]) -> u32 {
    match bytes.first_chunk() {
        Some(word) => u32::from_le_bytes(*word),
        None => bytes.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte)),
    }
}

/// The same of up to eight.
#[inline]
fn le64(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    }
}
