//! Making room: which segment to clean, and what of it to keep.
//!
//! The policy is S3-FIFO (Yang et al., SOSP 2023), on segments instead of single items. New items wait in *probation*,
//! about a tenth of the memory; what was read there moves to *main*, what was not is evicted and its key remembered as
//! a ghost. A key that comes back while it is a ghost goes straight to main. There, the oldest segment is cleaned: an
//! item read since the last time stays, with one read less to its credit, the others go. A scan therefore flows
//! through probation and leaves main alone, and a read costs no more than two bits in the item's own record.
//!
//! - Before anything alive is dropped, a segment with enough dead bytes is compacted instead.
//! - Where everything has earned its place, cleaning frees nothing. So after 1 MiB of it for one request, the next
//!   cleaning keeps seven eighths of its segment, then three quarters, then half, and evicts the rest whatever its
//!   reads: a request waits for some 2 MiB of copying at worst, about 2 ms, and for one segment mostly.
//! - One segment of the budget is held back for the items that a cleaning keeps.
//! - Long values: a continuation goes where it must when its item stays, and is dead when its item is; only when no more
//!   may be kept does meeting one evict its item.

use std::ops::RangeFrom;

use crate::config::Geometry;
use crate::key::tag_of;
use crate::record::{Bits, Header, Kind};
use crate::segment::{Location, Queue, SegmentId};

use super::{Full, Shard};

/// Probation is cleaned when it has more than one segment in this many.
const PROBATION_SHARE: usize = 10;
/// Reads since an item was stored that earn it a place in main.
const READS_TO_STAY: u8 = 1;
/// How much may be kept for one request before something has to go.
const KEEP_ALL_BYTES: usize = 1 << 20;

/// What a cleaning is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Everything alive stays.
    Compact,
    /// Only what earned it stays.
    Evict,
}

impl Shard {
    /// Makes sure that an item of this many bytes, header and key included, finds room in a queue and in the index.
    pub(super) fn make_room(&mut self, queue: Queue, bytes: usize, now: u32) -> Result<(), Full> {
        if self.index.is_crowded() {
            let mut tries = 0..;
            while self.bytes_free() < self.growth() && self.index.is_crowded() {
                self.clean_one(&mut tries, now)?;
            }
        }
        let mut tries = 0..;
        while !self.has_room(queue, bytes) {
            self.clean_one(&mut tries, now)?;
        }
        self.fit_spare();
        Ok(())
    }

    /// Cleans until the shard is within its budget, which reservations may have made smaller.
    pub(crate) fn shrink_to_budget(&mut self, now: u32) {
        let mut tries = 0..;
        while self.bytes_free() < 0 && self.clean_one(&mut tries, now).is_ok() {}
        self.fit_spare();
    }

    /// What the index takes more if it grows with the next item.
    fn growth(&self) -> i64 {
        match self.index.is_crowded() {
            true => (self.index.bytes_grown() - self.index.bytes()) as i64,
            false => 0,
        }
    }

    /// Gives back the free maps that the budget has no room for: one belongs to the segment that is set aside for
    /// cleaning, others to what is left.
    fn fit_spare(&mut self) {
        if self.segments.spare_len() > 1 {
            let left = usize::try_from(self.bytes_free() - self.growth()).unwrap_or(0);
            self.segments.drop_spare(1 + left / self.geometry.segment_bytes);
        }
    }

    fn has_room(&self, queue: Queue, bytes: usize) -> bool {
        let bytes = crate::record::round_up(bytes);
        let tail = self.tail(queue);
        if bytes <= tail && bytes <= self.geometry.record_bytes_max() {
            return self.bytes_free() >= self.growth();
        }
        let segments = match bytes <= Geometry::SPLIT_BYTES_MIN {
            true => 1,
            false => self.geometry.segments_for(bytes),
        };
        self.bytes_free() >= (segments * self.geometry.segment_bytes) as i64 + self.growth()
    }

    /// What is left of the budget, with the segment for cleaning set aside; negative if the budget shrank.
    fn bytes_free(&self) -> i64 {
        let segments = (self.segments.len() + 1) * self.geometry.segment_bytes;
        let taken = segments + self.index.bytes() + self.ghost.bytes();
        self.shared.shard_budget(&self.geometry) as i64 - taken as i64
    }

    /// Cleans one segment. When there is none, gives up what is not items; [`Full`] if there is nothing of that either.
    ///
    /// `tries` counts the cleanings for one request.
    fn clean_one(&mut self, tries: &mut RangeFrom<usize>, now: u32) -> Result<(), Full> {
        if self.index.is_sparse() && self.index.shrink().is_ok() && !self.index.is_sparse() {
            return Ok(());
        }
        if let Some((id, purpose)) = self.choose() {
            let bytes = self.geometry.segment_bytes;
            let patient = (KEEP_ALL_BYTES / bytes).max(1);
            let keep = match tries.next().map_or(usize::MAX, |tries| tries.saturating_sub(patient - 1)) {
                0 => bytes,
                1 => bytes / 8 * 7,
                2 => bytes / 4 * 3,
                _ => bytes / 2,
            };
            self.clean(id, purpose, keep, now);
            return Ok(());
        }
        if self.ghost.bytes() > 0 {
            self.ghost.clear();
            return Ok(());
        }
        Err(Full)
    }

