//! Austin Appleby's MurmurHash3 for x86 (32 bits) and x64 (128 bits).

use super::{le32, le64};

/// MurmurHash3_x86_32.
pub fn murmur3_32(key: &[u8], seed: u32) -> u32 {
    let mut words = key.chunks_exact(4);
    let hash = words.by_ref().fold(seed, absorb_word);
    avalanche(hash ^ scramble(le32(words.remainder())) ^ key.len() as u32)
}

/// The same over bytes that need not lie in memory one after another; `length` is what the hash is told of it.
pub(crate) fn of_bytes(mut bytes: impl Iterator<Item = u8>, length: u32, seed: u32) -> u32 {
    let mut hash = seed;
    loop {
        let mut word = [0; 4];
        let mut filled = 0;
        // The places come first, so that no byte is taken that has none.
        for (place, byte) in word.iter_mut().zip(&mut bytes) {
            *place = byte;
            filled += 1;
        }
        let word = u32::from_le_bytes(word);
        if filled < 4 {
            return avalanche(hash ^ scramble(word) ^ length);
        }
        hash = absorb(hash, word);
    }
}

fn scramble(word: u32) -> u32 {
    word.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593)
}

/// The state after four bytes more.
#[inline]
pub(crate) fn absorb_word(state: u32, word: &[u8]) -> u32 {
    absorb(state, le32(word))
}

fn absorb(hash: u32, word: u32) -> u32 {
    (hash ^ scramble(word)).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64)
}

fn avalanche(hash: u32) -> u32 {
    let hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    let hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

/// Both halves of MurmurHash3_x64_128 with seed 0, the first half first.
pub fn murmur3_x64_128(key: &[u8]) -> (u64, u64) {
    const C1: u64 = 0x87c3_7b91_1142_53d5;
    const C2: u64 = 0x4cf5_ad43_2745_937f;
    let scramble = |word: u64, by: u64, rotation, then: u64| {
        word.wrapping_mul(by).rotate_left(rotation).wrapping_mul(then)
    };
    let (mut h1, mut h2) = (0_u64, 0_u64);
    let mut blocks = key.chunks_exact(16);
    for block in blocks.by_ref() {
        h1 ^= scramble(le64(&block[..8]), C1, 31, C2);
        h1 = h1.rotate_left(27).wrapping_add(h2).wrapping_mul(5).wrapping_add(0x52dc_e729);
        h2 ^= scramble(le64(&block[8..]), C2, 33, C1);
        h2 = h2.rotate_left(31).wrapping_add(h1).wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    // A word of zeros scrambles to 0, so that an empty half of the tail changes nothing.
    let tail = blocks.remainder();
    let (low, high) = tail.split_at(tail.len().min(8));
    h1 ^= scramble(le64(low), C1, 31, C2) ^ key.len() as u64;
    h2 ^= scramble(le64(high), C2, 33, C1) ^ key.len() as u64;
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    let avalanche = |hash: u64| {
        let hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
        let hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        hash ^ hash >> 33
    };
    (h1, h2) = (avalanche(h1), avalanche(h2));
    h1 = h1.wrapping_add(h2);
    (h1, h2.wrapping_add(h1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_vectors() {
        let check = |key: &[u8], seed, expected| {
            assert_eq!(murmur3_32(key, seed), expected, "{key:?}");
            assert_eq!(of_bytes(key.iter().copied(), key.len() as u32, seed), expected, "{key:?}");
        };
        check(b"", 0, 0);
        check(b"", 1, 0x514e_28b7);
        check(b"\xff\xff\xff\xff", 0, 0x7629_3b50);
        check(b"!Ce\x87", 0, 0xf55b_516b);
        check(b"!Ce", 0, 0x7e4a_8634);
        check(b"!C", 0, 0xa0f7_b07a);
        check(b"!", 0, 0x7266_1cf4);
        check(b"Hello, world!", 0x9747_b28c, 0x2488_4cba);
        check(b"The quick brown fox jumps over the lazy dog", 0x9747_b28c, 0x2fa8_26cd);
    }

    #[test]
    fn the_long_one_as_spaolacci_has_it() {
        let check = |key: &[u8], expected| assert_eq!(murmur3_x64_128(key), expected, "{key:?}");
        check(b"", (0, 0));
        check(b"hello", (0xcbd8_a7b3_41bd_9b02, 0x5b1e_906a_48ae_1d19));
        check(b"hello, world", (0x342f_ac62_3a5e_bc8e, 0x4cdc_bc07_9642_414d));
        check(b"19 Jan 2038 at 3:14:07 AM", (0xb89e_5988_b737_affc, 0x664f_c295_0231_b2cb));
        check(
            b"The quick brown fox jumps over the lazy dog.",
            (0xcd99_481f_9ee9_02c9, 0x695d_a1a3_8987_b6e7),
        );
    }
}
