//! Keys: plain ones, and those that travel as base64.

use crate::base64;
use crate::limits::KEY_BYTES_MAX;

/// A key as it stands in a line: 1 to 250 bytes without space, `\n` or NUL.
///
/// A parsed key may hold other control bytes, since memcached takes them; [`Key::new`] does not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key<'b>(&'b [u8]);

/// Why bytes cannot be a plain key. The caller's fault; [`MetaKey`] can carry any bytes, up to 186 of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// memcached has no empty key.
    #[error("the key is empty")]
    Empty,
    /// Longer than [`KEY_BYTES_MAX`].
    #[error("the key has {bytes} bytes, of at most {KEY_BYTES_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// A space or control byte, which would end the word or the line.
    #[error("byte {at} of the key is a space or control character")]
    Control {
        /// Where, from 0.
        at: usize,
    },
}

impl<'b> Key<'b> {
    /// A key that every memcached and every client takes.
    ///
    /// # Errors
    /// The bytes are none, too many, or hold a space or control byte.
    pub fn new(bytes: &'b [u8]) -> Result<Key<'b>, KeyError> {
        if bytes.is_empty() {
            return Err(KeyError::Empty);
        }
        if bytes.len() > KEY_BYTES_MAX {
            return Err(KeyError::TooLong { bytes: bytes.len() });
        }
        match bytes.iter().position(|&byte| byte <= b' ' || byte == 0x7f) {
            Some(at) => Err(KeyError::Control { at }),
            None => Ok(Key(bytes)),
        }
    }

    /// For a word of a line whose length was checked.
    #[inline]
    pub(crate) fn of_line(word: &'b [u8]) -> Key<'b> {
        Key(word)
    }

    /// The key.
    #[inline]
    pub fn as_bytes(&self) -> &'b [u8] {
        self.0
    }
}

impl std::fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// The key of a meta command: plain, or base64 with the `b` flag.
///
/// memcached remembers with the item that its key came as base64, and then returns it so wherever `k` asks for it,
/// encoded afresh (its own decoder also takes sloppy base64, see [`base64`](crate::base64)).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MetaKey<'b> {
    raw: Key<'b>,
    base64: bool,
}

impl<'b> MetaKey<'b> {
    /// A key sent as it is.
    pub fn plain(key: Key<'b>) -> MetaKey<'b> {
        MetaKey { raw: key, base64: false }
    }

    /// A key that is already base64 text; `None` if it does not decode.
    pub fn encoded(text: Key<'b>) -> Option<MetaKey<'b>> {
        base64::decode(text.as_bytes(), &mut [0; KEY_BYTES_MAX])?;
        Some(MetaKey { raw: text, base64: true })
    }

    #[inline]
    pub(crate) fn of_line(word: &'b [u8], base64: bool) -> MetaKey<'b> {
        MetaKey { raw: Key::of_line(word), base64 }
    }

    /// The key as it stands in the line, encoded if [`is_base64`](Self::is_base64).
    #[inline]
    pub fn raw(&self) -> Key<'b> {
        self.raw
    }

    /// Whether the line said `b`.
    #[inline]
    pub fn is_base64(&self) -> bool {
        self.base64
    }

    /// The key the item has: the line's own bytes if plain, else decoded into `room`.
    #[inline]
    pub fn decode<'r>(&self, room: &'r mut [u8; KEY_BYTES_MAX]) -> &'r [u8]
    where
        'b: 'r,
    {
        if !self.base64 {
            return self.raw.as_bytes();
        }
        let bytes = base64::decode(self.raw.as_bytes(), room).unwrap_or(0);
        debug_assert!(bytes > 0, "a MetaKey is only made of base64 that decodes");
        &room[..bytes]
    }
}

impl std::fmt::Debug for MetaKey<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}{}", self.raw, if self.base64 { " b" } else { "" })
    }
}
