//! A stored value, as a reader sees it.

use std::fmt;

use crate::record::Record;
use crate::segment::{Location, Segments};

/// A value in place, in one or more parts; borrowed from the store while its shard is locked.
///
/// - **Cost**: values up to about 2 KiB are one part, long ones a part for each quarter of a segment; nothing is copied
///   until [`Value::copy_to`].
#[derive(Clone, Copy)]
pub struct Value<'s> {
    segments: &'s Segments,
    first: &'s [u8],
    next: Option<Location>,
    len: usize,
}

impl<'s> Value<'s> {
    #[inline]
    pub(crate) fn of(segments: &'s Segments, record: &Record<'s>) -> Value<'s> {
        let (first, next) = record.part();
        Value { segments, first, next, len: record.header.value_len as usize }
    }

    /// Bytes in all.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The parts in order; none is empty, unless the value is.
    #[inline]
    pub fn parts(&self) -> Parts<'s> {
        Parts { segments: self.segments, part: Some(self.first), next: self.next }
    }

    /// Appends the value to `out`.
    #[inline]
    pub fn copy_to(&self, out: &mut Vec<u8>) {
        if self.next.is_none() {
            return out.extend_from_slice(self.first);
        }
        out.reserve(self.len);
        self.parts().for_each(|part| out.extend_from_slice(part));
    }

    /// The value in a buffer of its own.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.copy_to(&mut out);
        out
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({} bytes)", self.len)
    }
}

/// The parts of a [`Value`].
#[derive(Clone)]
pub struct Parts<'s> {
    segments: &'s Segments,
    part: Option<&'s [u8]>,
    next: Option<Location>,
}

impl<'s> Iterator for Parts<'s> {
    type Item = &'s [u8];

    #[inline]
    fn next(&mut self) -> Option<&'s [u8]> {
        let part = self.part.take()?;
        if let Some(location) = self.next {
            let (following, next) = self.segments.record(location).part();
            (self.part, self.next) = (Some(following), next);
        }
        Some(part)
    }
}

impl fmt::Debug for Parts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parts")
    }
}
