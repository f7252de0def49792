//! Yann Collet's XXH3 in 64 bits, from the crate `xxhash-rust`.

/// XXH3 with the default seed: what memcached's proxy hashes keys and ring labels with.
pub fn xxh3_64(key: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(key)
}

/// XXH3 with a seed; seed 0 is the default.
pub fn xxh3_64_seeded(key: &[u8], seed: u64) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(key, seed)
}

#[test]
fn the_reference_value_of_nothing() {
    assert_eq!(xxh3_64(b""), 0x2d06_8005_38d3_94c2);
    assert_eq!(xxh3_64_seeded(b"key", 0), xxh3_64(b"key"));
}
