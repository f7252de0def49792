//! Counting: incr and decr on a value that is a decimal number.

use crate::config::item_bytes;
use crate::expiry::Expiry;
use crate::key::{Hashed, Key};
use crate::record::Bits;
use crate::segment::Location;
use crate::shard::{Full, NewItem, Shard};
use crate::value::Value;

/// What to count. [`Arithmetic::new`] is a plain `incr` or `decr`.
#[derive(Debug, Clone, Copy)]
pub struct Arithmetic<'a> {
    /// The item's name.
    pub key: Key<'a>,
    /// By how much.
    pub delta: u64,
    /// Up or down.
    pub direction: Direction,
    /// On a miss, makes an item with this number and this expiry (meta `N` and `J`). The delta is not applied to it.
    pub initial: Option<(u64, Expiry)>,
    /// Only if the item has this CAS value, unless that is 0 (meta `C`).
    pub compare_cas: Option<u64>,
    /// The item's CAS value from now on, instead of the next one (meta `E`).
    pub cas_new: Option<u64>,
    /// The item's expiry from now on (meta `T`). As in memcached, up to its newest version, this is lost when the number
    /// grows longer than the value was: then the item keeps its expiry, though the outcome shows the new one.
    pub touch: Option<Expiry>,
}

/// Up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Adds, modulo 2^64.
    Increment,
    /// Subtracts, down to 0.
    Decrement,
}

/// What became of an [`Arithmetic`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum ArithmeticOutcome {
    /// It was counted, or made.
    Done {
        /// The number now. The value may have spaces behind it: it never gets shorter.
        number: u64,
        /// The item's new CAS value.
        cas: u64,
        /// When the item was to end before, [`Expiry::NEVER`] for one just made.
        expiry_before: Expiry,
        /// When the item ends now.
        expiry: Expiry,
        /// Whether it was made.
        created: bool,
    },
    /// There is no such item.
    NotFound,
    /// The item has another CAS value. Nothing changed.
    Exists,
    /// The value is not a number of 64 bits. Nothing changed.
    NonNumeric,
    /// The kernel has no memory. The item is gone.
    OutOfMemory,
}

impl<'a> Arithmetic<'a> {
    /// A plain `incr` or `decr`.
    pub const fn new(key: Key<'a>, direction: Direction, delta: u64) -> Arithmetic<'a> {
        Arithmetic { key, delta, direction, initial: None, compare_cas: None, cas_new: None, touch: None }
    }
}

/// The largest item that memcached keeps in one piece (`slab_chunk_max`).
const WHOLE_BYTES_MAX: u64 = 512 * 1024;
/// The decimal digits of 2^64 - 1.
const DIGITS_MAX: usize = 20;
/// How far to look for the first significant digit: nobody counts with more leading zeros, and the lock is held.
const LEADING_MAX: usize = 1024;

impl Shard {
    pub(crate) fn arithmetic(
        &mut self,
        key: Hashed<'_>,
        arithmetic: &Arithmetic<'_>,
        now: u32,
    ) -> ArithmeticOutcome {
        let Some(location) = self.find(key, now) else { return self.initial(key, arithmetic, now) };
        let record = self.segments.record(location);
        let (before, flags) = (record.header, record.flags());
        // The order is memcached's: an empty value, or one it would keep in pieces, is no number whatever its CAS value.
        let kept_whole = item_bytes(key.key.len(), flags, before.value_len as usize) <= WHOLE_BYTES_MAX;
        if before.value_len == 0 || !kept_whole {
            return ArithmeticOutcome::NonNumeric;
        }
        if arithmetic.compare_cas.is_some_and(|wanted| wanted != 0 && wanted != before.cas) {
            return ArithmeticOutcome::Exists;
        }
        let Some(number) = parse_number(Value::of(&self.segments, &record)) else {
            return ArithmeticOutcome::NonNumeric;
        };
        let number = match arithmetic.direction {
            Direction::Increment => number.wrapping_add(arithmetic.delta),
            Direction::Decrement => number.saturating_sub(arithmetic.delta),
        };
        let mut digits = [0; DIGITS_MAX];
        let digits = format(number, &mut digits);
        let cas = self.shared.cas(arithmetic.cas_new);
        if digits.len() <= before.value_len as usize {
            let mut after = before;
            // Counting is using: a counter that nobody reads otherwise should not be evicted for it.
            (after.cas, after.access, after.bits) = (cas, now, before.bits.read_once_more());
            after.expires = arithmetic.touch.map_or(before.expires, Expiry::unix_seconds);
            self.update(location, &before, &after);
            self.overwrite(location, digits);
        } else {
            let value: [&[u8]; 2] = [digits, &[]];
            let item = NewItem { key, value, flags, expires: before.expires, cas, bits: Bits::default() };
            if let Err(Full) = self.store(&item, Some(location), now) {
                return ArithmeticOutcome::OutOfMemory;
            }
        }
        let expiry_before = Expiry::from_unix_seconds(before.expires);
        let expiry = arithmetic.touch.unwrap_or(expiry_before);
        ArithmeticOutcome::Done { number, cas, expiry_before, expiry, created: false }
    }

