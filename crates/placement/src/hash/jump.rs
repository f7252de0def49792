//! Lamping and Veach's jump consistent hash.

/// The bucket of `key` among `buckets`, in O(log buckets) expected steps and no memory. 0 when there is none.
///
/// Growing by one bucket moves 1 / (n + 1) of the keys, all to the new one; only the last bucket can be taken away.
/// Source: "A Fast, Minimal Memory, Consistent Hash Algorithm" (2014).
pub fn jump(mut key: u64, buckets: u32) -> u32 {
    let (mut bucket, mut next) = (0, 0_i64);
    while next < i64::from(buckets) {
        bucket = next;
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        next = ((bucket + 1) as f64 * ((1_u64 << 31) as f64 / ((key >> 33) + 1) as f64)) as i64;
    }
    bucket as u32
}

#[test]
fn vectors_of_the_guava_tests() {
    let check = |key, buckets, expected| assert_eq!(jump(key, buckets), expected, "{key} {buckets}");
    check(0, 1, 0);
    check(10_863_919_174_838_991, 11, 6);
    check(2_016_238_256_797_177_309, 11, 3);
    check(1_673_758_223_894_951_030, 11, 5);
    check(2, 100_001, 80_343);
    check(2201, 100_001, 22_152);
    check(2202, 100_001, 15_018);
}
