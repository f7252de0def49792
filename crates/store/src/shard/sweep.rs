//! Giving memory back without being asked: expired items, and the holes that deleting leaves.
//!
//! Every segment knows the earliest second at which something in it may expire, so those in which nothing is due cost
//! nothing. A step handles one segment, which bounds how long the lock is held.

use crate::record::Kind;
use crate::segment::SegmentId;

use super::Shard;
use super::evict::Purpose;

/// What a step of sweeping did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Swept {
    /// A segment was walked or compacted, or the index shrunk; there may be more.
    Some,
    /// Nothing is due.
    Nothing,
}

impl Shard {
    /// Does one thing of the many that may be due at `now`.
    pub(crate) fn sweep(&mut self, now: u32) -> Swept {
        self.settle_flush(now);
        if let Some(id) = self.due(now) {
            self.sweep_segment(id, now);
            return Swept::Some;
        }
        if let Some(id) = self.most_dead(self.geometry.segment_bytes / 2) {
            self.clean(id, Purpose::Compact, self.geometry.segment_bytes, now);
            return Swept::Some;
        }
        if self.index.is_sparse() && self.index.shrink().is_ok() && !self.index.is_sparse() {
            return Swept::Some;
        }
        self.segments.drop_spare(0);
        Swept::Nothing
    }

    /// The next segment, in turn, in which something may have expired.
    fn due(&mut self, now: u32) -> Option<SegmentId> {
        for _ in 0..2 {
            while let Some(id) = self.segments.next_from(self.sweep_cursor) {
                self.sweep_cursor = id.after();
                let earliest = self.segments.segment(id).earliest;
                if earliest <= now && earliest != u32::MAX {
                    return Some(id);
                }
            }
            self.sweep_cursor = 0;
        }
        None
    }

    /// Drops what is expired in a segment, and learns when it is due next.
    fn sweep_segment(&mut self, id: SegmentId, now: u32) {
        self.segments.segment_mut(id).held = true;
        let mut earliest = u32::MAX;
        let mut offset = 0;
        while offset < self.segments.segment(id).used {
            let location = self.segments.location(id, offset);
            let header = self.header(location);
            offset += header.bytes();
            if header.kind() != Kind::Item || header.expires == 0 {
                continue;
            }
            match header.expires <= now {
                true => self.expire(location),
                false => earliest = earliest.min(header.expires),
            }
        }
        let segment = self.segments.segment_mut(id);
        (segment.held, segment.earliest) = (false, earliest);
        if segment.live == 0 {
            self.release_if_done(id);
        }
    }
}
