//! Keys, checked once.

use std::fmt;

use peerset_proto_memcache::KEY_BYTES_MAX;
use peerset_proto_memcache::request::{self, KeyError};

/// What an item is called: checked when it is made, then taken by every operation.
///
/// - **Shape**: borrows the bytes, `Copy`; nothing is allocated.
/// - **Prefix**: a client's key prefix is counted when the request is written, and owners are chosen without it.
///
/// ```
/// use peerset_client_memcache::Key;
///
/// let plain = Key::new("user:42")?;
/// let binary = Key::binary(&[0, 1, 2])?;
/// assert!(Key::new("two words").is_err() && Key::binary(b"two words").is_ok());
/// # Ok::<(), peerset_client_memcache::KeyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key<'k> {
    bytes: &'k [u8],
    encoded: bool,
}

impl<'k> Key<'k> {
    /// A key that every server takes: 1 to 250 bytes without spaces and control characters.
    ///
    /// # Errors
    /// The bytes are none, too many, or hold a space or control byte; the last may go as [`Key::binary`].
    pub fn new<B: AsRef<[u8]> + ?Sized>(bytes: &'k B) -> Result<Key<'k>, KeyError> {
        let bytes = bytes.as_ref();
        request::Key::new(bytes).map(|_| Key { bytes, encoded: false })
    }

    /// Any 1 to 186 bytes. Those that are no plain key travel as base64, which only servers with meta commands know.
    ///
    /// # Errors
    /// The bytes are none, or with base64 more than 250.
    pub fn binary<B: AsRef<[u8]> + ?Sized>(bytes: &'k B) -> Result<Key<'k>, KeyError> {
        match Key::new(bytes) {
            Err(KeyError::Control { .. }) => {
                let bytes = bytes.as_ref();
                match base64_len(bytes.len()) {
                    len if len > KEY_BYTES_MAX => Err(KeyError::TooLong { bytes: len }),
                    _ => Ok(Key { bytes, encoded: true }),
                }
            }
            plain => plain,
        }
    }

    /// The key, without prefix and not encoded.
    pub fn as_bytes(&self) -> &'k [u8] {
        self.bytes
    }

    /// Whether it travels as base64.
    pub fn is_encoded(&self) -> bool {
        self.encoded
    }
}

/// The length of base64 with its padding.
pub(crate) fn base64_len(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.bytes.escape_ascii())
    }
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes.escape_ascii().fmt(f)
    }
}

/// A fingerprint of a key as it stands on the wire, by which a reply shows that it is for the request it came to.
///
/// Not against an adversary, who could as well send a false value under the right key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct KeyMark(u64);

impl KeyMark {
    /// Eight bytes at a time; about 2 ns for a usual key.
    #[inline]
    pub(crate) fn of(key: &[u8]) -> KeyMark {
        const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
        let mix = |mark: u64, word: u64| (mark ^ word).wrapping_mul(MULTIPLIER).rotate_left(29);
        let (words, rest) = key.as_chunks::<8>();
        let start = (key.len() as u64).wrapping_mul(MULTIPLIER);
        let mark = words.iter().fold(start, |mark, word| mix(mark, u64::from_le_bytes(*word)));
        // Shifted out of the last eight bytes, or gathered one by one: written to memory in bytes and read back as a word,
        // the rest would make the processor wait for as long as all of the above takes.
        let last = match key.last_chunk::<8>() {
            Some(end) => u64::from_le_bytes(*end).checked_shr(64 - 8 * rest.len() as u32).unwrap_or(0),
            None => rest.iter().rev().fold(0, |last, byte| last << 8 | u64::from(*byte)),
        };
        KeyMark(mix(mark, last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_plain_or_encoded_or_refused() {
        fn check(bytes: &[u8], plain: Result<(), KeyError>, binary: Result<bool, KeyError>) {
            assert_eq!(Key::new(bytes).map(|_| ()), plain);
            assert_eq!(Key::binary(bytes).map(|key| key.is_encoded()), binary);
        }
        let long = KeyError::TooLong { bytes: 251 };
        check(b"k", Ok(()), Ok(false));
        check(&[b'k'; 250], Ok(()), Ok(false));
        check(&[b'k'; 251], Err(long), Err(long));
        check(b"", Err(KeyError::Empty), Err(KeyError::Empty));
        check(b"a b", Err(KeyError::Control { at: 1 }), Ok(true));
        check(&[0; 186], Err(KeyError::Control { at: 0 }), Ok(true));
        check(&[0; 187], Err(KeyError::Control { at: 0 }), Err(KeyError::TooLong { bytes: 252 }));
    }

    #[test]
    fn a_mark_mixes_every_byte_in_one_place() {
        // That is why keys that differ in one word only never have the same mark.
        let key: Vec<u8> = (b'!'..=b'~').cycle().take(250).collect();
        for len in 0..=key.len() {
            let mut padded = key[..len].to_vec();
            padded.resize(len / 8 * 8 + 8, 0);
            let words = padded.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
            let multiplier = 0x9E37_79B9_7F4A_7C15_u64;
            let mark = words.fold((len as u64).wrapping_mul(multiplier), |mark, word| {
                (mark ^ word).wrapping_mul(multiplier).rotate_left(29)
            });
            assert_eq!(KeyMark::of(&key[..len]), KeyMark(mark), "{len} bytes");
        }
    }

    #[test]
    fn marks_differ_with_any_byte_and_with_length() {
        let keys =
            [&b"a"[..], b"b", b"a\0", b"aaaaaaaa", b"aaaaaaab", b"aaaaaaaab", b"baaaaaaaa", b"aaaaaaaaa"];
        for (i, a) in keys.iter().enumerate() {
            for (j, b) in keys.iter().enumerate() {
                assert_eq!(KeyMark::of(a) == KeyMark::of(b), i == j, "{a:?} {b:?}");
            }
        }
    }
}
