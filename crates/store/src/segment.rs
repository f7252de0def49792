//! Segments: the fixed-size blocks that records are appended to, and given back as a whole.
//!
//! Each is its own anonymous memory map, because an allocator may keep freed memory while a dropped map leaves the
//! process at once. One free map is kept for the next segment, so that a full store, which cleans one segment to fill
//! another, does not go to the kernel each time.

use std::io;
use std::num::NonZeroU32;

use memmap2::MmapMut;

use crate::record::{self, Header, Record, UNIT_BYTES};

/// Where a record starts inside its shard: segment and offset in units, plus one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Location(NonZeroU32);

impl Location {
    #[inline]
    pub(crate) fn from_raw(raw: u32) -> Option<Location> {
        NonZeroU32::new(raw).map(Location)
    }

    #[inline]
    pub(crate) fn raw(self) -> u32 {
        self.0.get()
    }
}

/// Names a segment of a shard; reused after the segment is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentId(u32);

/// The two queues of the eviction; see [`evict`](crate::shard).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queue {
    /// Where new items prove themselves.
    Probation,
    /// Where items stay that were read again.
    Main,
}

/// One block of records.
pub(crate) struct Segment {
    map: MmapMut,
    /// Bytes that hold records; what follows is garbage of an earlier use.
    pub(crate) used: usize,
    /// Bytes of records that are not dead.
    pub(crate) live: usize,
    /// No item in here expires before this second; `u32::MAX` if none ever does.
    pub(crate) earliest: u32,
    pub(crate) queue: Queue,
    /// Being cleaned or swept: not released when its last record dies, as somebody is walking it.
    pub(crate) held: bool,
}

/// All segments of a shard.
pub(crate) struct Segments {
    slots: Vec<Option<Segment>>,
    vacant: Vec<SegmentId>,
    /// Maps of released segments, for the next ones: mapping memory anew costs a page fault for each of its pages.
    spare: Vec<MmapMut>,
    /// Size of each: a power of two.
    bytes: usize,
    units_log2: u32,
    /// Dead bytes in all segments together.
    dead: usize,
}

impl Segments {
    pub(crate) fn new(bytes: usize) -> Segments {
        debug_assert!(bytes.is_power_of_two());
        let units_log2 = (bytes / UNIT_BYTES).trailing_zeros();
        Segments { slots: Vec::new(), vacant: Vec::new(), spare: Vec::new(), bytes, units_log2, dead: 0 }
    }

