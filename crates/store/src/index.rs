//! The index of a shard: from the hash of a key to where its record is, in 9 to 11 bytes an item.
//!
//! One flat array of 64-bit slots, each a 32-bit tag of the key's hash above a 32-bit location. A tag's home is
//! `tag × slots >> 32`, and entries that do not find their home free stand behind it *in the order of their tags*. Homes
//! grow with tags, so the whole array is sorted:
//!
//! - a search ends at the first larger tag, so that misses are as cheap as hits even at 90 % load;
//! - removal shifts back the entries behind it, so there are no tombstones;
//! - growing is one sequential pass that needs neither keys nor records, so it can go in small steps (a quarter each
//!   time) and the load stays high.
//!
//! Nothing wraps around: a few slots behind the last home take what overflows there.

use std::io;

use memmap2::MmapMut;

use crate::segment::Location;

const PAGE_BYTES: usize = 4096;
const SLOT_BYTES: usize = 8;
/// Slots behind the last home. Entries stand beyond their home by a few slots; the chance to be 128 away at 90 % load
/// is below 1e-10, and then the index is rebuilt with more.
const OVERFLOW: usize = 128;
/// Of these, how many a rebuilt index has free.
const OVERFLOW_FREE: usize = 64;

/// Sorted open addressing. See the module's documentation.
pub(crate) struct Index {
    map: Option<MmapMut>,
    /// Slots that are somebody's home.
    homes: usize,
    len: usize,
}

