//! Round the circle: further owners of a key, and how much of it each server has.

use super::{Angle, Ring};
use crate::owners::Owners;

impl<H: Angle> Ring<H> {
    /// Adds the owners of the points from `hash` on until no more are wanted.
    pub(crate) fn owners(&self, hash: H, owners: &mut Owners) {
        let points = self.all();
        let (before, from) = points.split_at(self.position(hash).min(points.len()));
        let mut rest = from.iter().chain(before);
        while !owners.is_full()
            && let Some(point) = rest.next()
        {
            owners.add(point.owner as usize);
        }
    }

    /// How many of the first 2 to the power of `bits` hashes belong to each server.
    pub(crate) fn owned(&self, servers: usize, bits: u32) -> Vec<u128> {
        let mut owned = vec![0; servers];
        for arc in self.arcs(bits) {
            owned[arc.owner] += arc.length;
        }
        owned
    }

    /// The pieces of the circle below 2 to the power of `bits`, in order, each of one owner.
    pub(crate) fn arcs(&self, bits: u32) -> impl Iterator<Item = Arc> {
        let end = 1_u128 << bits;
        let wrapped = self.points[0].owner;
        let ends = self.all().iter().map(|point| (u128::from(point.hash.wide()) + 1, point.owner));
        // Behind the last point the circle belongs to the first.
        let mut start = 0;
        ends.chain([(end, wrapped)]).map(move |(to, owner)| {
            let to = to.min(end);
            let arc = Arc { end: to, length: to - start, owner: owner as usize };
            start = to;
            arc
        })
    }
}

/// Hashes in a row that belong to one server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arc {
    /// The first hash that is no more part of it.
    pub(crate) end: u128,
    pub(crate) length: u128,
    pub(crate) owner: usize,
}
