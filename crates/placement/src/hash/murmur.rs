//! Austin Appleby's MurmurHash2: 32 bits as libmemcached and twemproxy seed it, and 64 bits (64A) as mcrouter does.

use super::{le32, le64};

/// MurmurHash2 in 32 bits, seeded with the length times 0xdeadbeef: `murmur` of libmemcached and twemproxy.
pub fn murmur2(key: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let length = key.len() as u32;
    let mut words = key.chunks_exact(4);
    let mut hash = words.by_ref().fold(length.wrapping_mul(0xdead_beef) ^ length, |hash, word| {
        let word = le32(word).wrapping_mul(M);
        hash.wrapping_mul(M) ^ (word ^ word >> 24).wrapping_mul(M)
    });
    if !words.remainder().is_empty() {
        hash = (hash ^ le32(words.remainder())).wrapping_mul(M);
    }
    hash = (hash ^ hash >> 13).wrapping_mul(M);
    hash ^ hash >> 15
}

/// MurmurHash64A.
pub fn murmur64a(key: &[u8], seed: u32) -> u64 {
    const M: u64 = 0xc6a4_a793_5bd1_e995;
    let start = u64::from(seed) ^ (key.len() as u64).wrapping_mul(M);
    let mut words = key.chunks_exact(8);
    let mut hash = words.by_ref().fold(start, |hash, word| {
        let word = le64(word).wrapping_mul(M);
        (hash ^ (word ^ word >> 47).wrapping_mul(M)).wrapping_mul(M)
    });
    if !words.remainder().is_empty() {
        hash = (hash ^ le64(words.remainder())).wrapping_mul(M);
    }
    hash = (hash ^ hash >> 47).wrapping_mul(M);
    hash ^ hash >> 47
}
