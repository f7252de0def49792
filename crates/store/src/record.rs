//! The bytes of one record: a 24-byte header, then what the header says follows.
//!
//! ```text
//! item          cas u64 | expires u32 | access u32 | value_len u32 | key_len u8 | bits u8 | units u16
//!               [client flags u32] [next u32] key value padding
//! continuation  prev u32 | next u32 | unused 8     | part_len u32  | 0          | 0       | units u16
//!               part padding
//! dead          …                                                  | 255        | …       | units u16
//! ```
//!
//! - **Shape**: `units` counts the whole record in 8 bytes, so records can be walked from the start of a segment and a
//!   record is at most 512 KiB. A 20-byte key and a 100-byte value make 144 bytes.
//! - **Long values** are a chain: the item holds the first part and a `next`, continuations hold the rest, linked both
//!   ways so that any of them can be moved alone. A chained item's record has no padding.
//! - Client flags are stored only when not zero, which they mostly are.
//! - Numbers are in the machine's byte order; records never leave the process.

use std::ops::Range;

use crate::segment::Location;

/// Bytes before anything variable.
pub(crate) const HEADER_BYTES: usize = 24;
/// Bytes of a unit: records start and end on these.
pub(crate) const UNIT_BYTES: usize = 8;
/// The largest record that `units` can say.
pub(crate) const RECORD_BYTES_MAX: usize = u16::MAX as usize * UNIT_BYTES;

const KEY_LEN_CONTINUATION: u8 = 0;
const KEY_LEN_DEAD: u8 = 255;

/// The boolean facts of an item, and how often it was read lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Bits(u8);

impl Bits {
    const FREQUENCY: u8 = 0b11;
    /// Read since it was stored.
    pub(crate) const FETCHED: Bits = Bits(1 << 2);
    /// Marked as out of date by a meta delete or an older set.
    pub(crate) const STALE: Bits = Bits(1 << 3);
    /// Somebody was told to recache it.
    pub(crate) const WIN_SENT: Bits = Bits(1 << 4);
    /// The value goes on in continuations.
    pub(crate) const CHAINED: Bits = Bits(1 << 5);
    /// Client flags are stored.
    pub(crate) const HAS_FLAGS: Bits = Bits(1 << 6);
    /// The key came in base64 and is shown so.
    pub(crate) const BINARY_KEY: Bits = Bits(1 << 7);

    #[inline]
    pub(crate) fn has(self, bit: Bits) -> bool {
        self.0 & bit.0 != 0
    }

    #[inline]
    pub(crate) fn with(self, bit: Bits, on: bool) -> Bits {
        Bits(if on { self.0 | bit.0 } else { self.0 & !bit.0 })
    }

    /// Reads since the eviction last looked, at most 3.
    #[inline]
    pub(crate) fn frequency(self) -> u8 {
        self.0 & Self::FREQUENCY
    }

    #[inline]
    pub(crate) fn with_frequency(self, frequency: u8) -> Bits {
        Bits(self.0 & !Self::FREQUENCY | frequency.min(3))
    }

    #[inline]
    pub(crate) fn read_once_more(self) -> Bits {
        self.with_frequency(self.frequency() + 1)
    }
}

/// The fixed part of an item's record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    pub(crate) cas: u64,
    pub(crate) expires: u32,
    pub(crate) access: u32,
    pub(crate) value_len: u32,
    key_len: u8,
    pub(crate) bits: Bits,
    units: u16,
}

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Item,
    Continuation,
    Dead,
}

impl Header {
    /// An item's header for a record of `bytes`, which must be a multiple of [`UNIT_BYTES`].
    pub(crate) fn item(key_len: usize, value_len: usize, bits: Bits, bytes: usize) -> Header {
        debug_assert!((1..=250).contains(&key_len) && bytes.is_multiple_of(UNIT_BYTES));
        let units = (bytes / UNIT_BYTES) as u16;
        let (key_len, value_len) = (key_len as u8, value_len as u32);
        Header { cas: 0, expires: 0, access: 0, value_len, key_len, bits, units }
    }

    #[inline]
    pub(crate) fn read(record: &[u8]) -> Header {
        let (cas, rest) = take::<8>(record);
        let (expires, rest) = take::<4>(rest);
        let (access, rest) = take::<4>(rest);
        let (value_len, rest) = take::<4>(rest);
        let ([key_len, bits], rest) = take::<2>(rest);
        let (units, _) = take::<2>(rest);
        Header {
            cas: u64::from_ne_bytes(cas),
            expires: u32::from_ne_bytes(expires),
            access: u32::from_ne_bytes(access),
            value_len: u32::from_ne_bytes(value_len),
            key_len,
            bits: Bits(bits),
            units: u16::from_ne_bytes(units),
        }
    }

