//! Writing items: in place where the old record fits, else appended, in parts if long.

use crate::config::{Geometry, item_bytes};
use crate::key::Hashed;
use crate::record::{self, Bits, HEADER_BYTES, Header};
use crate::segment::{Location, Queue};

use super::{Full, Shard};

/// An item to be stored. Its bits say what the client asked for; those about the record are set here.
#[derive(Clone, Copy)]
pub(crate) struct NewItem<'a> {
    pub(crate) key: Hashed<'a>,
    /// The value, in two pieces that an append joins.
    pub(crate) value: [&'a [u8]; 2],
    pub(crate) flags: u32,
    pub(crate) expires: u32,
    pub(crate) cas: u64,
    pub(crate) bits: Bits,
}

impl NewItem<'_> {
    fn value_len(&self) -> usize {
        self.value[0].len() + self.value[1].len()
    }

    fn record_bits(&self) -> Bits {
        self.bits.with(Bits::HAS_FLAGS, self.flags != 0)
    }

    /// Bytes before the value, in a record that is not chained.
    fn overhead(&self) -> usize {
        HEADER_BYTES + if self.flags == 0 { 0 } else { 4 } + self.key.key.len()
    }

    fn wire_bytes(&self) -> u64 {
        item_bytes(self.key.key.len(), self.flags, self.value_len())
    }
}

impl Shard {
    /// Stores an item instead of `old`, if that is given. On [`Full`] neither is there any more, so that nobody reads
    /// what was to be replaced.
    pub(crate) fn store(
        &mut self,
        item: &NewItem<'_>,
        old: Option<Location>,
        now: u32,
    ) -> Result<Location, Full> {
        debug_assert!(self.geometry.item_fits(item.key.key.len(), item.flags, item.value_len()));
        let mut item = *item;
        let queue = match old {
            Some(old) => {
                item.bits = item.bits.with_frequency(self.header(old).bits.frequency());
                if self.rewrite(old, &item, now) {
                    return Ok(old);
                }
                let queue = self.segments.segment(self.segments.home(old)).queue;
                self.remove(old);
                queue
            }
            None if self.ghost.take(item.key.tag()) => {
                self.counters.ghost_hits += 1;
                Queue::Main
            }
            None => Queue::Probation,
        };
        self.make_room(queue, item.overhead() + item.value_len(), now)?;
        let location = self.append(queue, &item, now)?;
        if self.index.insert(item.key.tag(), location).is_err() {
            self.kill_chain(location);
            return Err(Full);
        }
        self.counters.items += 1;
        self.counters.items_total += 1;
        self.counters.bytes += item.wire_bytes();
        Ok(location)
    }

    /// Overwrites an item in its own record, so that an overwrite of the same size leaves no garbage.
    fn rewrite(&mut self, old: Location, item: &NewItem<'_>, now: u32) -> bool {
        let header = self.header(old);
        let bits = item.record_bits().with(Bits::CHAINED, header.bits.has(Bits::CHAINED));
        let fits = match header.bits.has(Bits::CHAINED) {
            // The parts keep their lengths.
            true => {
                header.value_len as usize == item.value_len()
                    && header.bits.has(Bits::HAS_FLAGS) == bits.has(Bits::HAS_FLAGS)
            }
            // What a smaller value leaves unused is not known as dead, so it must be little.
            false => {
                let bytes = record::round_up(item.overhead() + item.value_len());
                bytes <= header.bytes() && header.bytes() - bytes <= header.bytes() / 4
            }
        };
        if !fits {
            return false;
        }
        let bytes = header.bytes();
        let was = self.wire_bytes(old);
        let next = self.segments.record(old).next();
        let mut new = Header::item(item.key.key.len(), item.value_len(), bits, bytes);
        (new.cas, new.expires, new.access) = (item.cas, item.expires, now);
        let record = self.segments.bytes_mut(old);
        record::write_item(record, &new, item.flags, item.key.key);
        if let Some(next) = next {
            record::set_next(record, next);
        }
        self.segments.note_expiry(old, item.expires);
        self.fill(old, item);
        self.counters.items_total += 1;
        self.counters.bytes = self.counters.bytes - was + item.wire_bytes();
        true
    }