impl Index {
    /// Takes no memory until the first entry.
    pub(crate) fn new() -> Index {
        Index { map: None, homes: 0, len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes taken from the kernel.
    pub(crate) fn bytes(&self) -> usize {
        self.map.as_ref().map_or(0, |map| map.len())
    }

    /// Whether the next entry should find a larger index.
    pub(crate) fn is_crowded(&self) -> bool {
        // Kept in integers: at least one slot in ten is free.
        self.len >= self.homes - self.homes / 10
    }

    /// Whether a much smaller index would do.
    pub(crate) fn is_sparse(&self) -> bool {
        self.bytes() > PAGE_BYTES && self.len < self.homes / 5 * 2
    }

    /// Bytes of the next larger index.
    pub(crate) fn bytes_grown(&self) -> usize {
        bytes_for(self.homes + self.homes / 4 + 1)
    }

    /// The first entry with this tag whose location the caller accepts.
    #[inline]
    pub(crate) fn find(&self, tag: u32, mut accept: impl FnMut(Location) -> bool) -> Option<Location> {
        let map = self.map.as_ref()?;
        let mut at = self.home(tag);
        loop {
            let (other, location) = unpack(slot(map, at))?;
            if other >= tag {
                if other > tag {
                    return None;
                }
                if accept(location) {
                    return Some(location);
                }
            }
            at += 1;
        }
    }

    /// Adds an entry; grows first if crowded. Fails only if the kernel has no memory, and then nothing changed.
    pub(crate) fn insert(&mut self, tag: u32, location: Location) -> io::Result<()> {
        if self.is_crowded() {
            self.grow()?;
        }
        while !self.try_insert(tag, location) {
            self.grow()?;
        }
        Ok(())
    }

    /// Takes the entry out, which must be there.
    pub(crate) fn remove(&mut self, tag: u32, location: Location) {
        let Some(found) = self.position(tag, location) else {
            debug_assert!(false, "removed an entry that is not there");
            return;
        };
        let homes = self.homes;
        let map = self.map.as_mut().expect("an entry was found in it");
        let mut hole = found;
        // Whatever stands behind its home moves one back, up to the first that is at home or to a free slot.
        loop {
            let entry = slot(map, hole + 1);
            match unpack(entry) {
                Some((tag, _)) if home(tag, homes) <= hole => set_slot(map, hole, entry),
                _ => break,
            }
            hole += 1;
        }
        set_slot(map, hole, EMPTY);
        self.len -= 1;
    }

    /// Points the entry elsewhere; it must be there.
    pub(crate) fn relocate(&mut self, tag: u32, from: Location, to: Location) {
        match (self.position(tag, from), &mut self.map) {
            (Some(at), Some(map)) => set_slot(map, at, pack(tag, to)),
            _ => debug_assert!(false, "moved an entry that is not there"),
        }
    }

    /// Grows by a quarter. Costs one sequential pass, and the memory of both while it runs.
    pub(crate) fn grow(&mut self) -> io::Result<()> {
        self.rebuild(self.bytes_grown())
    }

    /// Shrinks so that three quarters are in use, if it is [sparse](Index::is_sparse).
    pub(crate) fn shrink(&mut self) -> io::Result<()> {
        match self.is_sparse() {
            true => self.rebuild(bytes_for(self.len + self.len / 3)),
            false => Ok(()),
        }
    }

    /// All entries in order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u32, Location)> + '_ {
        let map = self.map.as_ref();
        (0..self.bytes() / SLOT_BYTES).filter_map(move |at| unpack(slot(map?, at)))
    }

    #[inline]
    fn home(&self, tag: u32) -> usize {
        home(tag, self.homes)
    }

    fn position(&self, tag: u32, location: Location) -> Option<usize> {
        let map = self.map.as_ref()?;
        let wanted = pack(tag, location);
        let mut at = self.home(tag);
        loop {
            let entry = slot(map, at);
            if entry == wanted {
                return Some(at);
            }
            if unpack(entry)?.0 > tag {
                return None;
            }
            at += 1;
        }
    }

    /// Whether there was room; the last slot always stays free, so that every search ends.
    fn try_insert(&mut self, tag: u32, location: Location) -> bool {
        let start = self.home(tag);
        let Some(map) = &mut self.map else { return false };
        let last = map.len() / SLOT_BYTES - 1;
        let mut at = start;
        while unpack(slot(map, at)).is_some_and(|(other, _)| other <= tag) {
            at += 1;
        }
        let mut free = at;
        while slot(map, free) != EMPTY {
            free += 1;
        }
        if free >= last {
            return false;
        }
        map.copy_within(at * SLOT_BYTES..free * SLOT_BYTES, (at + 1) * SLOT_BYTES);
        set_slot(map, at, pack(tag, location));
        self.len += 1;
        true
    }

    fn rebuild(&mut self, mut bytes: usize) -> io::Result<()> {
        let homes = bytes / SLOT_BYTES - OVERFLOW;
        loop {
            let mut map = MmapMut::map_anon(bytes)?;
            let last = bytes / SLOT_BYTES - OVERFLOW_FREE;
            let mut next = 0;
            let all_fit = self.entries().all(|(tag, location)| {
                let at = home(tag, homes).max(next);
                next = at + 1;
                let fits = at < last;
                if fits {
                    set_slot(&mut map, at, pack(tag, location));
                }
                fits
            });
            if all_fit {
                (self.map, self.homes) = (Some(map), homes);
                return Ok(());
            }
            bytes += PAGE_BYTES; // more stood behind the last home than fits there
        }
    }
}

const EMPTY: u64 = 0;

#[inline]
fn pack(tag: u32, location: Location) -> u64 {
    u64::from(tag) << 32 | u64::from(location.raw())
}

#[inline]
fn unpack(entry: u64) -> Option<(u32, Location)> {
    Location::from_raw(entry as u32).map(|location| ((entry >> 32) as u32, location))
}

#[inline]
fn home(tag: u32, homes: usize) -> usize {
    ((u64::from(tag) * homes as u64) >> 32) as usize
}

#[inline]
fn slot(map: &[u8], at: usize) -> u64 {
    let bytes = map[at * SLOT_BYTES..].first_chunk().expect("the last slot is always free and ends a search");
    u64::from_ne_bytes(*bytes)
}

#[inline]
fn set_slot(map: &mut [u8], at: usize, entry: u64) {
    map[at * SLOT_BYTES..][..SLOT_BYTES].copy_from_slice(&entry.to_ne_bytes());
}

fn bytes_for(homes: usize) -> usize {
    ((homes + OVERFLOW) * SLOT_BYTES).next_multiple_of(PAGE_BYTES)
}

#[cfg(test)]
mod tests;
