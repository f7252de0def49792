//! Meta lines, written flag by flag.

use crate::limits::KEY_BYTES_MAX;
use crate::reply::MetaStatus;
use crate::request::{Key, KeyError, MetaFlag, MetaFlags};
use crate::{base64, digits};

/// A line of the meta protocol that is being appended to a buffer: a client's request or a server's reply.
///
/// Begins with the command or status, takes flags in the order of the calls, and must be finished with
/// [`end`](Self::end). Appends only; nothing else is allocated.
///
/// ```
/// use peerset_proto_memcache::MetaLine;
///
/// let mut out = Vec::new();
/// MetaLine::get(&mut out, b"greeting")?.flag(b'v').number(b'O', 7).end();
/// MetaLine::set(&mut out, b"two words", b"hello")?.signed(b'T', 60).end();
/// assert_eq!(out, b"mg greeting v O7\r\nms dHdvIHdvcmRz 5 b T60\r\nhello\r\n");
/// # Ok::<(), peerset_proto_memcache::request::KeyError>(())
/// ```
#[derive(Debug)]
#[must_use = "the line has no end before `end` is called"]
pub struct MetaLine<'o> {
    out: &'o mut Vec<u8>,
    value: Option<&'o [u8]>,
}

/// Requests. Any bytes can be a key: what is no plain key goes as base64 with the `b` flag.
impl<'o> MetaLine<'o> {
    /// Begins `mg`.
    ///
    /// # Errors
    /// This and the other requests: the key is empty, or longer than 250 bytes, encoded if it has to be. Nothing was
    /// appended.
    #[inline]
    pub fn get(out: &'o mut Vec<u8>, key: &[u8]) -> Result<MetaLine<'o>, KeyError> {
        MetaLine::request(out, b"mg ", key, None)
    }

    /// Begins `ms`; `end` appends the value.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[inline]
    pub fn set(out: &'o mut Vec<u8>, key: &[u8], value: &'o [u8]) -> Result<MetaLine<'o>, KeyError> {
        MetaLine::request(out, b"ms ", key, Some(value))
    }

    /// Begins `md`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[inline]
    pub fn delete(out: &'o mut Vec<u8>, key: &[u8]) -> Result<MetaLine<'o>, KeyError> {
        MetaLine::request(out, b"md ", key, None)
    }

    /// Begins `me`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[inline]
    pub fn debug(out: &'o mut Vec<u8>, key: &[u8]) -> Result<MetaLine<'o>, KeyError> {
        MetaLine::request(out, b"me ", key, None)
    }

    /// Begins `ma`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[inline]
    pub fn arithmetic(out: &'o mut Vec<u8>, key: &[u8]) -> Result<MetaLine<'o>, KeyError> {
        MetaLine::request(out, b"ma ", key, None)
    }

    #[inline]
    fn request(
        out: &'o mut Vec<u8>,
        command: &[u8; 3],
        key: &[u8],
        value: Option<&'o [u8]>,
    ) -> Result<MetaLine<'o>, KeyError> {
        let base64 = match Key::new(key) {
            Ok(_) => false,
            Err(KeyError::Control { .. }) if key.len().div_ceil(3) * 4 <= KEY_BYTES_MAX => true,
            Err(KeyError::Control { .. }) => {
                return Err(KeyError::TooLong { bytes: key.len().div_ceil(3) * 4 });
            }
            Err(error) => return Err(error),
        };
        out.extend_from_slice(command);
        if base64 {
            base64::encode(key, out);
        } else {
            out.extend_from_slice(key);
        }
        if let Some(value) = value {
            out.push(b' ');
            digits::push(out, value.len() as u64);
        }
        let line = MetaLine { out, value };
        Ok(if base64 { line.flag(b'b') } else { line })
    }
}

/// Replies.
impl<'o> MetaLine<'o> {
    /// Begins `HD`, `EN`, `NF`, `NS` or `EX`.
    #[inline]
    pub fn reply(out: &'o mut Vec<u8>, status: MetaStatus) -> MetaLine<'o> {
        out.extend_from_slice(status.word());
        MetaLine { out, value: None }
    }

    /// Begins `VA`; `end` appends the value.
    #[inline]
    pub fn reply_value(out: &'o mut Vec<u8>, value: &'o [u8]) -> MetaLine<'o> {
        let mut line = MetaLine::reply_value_header(out, value.len());
        line.value = Some(value);
        line
    }

    /// Begins `VA` for a value whose bytes, and the `\r\n` behind them, the caller appends after `end`.
    #[inline]
    pub fn reply_value_header(out: &'o mut Vec<u8>, value_bytes: usize) -> MetaLine<'o> {
        out.extend_from_slice(b"VA ");
        digits::push(out, value_bytes as u64);
        MetaLine { out, value: None }
    }

    /// Appends the `k` flag with a key as the item has it, in base64 and with `b` if the key came so.
    #[inline]
    pub fn key(self, key: &[u8], base64: bool) -> MetaLine<'o> {
        self.out.extend_from_slice(b" k");
        if base64 {
            base64::encode(key, self.out);
            self.out.extend_from_slice(b" b");
        } else {
            self.out.extend_from_slice(key);
        }
        self
    }
}

/// Flags.
impl<'o> MetaLine<'o> {
    /// Appends a flag without a token. The letter has to be one.
    #[inline]
    pub fn flag(self, letter: u8) -> MetaLine<'o> {
        debug_assert!(letter.is_ascii_alphabetic(), "flags are letters");
        self.out.extend_from_slice(&[b' ', letter]);
        self
    }

    /// Appends a flag with a number.
    #[inline]
    pub fn number(self, letter: u8, number: u64) -> MetaLine<'o> {
        let line = self.flag(letter);
        digits::push(line.out, number);
        line
    }