    /// The next segment to clean.
    fn choose(&mut self) -> Option<(SegmentId, Purpose)> {
        let worthwhile = self.geometry.segment_bytes / 4;
        if let Some(id) = self.most_dead(worthwhile) {
            return Some((id, Purpose::Compact));
        }
        let probation = self.lanes.probation.sealed_len();
        let first = match probation * PROBATION_SHARE > self.segments.len() {
            true => Queue::Probation,
            false => Queue::Main,
        };
        let second = if first == Queue::Main { Queue::Probation } else { Queue::Main };
        let oldest = |shard: &Shard, queue| shard.lanes.lane(queue).oldest();
        if let Some(id) = oldest(self, first).or_else(|| oldest(self, second)) {
            return Some((id, Purpose::Evict));
        }
        // Nothing but open segments: happens when one item wants nearly all the memory.
        self.lanes.probation.seal();
        self.lanes.main.seal();
        oldest(self, Queue::Probation).or_else(|| oldest(self, Queue::Main)).map(|id| (id, Purpose::Evict))
    }

    /// The full segment with the most dead bytes, if it has at least that many.
    pub(super) fn most_dead(&self, dead_min: usize) -> Option<SegmentId> {
        if self.segments.dead_bytes() < dead_min {
            return None;
        }
        let dead = |id: SegmentId| {
            let segment = self.segments.segment(id);
            segment.used - segment.live
        };
        let sealed = self.lanes.probation.sealed().chain(self.lanes.main.sealed());
        sealed.max_by_key(|&id| dead(id)).filter(|&id| dead(id) >= dead_min)
    }

    /// Moves what stays of a segment to other ones, `keep` bytes at most, drops the rest, and releases it.
    pub(super) fn clean(&mut self, id: SegmentId, purpose: Purpose, keep: usize, now: u32) {
        let queue = self.segments.segment(id).queue;
        self.lanes.lane_mut(queue).remove(id);
        self.segments.segment_mut(id).held = true;
        let mut room = if purpose == Purpose::Compact { self.geometry.segment_bytes } else { keep };
        let mut offset = 0;
        while offset < self.segments.segment(id).used {
            let location = self.segments.location(id, offset);
            let header = self.header(location);
            offset += header.bytes();
            let target = match header.kind() {
                Kind::Dead => continue,
                Kind::Continuation => Some(queue),
                Kind::Item => self.judge(location, &header, queue, purpose, now),
            };
            let Some(target) = target else { continue };
            let moved = header.bytes() <= room && self.relocate(location, target).is_ok();
            match moved {
                true => room -= header.bytes(),
                false => self.evict(self.head_of(location)),
            }
        }
        self.segments.segment_mut(id).held = false;
        self.segments.release(id);
    }

    /// Where an item in a segment being cleaned goes; `None` if it was dropped.
    fn judge(
        &mut self,
        location: Location,
        header: &Header,
        queue: Queue,
        purpose: Purpose,
        now: u32,
    ) -> Option<Queue> {
        if header.expires != 0 && header.expires <= now {
            self.counters.reclaimed += 1;
            self.expire(location);
            return None;
        }
        if purpose == Purpose::Compact {
            return Some(queue);
        }
        let reads = header.bits.frequency();
        let left = match queue {
            Queue::Probation if reads >= READS_TO_STAY => 0,
            Queue::Main if reads > 0 => reads - 1,
            _ => {
                self.evict(location);
                return None;
            }
        };
        let mut header = *header;
        header.bits = header.bits.with_frequency(left);
        self.segments.set_header(location, &header);
        Some(Queue::Main)
    }

    fn evict(&mut self, location: Location) {
        let record = self.segments.record(location);
        let tag = tag_of(record.key(), self.geometry.seed);
        let bits = record.header.bits;
        let queue = self.segments.segment(self.segments.home(location)).queue;
        self.counters.evictions += 1;
        self.counters.evicted_unfetched += u64::from(!bits.has(Bits::FETCHED));
        self.counters.evicted_active += u64::from(bits.frequency() > 0);
        self.remove(location);
        if queue == Queue::Probation {
            self.ghost.insert(tag, self.index.len());
        }
    }

    /// The item that a record belongs to.
    fn head_of(&self, mut location: Location) -> Location {
        loop {
            let record = self.segments.record(location);
            match (record.header.kind(), record.prev()) {
                (Kind::Continuation, Some(prev)) => location = prev,
                _ => return location,
            }
        }
    }

    /// Moves one record, and whatever points at it.
    fn relocate(&mut self, from: Location, queue: Queue) -> Result<(), Full> {
        let record = self.segments.record(from);
        let (kind, next) = (record.header.kind(), record.next());
        let to = self.place(queue, record.header.bytes())?;
        self.segments.transplant(from, to);
        let record = self.segments.record(to);
        match kind {
            Kind::Continuation => {
                if let Some(prev) = record.prev() {
                    crate::record::set_next(self.segments.bytes_mut(prev), to);
                }
            }
            _ => {
                let (tag, expires) = (tag_of(record.key(), self.geometry.seed), record.header.expires);
                self.index.relocate(tag, from, to);
                self.segments.note_expiry(to, expires);
            }
        }
        if let Some(next) = next {
            crate::record::set_prev(self.segments.bytes_mut(next), to);
        }
        Ok(())
    }

    /// Releases a segment in which nothing lives any more, unless somebody is walking it.
    pub(super) fn release_if_done(&mut self, id: SegmentId) {
        let segment = self.segments.segment(id);
        if !segment.held {
            self.lanes.lane_mut(segment.queue).remove(id);
            self.segments.release(id);
        }
    }
}
