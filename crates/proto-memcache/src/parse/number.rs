//! Numbers as memcached reads them: `strtol` and its kin, then a cast.
//!
//! White space may lead, a sign may follow it, and after the digits there must be the end or white space, after which
//! anything goes. Only overflow of 64 bits is an error; what is too large for 32 bits is cut.

/// Flags, levels: `strtoul` cut to 32 bits.
#[inline]
pub(super) fn u32(word: &[u8]) -> Option<u32> {
    Some(u64(word)? as u32)
}

/// CAS values and deltas: `strtoull`.
#[inline]
pub(super) fn u64(word: &[u8]) -> Option<u64> {
    match plain(word) {
        Some(number) => Some(number),
        None => unsigned(word),
    }
}

/// Exptimes and lengths: `strtol` cut to 32 bits.
#[inline]
pub(super) fn i32(word: &[u8]) -> Option<i32> {
    match plain(word) {
        Some(number) => Some(number as i32),
        None => signed(word),
    }
}

/// Nothing but digits, and too few to overflow: nearly every number there is.
#[inline]
fn plain(word: &[u8]) -> Option<u64> {
    if word.is_empty() || word.len() > 18 {
        return None;
    }
    let mut number = 0;
    for byte in word {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    Some(number)
}

#[cold]
fn unsigned(word: &[u8]) -> Option<u64> {
    let (negative, magnitude) = general(word)?;
    // strtoull takes a sign and wraps. memcached refuses a result of 2^63 or more if there is a `-` anywhere in the
    // word, which catches -1 and lets -18446744073709551615 through as 1.
    let number = if negative { magnitude.wrapping_neg() } else { magnitude };
    if number > i64::MAX as u64 && word.contains(&b'-') { None } else { Some(number) }
}

#[cold]
fn signed(word: &[u8]) -> Option<i32> {
    let (negative, magnitude) = general(word)?;
    let number = if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() };
    number.map(|number| number as i32)
}

/// Sign and magnitude; `None` if it is no number, or overflows 64 bits.
fn general(word: &[u8]) -> Option<(bool, u64)> {
    let start = word.iter().position(|byte| !white(*byte))?;
    let (negative, digits) = match &word[start..] {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let len = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if len == 0 || digits.get(len).is_some_and(|byte| !white(*byte)) {
        return None;
    }
    let magnitude = digits[..len]
        .iter()
        .try_fold(0_u64, |number, byte| number.checked_mul(10)?.checked_add(u64::from(byte - b'0')))?;
    Some((negative, magnitude))
}

/// C's `isspace`.
fn white(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

#[cfg(test)]
mod tests {
    fn check(word: &str, expected: (Option<u64>, Option<i32>)) {
        assert_eq!((super::u64(word.as_bytes()), super::i32(word.as_bytes())), expected, "{word:?}");
    }

    #[test]
    fn numbers_are_those_of_strtol() {
        check("0", (Some(0), Some(0)));
        check("0042", (Some(42), Some(42)));
        check("+7", (Some(7), Some(7)));
        check("-0", (Some(0), Some(0)));
        check("\t7", (Some(7), Some(7)));
        check("7\t8", (Some(7), Some(7)));
        check("-7", (None, Some(-7)));
        check("2147483648", (Some(2147483648), Some(i32::MIN)));
        check("4294967297", (Some(4294967297), Some(1)));
        check("9223372036854775807", (Some(i64::MAX as u64), Some(-1)));
        check("9223372036854775808", (Some(1 << 63), None));
        check("-9223372036854775808", (None, Some(0)));
        check("-9223372036854775809", (Some(i64::MAX as u64), None));
        check("18446744073709551615", (Some(u64::MAX), None));
        check("18446744073709551616", (None, None));
        check("-18446744073709551615", (Some(1), None));
        check("18446744073709551615\t-", (None, None));
    }

    #[test]
    fn the_rest_are_no_numbers() {
        for word in ["", "x", "0x7", "7x", "+", "-", "+-7", "\t", "7.0", "noreply"] {
            check(word, (None, None));
        }
    }
}