    /// Appends a flag with a number that may be negative: exptimes, the `t` of what never expires.
    #[inline]
    pub fn signed(self, letter: u8, number: i64) -> MetaLine<'o> {
        let line = self.flag(letter);
        digits::push_signed(line.out, number);
        line
    }

    /// Appends a flag with its token, say the opaque of a request.
    #[inline]
    pub fn copy(self, flag: MetaFlag<'_>) -> MetaLine<'o> {
        let line = self.flag(flag.letter);
        line.out.extend_from_slice(flag.token);
        line
    }

    /// Appends many flags as they were parsed.
    #[inline]
    pub fn copy_all(self, flags: MetaFlags<'_>) -> MetaLine<'o> {
        let flags = flags.as_words();
        if !flags.is_empty() {
            self.out.push(b' ');
            self.out.extend_from_slice(flags.as_bytes());
        }
        self
    }

    /// Ends the line, and appends the value if it was given.
    #[inline]
    pub fn end(self) {
        self.out.extend_from_slice(b"\r\n");
        if let Some(value) = self.value {
            self.out.extend_from_slice(value);
            self.out.extend_from_slice(b"\r\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_keys_go_as_base64_while_they_fit() {
        let mut out = Vec::new();
        MetaLine::get(&mut out, &[0; 186]).unwrap().end();
        assert_eq!(out.len(), b"mg  b\r\n".len() + 248);
        out.clear();
        assert_eq!(MetaLine::get(&mut out, &[0; 187]).unwrap_err(), KeyError::TooLong { bytes: 252 });
        assert_eq!(MetaLine::get(&mut out, &[b'k'; 251]).unwrap_err(), KeyError::TooLong { bytes: 251 });
        assert_eq!(MetaLine::get(&mut out, b"").unwrap_err(), KeyError::Empty);
        assert!(out.is_empty());
    }

    #[test]
    fn lines_are_written_in_the_order_of_the_calls() {
        let mut out = Vec::new();
        MetaLine::delete(&mut out, b"a").unwrap().flag(b'q').signed(b'T', -1).end();
        MetaLine::arithmetic(&mut out, b"a").unwrap().copy(MetaFlag::new(b'M', b"-").unwrap()).end();
        MetaLine::debug(&mut out, b"\0").unwrap().end();
        assert_eq!(out, b"md a q T-1\r\nma a M-\r\nme AA== b\r\n");
        out.clear();
        MetaLine::reply(&mut out, MetaStatus::NotFound).key(b"a", true).number(b'O', 1).end();
        MetaLine::reply_value(&mut out, b"xy").key(b"a", false).flag(b'W').end();
        MetaLine::reply_value_header(&mut out, 2).end();
        assert_eq!(out, b"NF kYQ== b O1\r\nVA 2 ka W\r\nxy\r\nVA 2\r\n");
        assert_eq!(MetaFlag::new(b'O', b"a b"), None);
        assert_eq!(MetaFlag::new(b'O', b"a\n"), None);
        assert_eq!(MetaFlag::new(b'\n', b""), None);
    }
}
