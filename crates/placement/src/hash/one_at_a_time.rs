//! Bob Jenkins's one-at-a-time hash, libmemcached's default.

/// One-at-a-time of the bytes.
pub fn one_at_a_time(key: &[u8]) -> u32 {
    of_units(key.iter().map(|&byte| byte.into()))
}

pub(super) fn of_units(units: impl Iterator<Item = u32>) -> u32 {
    let mixed = units.fold(0_u32, |hash, unit| {
        let hash = hash.wrapping_add(unit);
        let hash = hash.wrapping_add(hash << 10);
        hash ^ hash >> 6
    });
    let mixed = mixed.wrapping_add(mixed << 3);
    let mixed = mixed ^ mixed >> 11;
    mixed.wrapping_add(mixed << 15)
}

#[test]
fn published_vectors() {
    assert_eq!(one_at_a_time(b"a"), 0xca2e_9442);
    assert_eq!(one_at_a_time(b"The quick brown fox jumps over the lazy dog"), 0x519e_91f5);
    assert_eq!(one_at_a_time(b""), 0);
}