    /// Segments in use.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.vacant.len()
    }

    /// Bytes taken from the kernel.
    pub(crate) fn mapped_bytes(&self) -> usize {
        (self.len() + self.spare.len()) * self.bytes
    }

    /// Free maps.
    pub(crate) fn spare_len(&self) -> usize {
        self.spare.len()
    }

    pub(crate) fn dead_bytes(&self) -> usize {
        self.dead
    }

    /// A new, empty segment. Fails only if the kernel has no memory.
    pub(crate) fn open(&mut self, queue: Queue) -> io::Result<SegmentId> {
        let map = match self.spare.pop() {
            Some(map) => map,
            None => MmapMut::map_anon(self.bytes)?,
        };
        let segment = Segment { map, used: 0, live: 0, earliest: u32::MAX, queue, held: false };
        let id = self.vacant.pop().unwrap_or_else(|| {
            self.slots.push(None);
            SegmentId((self.slots.len() - 1) as u32)
        });
        self.slots[id.0 as usize] = Some(segment);
        Ok(id)
    }

    /// Gives a segment back; its records must be dead or moved.
    pub(crate) fn release(&mut self, id: SegmentId) {
        let Some(segment) = self.slots[id.0 as usize].take() else {
            debug_assert!(false, "released twice");
            return;
        };
        debug_assert_eq!(segment.live, 0, "released with live records");
        self.dead -= segment.used;
        self.vacant.push(id);
        self.spare.push(segment.map);
    }

    /// Gives free maps back to the kernel, all but `kept`.
    pub(crate) fn drop_spare(&mut self, kept: usize) {
        self.spare.truncate(kept);
    }

    #[inline]
    pub(crate) fn segment(&self, id: SegmentId) -> &Segment {
        self.slots[id.0 as usize].as_ref().expect("ids are taken out of every list when released")
    }

    #[inline]
    pub(crate) fn segment_mut(&mut self, id: SegmentId) -> &mut Segment {
        self.slots[id.0 as usize].as_mut().expect("ids are taken out of every list when released")
    }

    /// The segments in use, by id.
    pub(crate) fn ids(&self) -> impl Iterator<Item = SegmentId> + '_ {
        (0u32..).zip(&self.slots).filter(|(_, slot)| slot.is_some()).map(|(at, _)| SegmentId(at))
    }

    /// The first segment in use at or after a cursor that [`SegmentId::after`] made, and 0 to begin with.
    pub(crate) fn next_from(&self, cursor: u32) -> Option<SegmentId> {
        (cursor..self.slots.len() as u32).find(|&at| self.slots[at as usize].is_some()).map(SegmentId)
    }

    /// Bytes still free at the end of a segment.
    #[inline]
    pub(crate) fn tail(&self, id: SegmentId) -> usize {
        self.bytes - self.segment(id).used
    }

    /// Appends a record of `bytes`, to be filled by the caller; the segment must have that much left.
    pub(crate) fn append(&mut self, id: SegmentId, bytes: usize) -> Location {
        let segment = self.segment_mut(id);
        let offset = segment.used;
        segment.used += bytes;
        segment.live += bytes;
        self.location(id, offset)
    }

    /// Where the record at a byte offset is.
    #[inline]
    pub(crate) fn location(&self, id: SegmentId, offset: usize) -> Location {
        let raw = (id.0 << self.units_log2 | (offset / UNIT_BYTES) as u32).wrapping_add(1);
        Location::from_raw(raw).expect("shards are limited to fewer units than u32 counts")
    }

    #[inline]
    fn place(&self, location: Location) -> (SegmentId, usize) {
        let unit = location.raw() - 1;
        let id = unit >> self.units_log2;
        (SegmentId(id), (unit - (id << self.units_log2)) as usize * UNIT_BYTES)
    }

    /// The segment that a record is in.
    #[inline]
    pub(crate) fn home(&self, location: Location) -> SegmentId {
        self.place(location).0
    }

    #[inline]
    pub(crate) fn record(&self, location: Location) -> Record<'_> {
        let (id, offset) = self.place(location);
        Record::read(&self.segment(id).map[offset..])
    }

    /// The bytes from the start of a record to the end of its segment.
    #[inline]
    pub(crate) fn bytes_mut(&mut self, location: Location) -> &mut [u8] {
        let (id, offset) = self.place(location);
        &mut self.segment_mut(id).map[offset..]
    }

    #[inline]
    pub(crate) fn set_header(&mut self, location: Location, header: &Header) {
        header.write(self.bytes_mut(location));
    }

    /// Tells the segment that a record in it expires then.
    #[inline]
    pub(crate) fn note_expiry(&mut self, location: Location, expires: u32) {
        if expires != 0 {
            let segment = self.segment_mut(self.home(location));
            segment.earliest = segment.earliest.min(expires);
        }
    }

    /// Marks one record dead; returns its segment if nothing lives in it any more.
    pub(crate) fn kill(&mut self, location: Location) -> Option<SegmentId> {
        let record = self.bytes_mut(location);
        let bytes = Header::read(record).bytes();
        record::set_dead(record);
        self.dead += bytes;
        let id = self.home(location);
        let segment = self.segment_mut(id);
        segment.live -= bytes;
        (segment.live == 0).then_some(id)
    }

    /// Copies a whole record to one of the same size in another segment, and marks the original dead.
    pub(crate) fn transplant(&mut self, from: Location, to: Location) {
        let ((from_id, from_at), (to_id, to_at)) = (self.place(from), self.place(to));
        let pair = [from_id.0 as usize, to_id.0 as usize];
        let Ok([Some(source), Some(target)]) = self.slots.get_disjoint_mut(pair) else {
            debug_assert!(false, "records move between two segments in use");
            return;
        };
        let bytes = Header::read(&source.map[from_at..]).bytes();
        target.map[to_at..to_at + bytes].copy_from_slice(&source.map[from_at..from_at + bytes]);
        record::set_dead(&mut source.map[from_at..]);
        source.live -= bytes;
        self.dead += bytes;
    }
}

impl SegmentId {
    /// A cursor beyond this segment.
    pub(crate) fn after(self) -> u32 {
        self.0 + 1
    }
}
