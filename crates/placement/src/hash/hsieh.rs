//! Paul Hsieh's SuperFastHash, as libmemcached and twemproxy have it.

use super::Chars;

/// SuperFastHash of the bytes. Of signed characters, only the last of three that are left over differs.
pub fn hsieh(key: &[u8], chars: Chars) -> u32 {
    if key.is_empty() {
        return 0;
    }
    let pair = |bytes: &[u8]| u32::from(bytes[0]) | u32::from(bytes[1]) << 8;
    let mut quads = key.chunks_exact(4);
    let mut hash = quads.by_ref().fold(0_u32, |hash, quad| {
        let hash = hash.wrapping_add(pair(quad));
        let mixed = hash << 16 ^ pair(&quad[2..]) << 11 ^ hash;
        mixed.wrapping_add(mixed >> 11)
    });
    match *quads.remainder() {
        [first, second, third] => {
            hash = hash.wrapping_add(pair(&[first, second]));
            hash ^= hash << 16;
            hash ^= chars.widen(third) << 18;
            hash = hash.wrapping_add(hash >> 11);
        }
        [first, second] => {
            hash = hash.wrapping_add(pair(&[first, second]));
            hash ^= hash << 11;
            hash = hash.wrapping_add(hash >> 17);
        }
        [first] => {
            hash = hash.wrapping_add(first.into());
            hash ^= hash << 10;
            hash = hash.wrapping_add(hash >> 1);
        }
        _ => {}
    }
    hash ^= hash << 3;
    hash = hash.wrapping_add(hash >> 5);
    hash ^= hash << 4;
    hash = hash.wrapping_add(hash >> 17);
    hash ^= hash << 25;
    hash.wrapping_add(hash >> 6)
}
