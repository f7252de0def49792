//! Fowler, Noll and Vo's hash: multiply, then xor (1), or the other way round (1a).

/// FNV-1 in 32 bits.
pub fn fnv1_32(key: &[u8]) -> u32 {
    fnv1::<PRIME_32>(BASIS_32, key.iter().map(|&byte| byte.into()))
}

/// FNV-1a in 32 bits.
pub fn fnv1a_32(key: &[u8]) -> u32 {
    fnv1a::<PRIME_32>(BASIS_32, key.iter().map(|&byte| byte.into()))
}

/// FNV-1 in 64 bits.
pub fn fnv1_64(key: &[u8]) -> u64 {
    key.iter().fold(BASIS_64, |hash, &byte| hash.wrapping_mul(PRIME_64) ^ u64::from(byte))
}

/// FNV-1a in 64 bits.
pub fn fnv1a_64(key: &[u8]) -> u64 {
    key.iter().fold(BASIS_64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME_64))
}

pub(super) const BASIS_32: u32 = 0x811c_9dc5;
pub(super) const PRIME_32: u32 = 0x0100_0193;
const BASIS_64: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME_64: u64 = 0x0100_0000_01b3;

/// The lower halves of basis and prime. Of a sum or product, the lower bits depend on lower bits alone, so that the lower
/// half of a 64-bit FNV is a 32-bit FNV with these.
pub(super) const BASIS_64_LOW: u32 = BASIS_64 as u32;
pub(super) const PRIME_64_LOW: u32 = PRIME_64 as u32;

/// Over characters, which are bytes of either sign or UTF-16 units.
pub(super) fn fnv1<const PRIME: u32>(basis: u32, units: impl Iterator<Item = u32>) -> u32 {
    units.fold(basis, |hash, unit| hash.wrapping_mul(PRIME) ^ unit)
}

pub(super) fn fnv1a<const PRIME: u32>(basis: u32, units: impl Iterator<Item = u32>) -> u32 {
    units.fold(basis, |hash, unit| (hash ^ unit).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authors_vectors() {
        assert_eq!((fnv1_32(b"foobar"), fnv1a_32(b"foobar")), (0x31f0_b262, 0xbf9c_f968));
        assert_eq!((fnv1_64(b"foobar"), fnv1a_64(b"foobar")), (0x340d_8765_a4dd_a9c2, 0x8594_4171_f739_67e8));
        assert_eq!((fnv1_32(b""), fnv1a_64(b"")), (BASIS_32, BASIS_64));
    }

    #[test]
    fn the_lower_half_needs_no_upper_half() {
        let key = b"any key \xff\x80 at all";
        let units = || key.iter().map(|&byte| u32::from(byte));
        assert_eq!(fnv1::<PRIME_64_LOW>(BASIS_64_LOW, units()), fnv1_64(key) as u32);
        assert_eq!(fnv1a::<PRIME_64_LOW>(BASIS_64_LOW, units()), fnv1a_64(key) as u32);
    }
}
