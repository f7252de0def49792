//! The texts that a server's points are hashes of: a label with the numbers from 0 on.

use std::ops::Range;

/// `endpoint-0`, `endpoint-1` … or `0endpoint`, `1endpoint` …, counted in place: writing a number anew for each point
/// would take longer than hashing it.
pub(crate) struct Label {
    buffer: Vec<u8>,
    digits: Range<usize>,
    side: Side,
}

/// Where the number stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    Behind,
}

/// What a `u32` needs at most.
const DIGITS_MAX: usize = 10;

impl Label {
    /// Starts at `fixed` with 0 behind it.
    pub(crate) fn then_number(fixed: &str) -> Label {
        let buffer = [fixed.as_bytes(), &[b'0'; DIGITS_MAX]].concat();
        Label { buffer, digits: fixed.len()..fixed.len() + 1, side: Side::Behind }
    }

    /// Starts at `fixed` with 0 before it.
    pub(crate) fn after_number(fixed: &str) -> Label {
        let buffer = [&[b'0'; DIGITS_MAX], fixed.as_bytes()].concat();
        Label { buffer, digits: DIGITS_MAX - 1..DIGITS_MAX, side: Side::Before }
    }

    pub(crate) fn text(&self) -> &[u8] {
        match self.side {
            Side::Before => &self.buffer[self.digits.start..],
            Side::Behind => &self.buffer[..self.digits.end],
        }
    }

    /// Goes on to the next number, of which there are as many as ten digits show.
    pub(crate) fn advance(&mut self) {
        for digit in self.buffer[self.digits.clone()].iter_mut().rev() {
            if *digit != b'9' {
                *digit += 1;
                return;
            }
            *digit = b'0';
        }
        // All were nines; the row of zeros gets a digit in front. Room is for as many as a number of points has.
        match self.side {
            Side::Before => self.digits.start -= 1,
            Side::Behind => self.digits.end += 1,
        }
        self.buffer[self.digits.start] = b'1';
    }

    /// Calls `each` with the texts of the numbers below `count`.
    pub(crate) fn each(mut self, count: u32, mut each: impl FnMut(&[u8])) {
        for _ in 0..count {
            each(self.text());
            self.advance();
        }
    }
}

#[test]
fn numbers_stand_on_either_side() {
    let (mut behind, mut before) = (0, 0);
    Label::then_number("a:1-").each(12_345, |text| {
        assert_eq!(text, format!("a:1-{behind}").as_bytes());
        behind += 1;
    });
    Label::after_number("a:1").each(12_345, |text| {
        assert_eq!(text, format!("{before}a:1").as_bytes());
        before += 1;
    });
    assert_eq!((behind, before), (12_345, 12_345));
}
