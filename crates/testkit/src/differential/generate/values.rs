//! Values, and what commands announce about them.

use std::borrow::Cow;

use super::Generator;

/// A value as a storing command brings it.
pub(super) struct Value {
    /// The length in the command line.
    pub(super) announced: String,
    /// The data block with its line end.
    pub(super) data: Cow<'static, [u8]>,
    /// How much longer the announced data block is than this one.
    pub(super) swallows: usize,
}

/// Short values: numbers and near-numbers for incr, bytes that look like protocol, text.
const SHORT: &[&str] = &[
    "",
    "0",
    "1",
    "9",
    "10",
    "99",
    "100",
    "12345",
    "4294967295",
    "1152921504606846976",
    "18446744073709551616",
    "00000000000000000001",
    "000000000000000000001",
    "12  ",
    " 12",
    "-1",
    "+1",
    "1x",
    "x",
    "abc",
    "hello world",
    "END",
    "\r\nx",
    "END\r\n",
    "a\nb",
    "caf\u{e9}",
    "VALUE a 0 1",
    "HD",
    "get a",
];

/// The limit that memcached sets by default, with room on both sides for what an item takes beside its value.
const ITEM_BYTES_MAX: usize = 1 << 20;

/// How much of what follows a value may take for itself. As much padding is sent where it would matter.
pub(super) const SWALLOWS_MAX: usize = 12;

impl Generator {
    pub(super) fn value(&mut self) -> Value {
        if self.rough() { self.value_rough() } else { self.value_smooth() }
    }

    fn value_smooth(&mut self) -> Value {
        let data = match self.dice.between(0, 200) {
            0..150 => self.dice.pick(SHORT).as_bytes().to_vec(),
            // The first byte is no white space, see KNOWN_DIFFERENCES.
            150..175 => (0..self.dice.between(0, 200))
                .fold(vec![0xff], |data, _| [data, vec![self.dice.byte()]].concat()),
            175..194 => vec![b'v'; self.dice.between(200, 5_000)],
            // Where memcached begins to keep items in several pieces, and around its greatest item.
            194..198 => vec![b'c'; (ITEM_BYTES_MAX / 2).wrapping_sub(256) + self.dice.between(0, 512)],
            198 => vec![b'm'; ITEM_BYTES_MAX - 400 + self.dice.between(0, 400)],
            _ => vec![b'o'; ITEM_BYTES_MAX + self.dice.between(0, 1024)],
        };
        let announced = data.len().to_string();
        Value { announced, data: [data, b"\r\n".to_vec()].concat().into(), swallows: 0 }
    }

    fn value_rough(&mut self) -> Value {
        let data = self.dice.pick(SHORT);
        let exact = |end: &str| Value {
            announced: data.len().to_string(),
            data: [data, end].concat().into_bytes().into(),
            // Without the line end, two bytes of the next command are taken for it.
            swallows: 2_usize.saturating_sub(end.len()),
        };
        match self.dice.between(0, 20) {
            0 => exact("\n"),
            1 => exact(""),
            2 => exact("xx\r\n"),
            3 | 4 => {
                let announced = data.len().saturating_sub(self.dice.between(1, 4));
                Value { announced: announced.to_string(), ..exact("\r\n") }
            }
            5 | 6 => {
                let swallows = self.dice.between(1, SWALLOWS_MAX - 1);
                Value { announced: (data.len() + swallows).to_string(), swallows, ..exact("\r\n") }
            }
            // At most three bytes are announced by these.
            7 | 8 => Value { announced: self.length_odd().to_owned(), swallows: 5, ..exact("\r\n") },
            _ => exact("\r\n"),
        }
    }
}
