//! The circle of points that most placements are.
//!
//! A key belongs to the first point at or after its hash, past the last point to the first. Which point counts where two
//! servers have one of the same hash is part of each placement's rule, and is settled while building ([`Ties`]).
//!
//! - **Shape**: points in order, hash and owner beside each other: 8 bytes a point at 32 bits, 16 at 64. In front of
//!   them an index: the circle is cut into equal parts, half as many as there are points, and for each part 4 bytes say
//!   where its points begin. That is a quarter more at 32 bits.
//! - **Cost**: a lookup reads an entry of the index and four points, which lie in one cache line or two; where hashes
//!   crowd into one part it is searched by halves, so O(log points) at worst. Building sorts by radix, O(points).
//! - **Size**: 100 servers × 160 points = 16,000 points = 125 KiB and 31 KiB of index.

mod build;
mod walk;

pub(crate) use build::{Builder, Ties};

/// One point of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Point<H> {
    hash: H,
    owner: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Ring<H> {
    /// Ascending by hash, no hash twice, at least one; behind them [`WINDOW`] more at the greatest hash there is, which
    /// belong to the owner of the first. So whoever is past the last point finds the first's owner without being asked.
    points: Box<[Point<H>]>,
    /// For each part of the circle the first point at or after its start; one more entry than there are parts, the last
    /// being the number of points.
    starts: Box<[u32]>,
}

/// What a ring is measured in: `u32` or `u64`.
pub(crate) trait Angle: Copy + Ord {
    const BITS: u32;
    const MAX: Self;
    fn wide(self) -> u64;
    /// Which of `parts` equal parts of the circle it lies in.
    fn part(self, parts: usize) -> usize;
}

impl Angle for u32 {
    const BITS: u32 = 32;
    const MAX: u32 = u32::MAX;

    #[inline]
    fn wide(self) -> u64 {
        self.into()
    }

    #[inline]
    fn part(self, parts: usize) -> usize {
        ((u64::from(self) * parts as u64) >> 32) as usize
    }
}

impl Angle for u64 {
    const BITS: u32 = 64;
    const MAX: u64 = u64::MAX;

    #[inline]
    fn wide(self) -> u64 {
        self
    }

    #[inline]
    fn part(self, parts: usize) -> usize {
        ((u128::from(self) * parts as u128) >> 64) as usize
    }
}

/// So many points are compared at once, without a branch that could be guessed wrong. A part has two on average, one of
/// them before the hash, so that two lookups in a hundred need a second window.
const WINDOW: usize = 4;
/// Beyond these the place is found by halving.
const WINDOWS_MAX: usize = 4;

impl<H: Angle> Ring<H> {
    /// The server whose point is the first at or after `hash`.
    #[inline]
    pub(crate) fn owner(&self, hash: H) -> usize {
        self.points[self.position(hash)].owner as usize
    }

    /// Where that point stands, or one that stands for it behind the last.
    #[inline]
    fn position(&self, hash: H) -> usize {
        let part = hash.part(self.starts.len() - 1);
        let mut position = self.starts[part] as usize;
        for _ in 0..WINDOWS_MAX {
            let Some(window) = self.points[position..].first_chunk::<WINDOW>() else { break };
            // Points of the parts that follow are not before the hash, and need not be told apart.
            let before = window.iter().map(|point| usize::from(point.hash < hash)).sum::<usize>();
            position += before;
            if before < WINDOW {
                return position;
            }
        }
        let end = self.starts[part + 1] as usize;
        position + self.points[position..end.max(position)].partition_point(|point| point.hash < hash)
    }

    /// The points without those that stand for the first.
    fn all(&self) -> &[Point<H>] {
        &self.points[..self.points.len() - WINDOW]
    }

    /// Hash and owner of every point, ascending.
    pub(crate) fn points(&self) -> impl ExactSizeIterator<Item = (u64, usize)> {
        self.all().iter().map(|point| (point.hash.wide(), point.owner as usize))
    }

    /// Bytes of memory held.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.points) + size_of_val(&*self.starts)
    }
}

#[cfg(test)]
mod tests;
