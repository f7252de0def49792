//! Numbers: the ordinary, the boundaries, and what is none.

use super::Generator;

/// In seconds. Absolute times are far away, so that the servers' different seconds rarely show.
const EXPTIMES: &[&str] =
    &["0", "0", "0", "0", "100", "100", "1000", "2592000", "2592001", "-1", "2000000000", "2147483647"];

/// Out of range for 32 bits, which wraps around in memcached, or no number at all, or only a lenient parser's.
const EXPTIMES_ODD: &[&str] = &[
    "2147483648",
    "4294967396",
    "-2147483648",
    "-2147483649",
    "9223372036854775808",
    "+100",
    "0100",
    "0x10",
    "1.5",
    "abc",
    "-",
    "100x",
    "1e3",
];

const DELTAS: &[&str] =
    &["0", "1", "1", "2", "10", "99", "1000000", "1152921504606846976", "1152921504606846977"];

const DELTAS_ODD: &[&str] =
    &["18446744073709551616", "-1", "-0", "+1", "01", "0x1", "abc", "1x", "", "99999999999999999999999"];

const FLAGS: &[&str] = &["0", "0", "0", "1", "123", "65536", "4294967295"];

const FLAGS_ODD: &[&str] = &["4294967296", "-1", "+1", "007", "abc", "1x", "18446744073709551616"];

/// Lengths that do not announce what follows; the two just over 2^32 wrap around to 3 and -1.
const LENGTHS_ODD: &[&str] = &[
    "-1",
    "-0",
    "+3",
    "03",
    "0x3",
    "abc",
    "3x",
    "-2147483648",
    "2147483646",
    "2147483647",
    "4294967299",
    "4294967295",
    "99999999999999999999",
];

impl Generator {
    pub(super) fn exptime(&mut self) -> &'static str {
        if self.odd(8) { self.dice.pick(EXPTIMES_ODD) } else { self.dice.pick(EXPTIMES) }
    }

    pub(super) fn delta(&mut self) -> &'static str {
        if self.odd(6) { self.dice.pick(DELTAS_ODD) } else { self.dice.pick(DELTAS) }
    }

    pub(super) fn flags(&mut self) -> &'static str {
        if self.odd(12) { self.dice.pick(FLAGS_ODD) } else { self.dice.pick(FLAGS) }
    }

    pub(super) fn length_odd(&mut self) -> &'static str {
        self.dice.pick(LENGTHS_ODD)
    }
}