    #[inline]
    pub(crate) fn write(&self, record: &mut [u8]) {
        let head = &mut record[..HEADER_BYTES];
        head[0..8].copy_from_slice(&self.cas.to_ne_bytes());
        head[8..12].copy_from_slice(&self.expires.to_ne_bytes());
        head[12..16].copy_from_slice(&self.access.to_ne_bytes());
        head[16..20].copy_from_slice(&self.value_len.to_ne_bytes());
        head[20..22].copy_from_slice(&[self.key_len, self.bits.0]);
        head[22..24].copy_from_slice(&self.units.to_ne_bytes());
    }

    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        match self.key_len {
            KEY_LEN_CONTINUATION => Kind::Continuation,
            KEY_LEN_DEAD => Kind::Dead,
            _ => Kind::Item,
        }
    }

    /// The whole record.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        self.units as usize * UNIT_BYTES
    }

    #[inline]
    pub(crate) fn key_len(&self) -> usize {
        self.key_len as usize
    }

    #[inline]
    fn next_start(&self) -> usize {
        HEADER_BYTES + if self.bits.has(Bits::HAS_FLAGS) { 4 } else { 0 }
    }

    #[inline]
    fn key_start(&self) -> usize {
        self.next_start() + if self.bits.has(Bits::CHAINED) { 4 } else { 0 }
    }

    #[inline]
    fn value_start(&self) -> usize {
        self.key_start() + self.key_len()
    }

    /// Where in the record its part of the value stands.
    #[inline]
    pub(crate) fn part_range(&self) -> Range<usize> {
        let (start, len) = match self.kind() {
            Kind::Continuation => (HEADER_BYTES, self.value_len as usize),
            _ => (self.value_start(), self.first_part_len()),
        };
        start..start + len
    }

    /// How much of the value stands in the item's own record.
    #[inline]
    pub(crate) fn first_part_len(&self) -> usize {
        match self.bits.has(Bits::CHAINED) {
            true => self.bytes() - self.value_start(),
            false => self.value_len as usize,
        }
    }
}

/// A record in place: its header, and the bytes from its start (possibly beyond its end).
#[derive(Clone, Copy)]
pub(crate) struct Record<'s> {
    pub(crate) header: Header,
    bytes: &'s [u8],
}

impl<'s> Record<'s> {
    #[inline]
    pub(crate) fn read(bytes: &'s [u8]) -> Record<'s> {
        Record { header: Header::read(bytes), bytes }
    }

    /// The key; of an item only.
    #[inline]
    pub(crate) fn key(&self) -> &'s [u8] {
        let start = self.header.key_start();
        &self.bytes[start..start + self.header.key_len()]
    }

    #[inline]
    pub(crate) fn flags(&self) -> u32 {
        match self.header.bits.has(Bits::HAS_FLAGS) {
            true => number_at(self.bytes, HEADER_BYTES),
            false => 0,
        }
    }

    /// The part of the value that stands here, and where it goes on.
    #[inline]
    pub(crate) fn part(&self) -> (&'s [u8], Option<Location>) {
        (&self.bytes[self.header.part_range()], self.next())
    }

    #[inline]
    pub(crate) fn next(&self) -> Option<Location> {
        match self.header.kind() {
            Kind::Continuation => Location::from_raw(number_at(self.bytes, 4)),
            _ if self.header.bits.has(Bits::CHAINED) => {
                Location::from_raw(number_at(self.bytes, self.header.next_start()))
            }
            _ => None,
        }
    }

    /// The record before this one in its chain; of a continuation only.
    pub(crate) fn prev(&self) -> Option<Location> {
        Location::from_raw(number_at(self.bytes, 0))
    }
}

/// Writes an item's header, flags and key; the value and the chain come later.
pub(crate) fn write_item(record: &mut [u8], header: &Header, flags: u32, key: &[u8]) {
    header.write(record);
    if header.bits.has(Bits::HAS_FLAGS) {
        set_number(record, HEADER_BYTES, flags);
    }
    if header.bits.has(Bits::CHAINED) {
        set_number(record, header.next_start(), 0);
    }
    record[header.key_start()..header.value_start()].copy_from_slice(key);
}

/// Writes a continuation's header for a record of `bytes` that holds `part_len`.
pub(crate) fn write_continuation(record: &mut [u8], prev: Location, part_len: usize, bytes: usize) {
    let units = (bytes / UNIT_BYTES) as u16;
    let value_len = part_len as u32;
    let key_len = KEY_LEN_CONTINUATION;
    Header { cas: 0, expires: 0, access: 0, value_len, key_len, bits: Bits::default(), units }.write(record);
    set_number(record, 0, prev.raw());
}

/// Points an item or a continuation at what follows it.
pub(crate) fn set_next(record: &mut [u8], next: Location) {
    let header = Header::read(record);
    let at = if header.kind() == Kind::Continuation { 4 } else { header.next_start() };
    set_number(record, at, next.raw());
}

/// Points a continuation at what it follows.
pub(crate) fn set_prev(record: &mut [u8], prev: Location) {
    set_number(record, 0, prev.raw());
}

/// Makes the record one to be skipped.
pub(crate) fn set_dead(record: &mut [u8]) {
    record[20] = KEY_LEN_DEAD;
}

/// `bytes` up to a whole number of units.
#[inline]
pub(crate) fn round_up(bytes: usize) -> usize {
    bytes.next_multiple_of(UNIT_BYTES)
}

#[inline]
fn take<const N: usize>(bytes: &[u8]) -> ([u8; N], &[u8]) {
    let (first, rest) = bytes.split_first_chunk().expect("records have a whole header");
    (*first, rest)
}

#[inline]
fn number_at(bytes: &[u8], at: usize) -> u32 {
    let (number, _) = take::<4>(&bytes[at..]);
    u32::from_ne_bytes(number)
}

fn set_number(bytes: &mut [u8], at: usize, number: u32) {
    bytes[at..at + 4].copy_from_slice(&number.to_ne_bytes());
}
