//! Percent coding, for the few characters that separate things in an item or a discovery URL.
//!
//! One set of characters is encoded everywhere, more than some places need, so that there is one rule to learn and
//! text may be moved from a file to a URL unchanged. Everything else, letters of any script included, stands as it is.

use std::borrow::Cow;
use std::fmt;

use crate::text::{Fault, Piece};

/// What can be wrong with `%XX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PercentProblem {
    /// A `%` without two hexadecimal digits after it.
    #[error("% must be followed by two hexadecimal digits; a literal % is %25")]
    NotHex,
    /// The decoded bytes are not text.
    #[error("what %XX stands for is not UTF-8")]
    NotUtf8,
    /// The decoded text holds a control character, which no part of an address may.
    #[error("control characters are not allowed")]
    Control,
}

/// Decodes `%XX`; borrows if there is none.
///
/// Errors: point at the bad escape, or at the whole piece if what it decodes to is no text.
pub(crate) fn decode(piece: Piece<'_>) -> Result<Cow<'_, str>, Fault<PercentProblem>> {
    if let Some(at) = piece.text.find(char::is_control) {
        return Err(piece.fault_at(at, PercentProblem::Control));
    }
    let Some(first) = piece.text.find('%') else { return Ok(Cow::Borrowed(piece.text)) };
    let raw = piece.text.as_bytes();
    let mut bytes = raw[..first].to_vec();
    let mut at = first;
    while let Some(&byte) = raw.get(at) {
        if byte != b'%' {
            bytes.push(byte);
            at += 1;
            continue;
        }
        let hex = |offset: usize| raw.get(at + offset).and_then(|&digit| char::from(digit).to_digit(16));
        let (Some(high), Some(low)) = (hex(1), hex(2)) else {
            return Err(piece.fault_at(at, PercentProblem::NotHex));
        };
        bytes.push((high * 16 + low) as u8);
        at += 3;
    }
    let text = String::from_utf8(bytes).map_err(|_| piece.fault(PercentProblem::NotUtf8))?;
    if text.contains(char::is_control) {
        return Err(piece.fault(PercentProblem::Control));
    }
    Ok(Cow::Owned(text))
}

/// Shows text with its separators encoded: [`decode`] gives it back.
pub(crate) struct Encoded<'a>(pub(crate) &'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(needs_encoding) {
            let (plain, odd) = rest.split_at(at);
            f.write_str(plain)?;
            let width = odd.chars().next().map_or(1, char::len_utf8);
            for byte in &odd.as_bytes()[..width] {
                write!(f, "%{byte:02X}")?;
            }
            rest = &odd[width..];
        }
        f.write_str(rest)
    }
}

fn needs_encoding(character: char) -> bool {
    matches!(character, '%' | ',' | '=' | '@' | '?' | '#' | '&') || character.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn decode_undoes_encode(text in "\\PC*") {
            prop_assume!(!text.contains(char::is_control));
            let encoded = Encoded(&text).to_string();
            prop_assert!(!encoded.contains([',', '=', '@', '?', '#', '&', ' ']));
            prop_assert_eq!(decode(Piece::new(&encoded)).unwrap(), text);
        }

        #[test]
        fn decode_never_panics(text in ".*") {
            let _ = decode(Piece::new(&text));
        }
    }

    #[test]
    fn points_at_the_escape() {
        fn check(input: &str, expected: Result<&str, (PercentProblem, std::ops::Range<usize>)>) {
            let found = decode(Piece::new(input)).map_err(|fault| (fault.problem, fault.at));
            assert_eq!(found, expected.map(Cow::Borrowed), "{input:?}");
        }
        check("plain", Ok("plain"));
        check("a%2Cb%2c", Ok("a,b,"));
        check("%C3%A9é", Ok("éé"));
        check("a%", Err((PercentProblem::NotHex, 1..2)));
        check("a%2", Err((PercentProblem::NotHex, 1..2)));
        check("a%zz", Err((PercentProblem::NotHex, 1..2)));
        check("a%é", Err((PercentProblem::NotHex, 1..2)));
        check("a%FF", Err((PercentProblem::NotUtf8, 0..4)));
        check("a%00", Err((PercentProblem::Control, 0..4)));
        check("a\tb", Err((PercentProblem::Control, 1..2)));
    }
}
