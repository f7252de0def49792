//! The texts that a server's points are hashes of, written into one buffer again and again.

use std::ops::Range;

/// A label of which only a number changes: `endpoint-17` or `17endpoint`.
///
/// Bytes of the fixed part lie in the middle, with room for the digits of any number on both sides.
pub(crate) struct Label {
    buffer: Vec<u8>,
    fixed: Range<usize>,
}

/// What a `u32` needs at most.
const DIGITS_MAX: usize = 10;

impl Label {
    pub(crate) fn new(fixed: &str) -> Label {
        let mut buffer = vec![0; DIGITS_MAX];
        buffer.extend_from_slice(fixed.as_bytes());
        buffer.resize(buffer.len() + DIGITS_MAX, 0);
        Label { fixed: DIGITS_MAX..DIGITS_MAX + fixed.len(), buffer }
    }

    /// The fixed part, then `number`.
    pub(crate) fn then(&mut self, number: u32) -> &[u8] {
        let (digits, from) = decimal(number);
        let end = self.fixed.end + DIGITS_MAX - from;
        self.buffer[self.fixed.end..end].copy_from_slice(&digits[from..]);
        &self.buffer[self.fixed.start..end]
    }

    /// `number`, then the fixed part.
    pub(crate) fn after(&mut self, number: u32) -> &[u8] {
        let (digits, from) = decimal(number);
        self.buffer[from..DIGITS_MAX].copy_from_slice(&digits[from..]);
        &self.buffer[from..self.fixed.end]
    }
}

/// The digits of a number at the end of an array, and where they start.
fn decimal(mut number: u32) -> ([u8; DIGITS_MAX], usize) {
    let mut digits = [b'0'; DIGITS_MAX];
    let mut from = DIGITS_MAX;
    loop {
        from -= 1;
        digits[from] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return (digits, from);
        }
    }
}

#[test]
fn numbers_stand_on_either_side() {
    let mut label = Label::new("a:1-");
    for number in [0, 9, 10, 4_294_967_295, 7, 100] {
        assert_eq!(label.then(number), format!("a:1-{number}").as_bytes());
        assert_eq!(label.after(number), format!("{number}a:1-").as_bytes());
    }
}
