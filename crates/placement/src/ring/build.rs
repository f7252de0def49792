//! From points in the order in which servers lay them to a [`Ring`].

use super::{Angle, Point, Ring, WINDOW};
use crate::{BuildError, POINTS_MAX};

/// Whose a point is that two servers lay on the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ties {
    /// Who laid it first.
    First,
    /// Who laid it last, as when each `put` into a map replaces what was there.
    Last,
}

pub(crate) struct Builder<H> {
    points: Vec<Point<H>>,
}

impl<H: Angle> Builder<H> {
    /// For `expected` points, of which it refuses too many before it takes memory for them.
    pub(crate) fn new(expected: u64) -> Result<Builder<H>, BuildError> {
        if expected > POINTS_MAX as u64 {
            return Err(BuildError::Points { asked: expected });
        }
        Ok(Builder { points: Vec::with_capacity(expected as usize + WINDOW) })
    }

    #[inline]
    pub(crate) fn lay(&mut self, hash: H, owner: usize) {
        // The limit on points is one on servers too, so that a server's number fits.
        self.points.push(Point { hash, owner: owner as u32 });
    }

    /// `None` without a point.
    pub(crate) fn ring(mut self, ties: Ties) -> Option<Ring<H>> {
        sort(&mut self.points);
        if ties == Ties::Last {
            // Of equal ones, `dedup` keeps the first it sees.
            self.points.reverse();
        }
        self.points.dedup_by_key(|point| point.hash);
        if ties == Ties::Last {
            self.points.reverse();
        }
        let owner = self.points.first()?.owner;
        let starts = starts(&self.points);
        self.points.extend([Point { hash: H::MAX, owner }; WINDOW]);
        Some(Ring { points: self.points.into_boxed_slice(), starts })
    }
}

/// Half as many parts as points, so that the index takes a quarter of what points of 32 bits take; less what the entry at
/// the end and the points behind the last take.
fn starts<H: Angle>(points: &[Point<H>]) -> Box<[u32]> {
    let parts = (points.len() / 2).saturating_sub(1 + 2 * WINDOW).max(1);
    let mut starts = vec![0; parts + 1];
    // Count the points of each part one place further on, then add up.
    for point in points {
        starts[point.hash.part(parts) + 1] += 1;
    }
    for part in 1..=parts {
        starts[part] += starts[part - 1];
    }
    starts.into_boxed_slice()
}

/// Below this many points, comparing is as fast and needs no second buffer.
const RADIX_MIN: usize = 512;
/// Three passes cover 32 bits and six cover 64; 2,048 counters stay in the processor's first cache.
const DIGIT_BITS: u32 = 11;

/// Sorts by hash and leaves equal ones in the order they were laid.
fn sort<H: Angle>(points: &mut Vec<Point<H>>) {
    if points.len() < RADIX_MIN {
        points.sort_by_key(|point| point.hash);
        return;
    }
    let mut sorted = points.clone();
    for shift in (0..H::BITS).step_by(DIGIT_BITS as usize) {
        let digit = |point: &Point<H>| (point.hash.wide() >> shift) as usize & ((1 << DIGIT_BITS) - 1);
        let mut places = [0_u32; 1 << DIGIT_BITS];
        for point in points.iter() {
            places[digit(point)] += 1;
        }
        let mut next = 0;
        for place in &mut places {
            next += std::mem::replace(place, next);
        }
        for point in points.iter() {
            let place = &mut places[digit(point)];
            sorted[*place as usize] = *point;
            *place += 1;
        }
        std::mem::swap(points, &mut sorted);
    }
}