    /// Appends an item's records. Room was made before, so only the kernel can refuse.
    fn append(&mut self, queue: Queue, item: &NewItem<'_>, now: u32) -> Result<Location, Full> {
        let record_max = self.geometry.record_bytes_max();
        let whole = record::round_up(item.overhead() + item.value_len());
        let tail = self.tail_for(queue, whole)?;
        let chained = whole > tail.min(record_max);
        let bytes = whole.min(tail).min(record_max);
        let bits = item.record_bits().with(Bits::CHAINED, chained);
        let mut header = Header::item(item.key.key.len(), item.value_len(), bits, bytes);
        (header.cas, header.expires, header.access) = (item.cas, item.expires, now);
        let head = self.place(queue, bytes)?;
        record::write_item(self.segments.bytes_mut(head), &header, item.flags, item.key.key);
        self.segments.note_expiry(head, item.expires);
        if chained {
            let rest = item.value_len() - header.first_part_len();
            self.append_rest(queue, head, rest)?;
        }
        self.fill(head, item);
        Ok(head)
    }

    fn append_rest(&mut self, queue: Queue, head: Location, mut rest: usize) -> Result<(), Full> {
        let record_max = self.geometry.record_bytes_max();
        let mut prev = head;
        while rest > 0 {
            let wanted = record::round_up(HEADER_BYTES + rest);
            let placed = self.tail_for(queue, wanted).and_then(|tail| {
                let bytes = wanted.min(tail).min(record_max);
                Ok((self.place(queue, bytes)?, bytes))
            });
            let Ok((location, bytes)) = placed else {
                self.kill_chain(head);
                return Err(Full);
            };
            let part_len = rest.min(bytes - HEADER_BYTES);
            record::write_continuation(self.segments.bytes_mut(location), prev, part_len, bytes);
            record::set_next(self.segments.bytes_mut(prev), location);
            (prev, rest) = (location, rest - part_len);
        }
        Ok(())
    }

    /// Copies the value into the parts of an item that are there already.
    fn fill(&mut self, head: Location, item: &NewItem<'_>) {
        let [mut source, mut rest] = item.value;
        let mut next = Some(head);
        while let Some(location) = next {
            let record = self.segments.record(location);
            next = record.next();
            let range = record.header.part_range();
            let mut target = &mut self.segments.bytes_mut(location)[range];
            while !target.is_empty() {
                if source.is_empty() {
                    (source, rest) = (rest, &[]);
                }
                let (now, later) = target.split_at_mut(source.len().min(target.len()));
                let (copied, left) = source.split_at(now.len());
                now.copy_from_slice(copied);
                (target, source) = (later, left);
            }
        }
    }

    /// Bytes to be had at the end of the open segment for something that long; opens the next one if they are too few.
    fn tail_for(&mut self, queue: Queue, bytes: usize) -> Result<usize, Full> {
        let tail = self.tail(queue);
        if tail >= bytes.min(Geometry::SPLIT_BYTES_MIN) {
            return Ok(tail);
        }
        self.open_segment(queue)?;
        Ok(self.tail(queue))
    }

    /// Appends an empty record to the open segment of a queue, or to a new one.
    pub(super) fn place(&mut self, queue: Queue, bytes: usize) -> Result<Location, Full> {
        if self.tail(queue) < bytes {
            self.open_segment(queue)?;
        }
        let open = self.lanes.lane(queue).open.ok_or(Full)?;
        Ok(self.segments.append(open, bytes))
    }

    pub(super) fn tail(&self, queue: Queue) -> usize {
        self.lanes.lane(queue).open.map_or(0, |id| self.segments.tail(id))
    }

    fn open_segment(&mut self, queue: Queue) -> Result<(), Full> {
        let id = self.segments.open(queue).map_err(|_| Full)?;
        self.lanes.lane_mut(queue).open(id);
        Ok(())
    }
}
