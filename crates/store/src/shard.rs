//! A shard: segments, the index into them, and the counters; everything behind one lock.
//!
//! The operations of [`ops`](crate::ops) are written with what stands here and in the submodules: finding, storing,
//! rewriting and removing one item.

mod evict;
mod invariants;
mod lane;
mod sweep;
mod write;

use std::sync::Arc;

use crate::config::{Geometry, item_bytes};
use crate::ghost::Ghost;
use crate::index::Index;
use crate::key::{Hashed, tag_of};
use crate::record::{Bits, Header};
use crate::segment::{Location, Segments};
use crate::stats::Stats;
use crate::store::Shared;

use lane::Lanes;
pub(crate) use sweep::Swept;
pub(crate) use write::NewItem;

pub(crate) struct Shard {
    pub(crate) shared: Arc<Shared>,
    pub(crate) geometry: Geometry,
    pub(crate) segments: Segments,
    lanes: Lanes,
    index: Index,
    ghost: Ghost,
    /// The second of a flush that is still to come, 0 for none; see [`Shard::settle_flush`].
    flush_at: u32,
    /// Where sweeping goes on.
    sweep_cursor: u32,
    pub(crate) counters: Stats,
}

/// There is no room, because the kernel has no memory or the shard cannot be emptied far enough.
#[derive(Debug)]
pub(crate) struct Full;

/// Everything a shard held. Dropping it unmaps it, which takes a while: not under the lock, if that can be helped.
#[must_use]
pub(crate) struct Remains {
    _segments: Segments,
    _index: Index,
    _ghost: Ghost,
}

impl Shard {
    pub(crate) fn new(shared: Arc<Shared>, geometry: Geometry) -> Shard {
        Shard {
            shared,
            geometry,
            segments: Segments::new(geometry.segment_bytes),
            lanes: Lanes::default(),
            index: Index::new(),
            ghost: new_ghost(&geometry),
            flush_at: 0,
            sweep_cursor: 0,
            counters: Stats::default(),
        }
    }

    /// Where the item is, unless it is absent or expired; an expired one is removed on the way.
    #[inline]
    pub(crate) fn find(&mut self, key: Hashed<'_>, now: u32) -> Option<Location> {
        if self.flush_at != 0 {
            self.settle_flush(now);
        }
        let segments = &self.segments;
        let location = self.index.find(key.tag(), |location| segments.record(location).key() == key.key)?;
        let expires = self.segments.record(location).header.expires;
        if expires != 0 && expires <= now {
            self.counters.expired_on_access += 1;
            self.expire(location);
            return None;
        }
        Some(location)
    }

    #[inline]
    pub(crate) fn header(&self, location: Location) -> Header {
        self.segments.record(location).header
    }

    /// Removes an item from the index, and its records.
    pub(crate) fn remove(&mut self, location: Location) {
        let record = self.segments.record(location);
        let tag = tag_of(record.key(), self.geometry.seed);
        self.counters.items -= 1;
        self.counters.bytes -= self.wire_bytes(location);
        self.index.remove(tag, location);
        self.kill_chain(location);
    }

    /// Removes an item whose time has come.
    fn expire(&mut self, location: Location) {
        self.counters.expired += 1;
        self.counters.expired_unfetched += u64::from(!self.header(location).bits.has(Bits::FETCHED));
        self.remove(location);
    }

    /// Marks all records of an item dead; segments left without a living record are released.
    fn kill_chain(&mut self, location: Location) {
        let mut next = Some(location);
        while let Some(location) = next {
            next = self.segments.record(location).next();
            if let Some(emptied) = self.segments.kill(location) {
                self.release_if_done(emptied);
            }
        }
    }

    /// What memcached would count for the item.
    fn wire_bytes(&self, location: Location) -> u64 {
        let record = self.segments.record(location);
        item_bytes(record.header.key_len(), record.flags(), record.header.value_len as usize)
    }

    /// Removes everything now, and forgets a flush that was to come.
    pub(crate) fn flush(&mut self) -> Remains {
        self.flush_at = 0;
        self.clear()
    }

    /// Flushes at that second instead of another one to come.
    pub(crate) fn flush_later(&mut self, at: u32, now: u32) {
        self.settle_flush(now);
        self.flush_at = at;
    }

    /// Carries out a delayed flush that is due.
    ///
    /// memcached drops items last stored *up to and including* that second, and times are whole seconds: so long as it
    /// is that second, even what was stored just now is gone.
    pub(crate) fn settle_flush(&mut self, now: u32) {
        if self.flush_at == 0 || now < self.flush_at {
            return;
        }
        if now > self.flush_at {
            self.flush_at = 0;
        }
        if self.counters.items > 0 {
            drop(self.clear());
        }
    }

    fn clear(&mut self) -> Remains {
        self.counters.flushed += self.counters.items;
        (self.counters.items, self.counters.bytes) = (0, 0);
        self.lanes = Lanes::default();
        Remains {
            _segments: std::mem::replace(&mut self.segments, Segments::new(self.geometry.segment_bytes)),
            _index: std::mem::replace(&mut self.index, Index::new()),
            _ghost: std::mem::replace(&mut self.ghost, new_ghost(&self.geometry)),
        }
    }

    /// The counters with what is measured rather than counted.
    pub(crate) fn stats(&self) -> Stats {
        let segments = self.segments.ids().map(|id| self.segments.segment(id).used as u64);
        Stats {
            segments: self.segments.len() as u64,
            used_bytes: segments.sum(),
            dead_bytes: self.segments.dead_bytes() as u64,
            index_bytes: self.index.bytes() as u64,
            mapped_bytes: self.mapped_bytes() as u64,
            ..self.counters
        }
    }

    fn mapped_bytes(&self) -> usize {
        self.segments.mapped_bytes() + self.index.bytes() + self.ghost.bytes()
    }
}

/// One part in 32 for evicted keys: as many as there are items of 128 bytes.
fn new_ghost(geometry: &Geometry) -> Ghost {
    Ghost::new((geometry.shard_bytes / 32) as usize)
}