    fn initial(&mut self, key: Hashed<'_>, arithmetic: &Arithmetic<'_>, now: u32) -> ArithmeticOutcome {
        let Some((number, expiry)) = arithmetic.initial else { return ArithmeticOutcome::NotFound };
        let mut digits = [0; DIGITS_MAX];
        let value: [&[u8]; 2] = [format(number, &mut digits), &[]];
        let cas = self.shared.cas(arithmetic.cas_new);
        let expires = expiry.unix_seconds();
        let item = NewItem { key, value, flags: 0, expires, cas, bits: Bits::default() };
        match self.store(&item, None, now) {
            Ok(_) => {
                let expiry_before = Expiry::NEVER;
                ArithmeticOutcome::Done { number, cas, expiry_before, expiry, created: true }
            }
            Err(Full) => ArithmeticOutcome::OutOfMemory,
        }
    }

    /// Writes the digits over the value and spaces over what is left of it.
    fn overwrite(&mut self, location: Location, digits: &[u8]) {
        let mut digits = digits.iter();
        let mut next = Some(location);
        while let Some(location) = next {
            let record = self.segments.record(location);
            next = record.next();
            let range = record.header.part_range();
            for byte in &mut self.segments.bytes_mut(location)[range] {
                *byte = digits.next().copied().unwrap_or(b' ');
            }
        }
    }
}

/// Reads a number as C's `strtoull` and memcached's `safe_strtoull` do: white space, a sign, digits, and then the end,
/// white space or a zero byte; whatever follows those does not matter.
fn parse_number(value: Value<'_>) -> Option<u64> {
    let mut bytes = value.parts().flatten().copied().peekable();
    let mut leading = 0..LEADING_MAX;
    while bytes.next_if(|&byte| is_space(byte)).is_some() {
        leading.next()?;
    }
    let negative = bytes.next_if(|&byte| byte == b'+' || byte == b'-') == Some(b'-');
    let mut number = 0u64;
    let mut digits = 0;
    while let Some(digit) = bytes.next_if(u8::is_ascii_digit) {
        if number == 0 {
            leading.next()?;
        }
        number = number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
        digits += 1;
    }
    let ends = bytes.next().is_none_or(|byte| is_space(byte) || byte == 0);
    // A minus negates modulo 2^64, and only a result that looks negative is refused.
    let number = if negative { number.wrapping_neg() } else { number };
    (digits > 0 && ends && !(negative && number >> 63 == 1)).then_some(number)
}

/// C's `isspace`, which unlike Rust's takes the vertical tab.
fn is_space(byte: u8) -> bool {
    byte == b' ' || (b'\t'..=b'\r').contains(&byte)
}

fn format(mut number: u64, digits: &mut [u8; DIGITS_MAX]) -> &[u8] {
    let mut at = DIGITS_MAX;
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}
