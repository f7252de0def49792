//! The index finds what looking through all points finds.

use super::{Angle, Builder, Ring, Ties};
use proptest::collection::vec;
use proptest::prelude::*;

fn ring<H: Angle>(points: &[(H, usize)], ties: Ties) -> Ring<H> {
    let mut builder = Builder::new(points.len() as u64).unwrap();
    for (hash, owner) in points {
        builder.lay(*hash, *owner);
    }
    builder.ring(ties).unwrap()
}

/// Whose the first point at or after `hash` is, by the definition.
fn expected<H: Angle>(points: &[(H, usize)], ties: Ties, hash: H) -> usize {
    let least = points.iter().map(|point| point.0).min();
    let next = points.iter().map(|point| point.0).filter(|point| *point >= hash).min().or(least);
    let mut on_it = points.iter().filter(|point| Some(point.0) == next);
    let point = if ties == Ties::First { on_it.next() } else { on_it.next_back() };
    point.unwrap().1
}

fn check<H: Angle + std::fmt::Debug>(points: &[(H, usize)], hashes: impl IntoIterator<Item = H>) {
    let hashes: Vec<H> = hashes.into_iter().chain(points.iter().map(|point| point.0)).collect();
    for ties in [Ties::First, Ties::Last] {
        let ring = ring(points, ties);
        assert!(ring.points().map(|point| point.0).is_sorted_by(|a, b| a < b));
        for &hash in &hashes {
            assert_eq!(ring.owner(hash), expected(points, ties, hash), "{hash:?} {ties:?}");
        }
    }
}

#[test]
fn ends_of_the_circle() {
    let ends = [0, 1, 99, 100, 101, u32::MAX - 1, u32::MAX];
    check(&[(100, 0)], ends);
    check(&[(0, 0), (u32::MAX, 1)], ends);
    check(&[(1, 0), (100, 1), (u32::MAX - 1, 2)], ends);
    check(&[(0_u64, 0), (u64::MAX, 1), (1 << 63, 2)], [0, 1, 1 << 63, (1 << 63) + 1, u64::MAX]);
}

#[test]
fn crowds_are_searched_by_halves() {
    // All within one of the index's parts, and enough to be sorted by radix.
    let points: Vec<(u32, usize)> = (0..2000).map(|at| (at * 7 % 2003 + 5_000_000, at as usize)).collect();
    check(&points, [0, 4_999_999, 5_001_000, 5_002_003, u32::MAX]);
}

proptest! {
    #[test]
    fn narrow(points in vec((any::<u32>(), 0..50_usize), 1..700), hashes in vec(any::<u32>(), 20)) {
        check(&points, hashes);
    }

    #[test]
    fn wide(points in vec((any::<u64>(), 0..50_usize), 1..700), hashes in vec(any::<u64>(), 20)) {
        check(&points, hashes);
    }

    #[test]
    fn ties(points in vec((0..40_u32, 0..50_usize), 1..700), hashes in vec(0..41_u32, 20)) {
        check(&points, hashes);
    }
}

#[test]
fn memory_is_eight_bytes_a_point_and_a_quarter() {
    for count in [1, 2, 5, 100, 16_000] {
        let points: Vec<(u32, usize)> = (0..count).map(|at| (at * 100_003, 0)).collect();
        let bytes = ring(&points, Ties::First).bytes();
        // Nothing can be saved of a few points.
        assert!(bytes <= points.len() * 10 + if count < 100 { 40 } else { 0 }, "{count}: {bytes}");
    }
}
