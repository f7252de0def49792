//! The two buffers a worker lends to whichever connection has its turn.

/// Bytes read at most in one turn.
const INPUT_BYTES: usize = 64 * 1024;

/// Larger output buffers are given back once their reply is sent, unless all workers' together stay within this.
const OUTPUT_RETAINED: usize = 4 << 20;

/// Room that must be left for a read to be worth a system call.
pub(super) const READ_BYTES_MIN: usize = 16 * 1024;

/// Scratch space of one worker: input is parsed and output is built here, and only what a connection cannot get rid of
/// in its turn is copied to a buffer of its own.
pub(super) struct Buffers {
    /// Always of full length, so that it is zeroed once and not before each read.
    pub(super) input: Box<[u8]>,
    /// Empty between turns.
    pub(super) output: Vec<u8>,
    output_retained: usize,
}

impl Buffers {
    /// For one of so many workers.
    pub(super) fn new(workers: usize) -> Buffers {
        Buffers {
            input: vec![0; INPUT_BYTES].into_boxed_slice(),
            output: Vec::new(),
            output_retained: (OUTPUT_RETAINED / workers.max(1)).max(INPUT_BYTES),
        }
    }

    /// Forgets a turn's output.
    #[inline]
    pub(super) fn clear_output(&mut self) {
        self.output.clear();
        if self.output.capacity() > self.output_retained {
            self.output = Vec::new();
        }
    }
}

/// Bytes a connection keeps between turns, counted against the memory budget once they are many.
pub(super) struct Kept<R> {
    bytes: Vec<u8>,
    /// Bytes at the front already dealt with.
    start: usize,
    /// Bytes that hold data; those after it are room to read into.
    end: usize,
    /// One for each time the buffer grew.
    reservations: Vec<R>,
    reserved: usize,
}

/// Up to here, the length of a line, a connection's buffer needs no reservation.
const UNRESERVED: usize = 2 * 1024;

/// Reading a large request grows its buffer by at least this much.
const GROWTH_MIN: usize = 64 * 1024;

impl<R> Kept<R> {
    pub(super) fn new() -> Kept<R> {
        Kept { bytes: Vec::new(), start: 0, end: 0, reservations: Vec::new(), reserved: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(super) fn data(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Drops bytes from the front; gives the memory back when none are left.
    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
        if self.is_empty() {
            *self = Kept::new();
        }
    }

    /// Replaces what is kept by bytes that are there already, so that they are counted and cannot be denied a place.
    pub(super) fn keep(&mut self, data: &[u8], mut reserve: impl FnMut(usize) -> Option<R>) {
        *self = Kept { bytes: data.to_vec(), end: data.len(), ..Kept::new() };
        if data.len() > UNRESERVED {
            self.reservations.extend(reserve(data.len()));
            self.reserved = data.len();
        }
    }

    /// Whether the memory budget is charged for what is kept.
    pub(super) fn is_reserved(&self) -> bool {
        self.reserved > 0
    }

    /// Takes over a buffer whose first `start` bytes are dealt with, instead of copying what is left.
    pub(super) fn adopt(
        &mut self,
        bytes: Vec<u8>,
        start: usize,
        mut reserve: impl FnMut(usize) -> Option<R>,
    ) {
        let reserved = bytes.capacity();
        let reservations = reserve(reserved).into_iter().collect();
        *self = Kept { end: bytes.len(), bytes, start, reservations, reserved };
    }

    /// Room after the data for a request that is `missing` bytes short. It grows with what has arrived, not with what
    /// was announced: a peer that announces much and sends nothing holds nothing. But once a good part has arrived, all
    /// of it is reserved, so that two half-gathered requests cannot wait for each other. None if `reserve` denies the
    /// memory.
    pub(super) fn room(
        &mut self,
        missing: usize,
        reserve: impl FnMut(usize) -> Option<R>,
    ) -> Option<&mut [u8]> {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.bytes.len() && !self.grow(missing, reserve) {
            return None;
        }
        Some(&mut self.bytes[self.end..])
    }

    /// Counts bytes that were read into [`room`](Self::room).
    pub(super) fn filled(&mut self, count: usize) {
        self.end += count;
    }

    fn grow(&mut self, missing: usize, mut reserve: impl FnMut(usize) -> Option<R>) -> bool {
        let more = missing.clamp(READ_BYTES_MIN, self.end.max(GROWTH_MIN));
        let whole = self.end + missing.max(more);
        (self.end < GROWTH_MIN || self.reserve_up_to(whole, &mut reserve)) && self.make_room(more, reserve)
    }

    fn reserve_up_to(&mut self, target: usize, reserve: &mut impl FnMut(usize) -> Option<R>) -> bool {
        if target > UNRESERVED && target > self.reserved {
            let Some(reservation) = reserve(target - self.reserved) else { return false };
            self.reservations.push(reservation);
            self.reserved = target;
        }
        true
    }

    fn make_room(&mut self, more: usize, mut reserve: impl FnMut(usize) -> Option<R>) -> bool {
        let target = self.end + more;
        if !self.reserve_up_to(target, &mut reserve) {
            return false;
        }
        self.bytes.reserve_exact(target - self.bytes.len());
        self.bytes.resize(target, 0);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_request_grows_with_what_arrives() {
        let mut asked = Vec::new();
        let mut kept = Kept::new();
        kept.keep(&[1; 100], |bytes| {
            asked.push(bytes);
            Some(())
        });
        let mut read = 0;
        while read < 1_000_000 {
            let room = kept
                .room(1_000_000 - read, |bytes| {
                    asked.push(bytes);
                    Some(())
                })
                .unwrap();
            assert!(room.len() <= (read + 100).max(GROWTH_MIN));
            let count = room.len();
            room.fill(2);
            kept.filled(count);
            read += count;
        }
        assert_eq!(kept.len(), 1_000_100);
        assert_eq!(kept.data()[99..101], [1, 2]);
        assert!(asked.iter().sum::<usize>() == kept.bytes.capacity() && asked.len() < 4, "{asked:?}");
        kept.consume(1_000_100);
        assert!(kept.is_empty() && kept.bytes.capacity() == 0);
    }

    #[test]
    fn denied_memory_is_said() {
        let mut kept = Kept::<()>::new();
        kept.keep(&[0; UNRESERVED], |_| None);
        assert!(kept.room(1, |_| None).is_none());
    }
}
