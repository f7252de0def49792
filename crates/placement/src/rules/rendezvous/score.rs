//! How server and key become a score.

/// mcrouter's `hash128to64`.
pub(super) fn mix_128(server: u64, key: u64) -> u64 {
    const K: u64 = 0x9ddf_ea08_eb38_2d69;
    let a = (key ^ server).wrapping_mul(K);
    let b = (server ^ a ^ a >> 47).wrapping_mul(K);
    (b ^ b >> 47).wrapping_mul(K)
}

pub(super) fn mcrouter_score(mixed: u64, weight: f64) -> f64 {
    let fraction = (mixed & ((1 << 53) - 1)) as f64 / (1_u64 << 53) as f64;
    weight * (1.0 / -fraction.ln())
}

/// Ours: two multiplications, as much as it takes for every bit of both to reach the upper half.
#[inline]
pub(super) fn mix(server: u64, key: u64) -> u64 {
    let mixed = (server ^ key).wrapping_mul(0xff51_afd7_ed55_8ccd);
    (mixed ^ mixed >> 32).wrapping_mul(0xc4ce_b9fe_1a85_ec53)
}

/// The upper 53 bits as a number between 0 and 1, neither of which it is.
#[inline]
pub(super) fn fraction(mixed: u64) -> f64 {
    ((mixed >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

/// The logarithm's negative, of a number between 0 and 1.
///
/// Cut into 2ᵉ · m with m in [√½, √2), ln m = 2 artanh s with s = (m − 1) / (m + 1), whose series of eleven terms is exact
/// to the last digits. Only operations that IEEE 754 defines to the bit.
pub(super) fn minus_ln(u: f64) -> f64 {
    let bits = u.to_bits();
    let mut exponent = (bits >> 52) as i32 - 1023;
    let mut m = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    if m > std::f64::consts::SQRT_2 {
        m *= 0.5;
        exponent += 1;
    }
    let s = (m - 1.0) / (m + 1.0);
    let square = s * s;
    let series = (0..11).rev().fold(0.0, |sum, term| sum * square + 1.0 / f64::from(2 * term + 1));
    -(f64::from(exponent) * std::f64::consts::LN_2 + 2.0 * s * series)
}

#[test]
fn the_logarithm_is_one() {
    for u in [1e-300, 5.6e-17, 0.001, 0.3, 0.5, 0.7, 0.7072, 0.9, 0.999_999, 1.0 - 1e-16] {
        let error = (minus_ln(u) + u.ln()).abs();
        assert!(error <= 4e-16 * minus_ln(u).max(0.5), "{u}: {error}");
    }
}
