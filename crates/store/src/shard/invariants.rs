//! What must hold between any two operations; checked by tests and the fuzzer.

use crate::key::tag_of;
use crate::record::Kind;
use crate::segment::Location;

use super::Shard;

impl Shard {
    /// Panics with the first invariant that does not hold. Costs a walk over everything.
    pub(crate) fn check_invariants(&self) {
        let mut previous = 0;
        let mut wire_bytes = 0;
        for (tag, location) in self.index.entries() {
            assert!(previous <= tag, "the index is sorted");
            previous = tag;
            let record = self.segments.record(location);
            assert_eq!(record.header.kind(), Kind::Item, "the index points at items");
            assert_eq!(tag_of(record.key(), self.geometry.seed), tag, "under the tag of their key");
            let found = self.index.find(tag, |other| other == location);
            assert_eq!(found, Some(location), "and finds them from their home");
            wire_bytes += self.wire_bytes(location);
            self.check_chain(location);
        }
        assert_eq!(self.index.entries().count(), self.index.len());
        assert_eq!(self.index.len() as u64, self.counters.items);
        assert_eq!(wire_bytes, self.counters.bytes);
        self.check_segments();
        let budget = self.shared.shard_budget(&self.geometry);
        assert!(self.mapped_bytes() as u64 <= budget, "{} mapped of {budget}", self.mapped_bytes());
    }

    fn check_chain(&self, head: Location) {
        let record = self.segments.record(head);
        let (mut len, mut prev) = (record.header.first_part_len(), head);
        let mut next = record.next();
        while let Some(location) = next {
            let record = self.segments.record(location);
            assert_eq!(record.header.kind(), Kind::Continuation);
            assert_eq!(record.prev(), Some(prev), "chains are linked both ways");
            len += record.header.value_len as usize;
            (prev, next) = (location, record.next());
        }
        assert_eq!(len, record.header.value_len as usize, "the parts make up the value");
    }

    fn check_segments(&self) {
        let (mut items, mut dead) = (0, 0);
        for id in self.segments.ids() {
            let segment = self.segments.segment(id);
            let (mut offset, mut live) = (0, 0);
            while offset < segment.used {
                let location = self.segments.location(id, offset);
                let header = self.header(location);
                if header.kind() == Kind::Item {
                    items += 1;
                    let expires = header.expires;
                    assert!(expires == 0 || segment.earliest <= expires, "the earliest expiry is known");
                }
                live += if header.kind() == Kind::Dead { 0 } else { header.bytes() };
                offset += header.bytes();
            }
            assert_eq!((offset, live), (segment.used, segment.live), "records fill the segment");
            dead += segment.used - segment.live;
            let lane = self.lanes.lane(segment.queue);
            let listed = lane.sealed().chain(lane.open).filter(|&other| other == id).count();
            assert_eq!(listed, 1, "a segment is in its queue, once");
        }
        assert_eq!(items, self.counters.items, "every living item is in the index");
        assert_eq!(dead, self.segments.dead_bytes());
        let listed =
            [&self.lanes.probation, &self.lanes.main].map(|it| it.sealed_len() + it.open.iter().count());
        assert_eq!(listed.iter().sum::<usize>(), self.segments.len());
    }
}
