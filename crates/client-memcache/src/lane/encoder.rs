//! Requests to bytes, as the server at the other end takes them.

use std::time::{Duration, SystemTime};

use peerset_cluster::Endpoint;
use peerset_proto_memcache::request::KeyError;
use peerset_proto_memcache::{KEY_BYTES_MAX, base64};

use super::Expect;
use crate::error::Error;
use crate::expiry::{Expiry, unix};
use crate::key::{Key, KeyMark, base64_len};

/// What can be written to a lane: one request with one answer.
pub(crate) trait Request {
    /// Appends the request and says what its reply looks like.
    ///
    /// # Errors
    /// The caller's, and then what was appended is taken away again.
    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<Expect, Error>;

    /// About how long it will be, for bounds.
    fn bytes(&self) -> usize;

    /// Whether it takes so long that others are not to wait behind it, if there is another connection.
    fn is_bulky(&self) -> bool {
        self.bytes() > BULKY_BYTES_MIN
    }
}

/// Some microseconds of copying.
const BULKY_BYTES_MIN: usize = 16 * 1024;

/// Where a request is appended, and what has to be known for that.
pub(crate) struct Encoder<'o> {
    pub(crate) out: &'o mut Vec<u8>,
    /// Meta commands are known.
    pub(crate) meta: bool,
    pub(crate) prefix: &'o [u8],
    pub(crate) endpoint: &'o Endpoint,
    pub(crate) value_bytes_max: usize,
}

impl Encoder<'_> {
    /// Appends text.
    #[inline]
    pub(crate) fn text(&mut self, text: &[u8]) -> &mut Self {
        self.out.extend_from_slice(text);
        self
    }

    /// Appends a letter and a number, with a space before them: a flag of a meta command.
    #[inline]
    pub(crate) fn flag(&mut self, letter: u8, number: impl itoa::Integer) -> &mut Self {
        self.out.extend_from_slice(&[b' ', letter]);
        self.digits(number)
    }

    /// Appends a number with a space before it.
    #[inline]
    pub(crate) fn number(&mut self, number: impl itoa::Integer) -> &mut Self {
        self.out.push(b' ');
        self.digits(number)
    }

    #[inline]
    fn digits(&mut self, number: impl itoa::Integer) -> &mut Self {
        self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        self
    }

    /// Appends a command with its key, and gives the mark of the key as it stands there.
    ///
    /// # Errors
    /// The key with its prefix is too long, or needs meta commands and there are none.
    #[inline]
    pub(crate) fn key(&mut self, command: &[u8], key: Key<'_>) -> Result<KeyMark, Error> {
        let start = self.out.len() + command.len();
        self.unmarked_key(command, key)?;
        Ok(KeyMark::of(&self.out[start..]))
    }

    /// Appends a command with its key.
    ///
    /// # Errors
    /// As [`key`](Self::key).
    #[inline]
    pub(crate) fn unmarked_key(&mut self, command: &[u8], key: Key<'_>) -> Result<(), Error> {
        let bytes = self.prefix.len() + key.as_bytes().len();
        if key.is_encoded() {
            return self.encoded_key(command, key, base64_len(bytes));
        }
        if bytes > KEY_BYTES_MAX {
            return Err(Error::Key(KeyError::TooLong { bytes }));
        }
        self.out.reserve(command.len() + bytes);
        self.out.extend_from_slice(command);
        self.out.extend_from_slice(self.prefix);
        self.out.extend_from_slice(key.as_bytes());
        Ok(())
    }

    #[cold]
    fn encoded_key(&mut self, command: &[u8], key: Key<'_>, bytes: usize) -> Result<(), Error> {
        self.needs_meta("a binary key")?;
        if bytes > KEY_BYTES_MAX {
            return Err(Error::Key(KeyError::TooLong { bytes }));
        }
        self.out.extend_from_slice(command);
        base64::encode(&[self.prefix, key.as_bytes()].concat(), self.out);
        Ok(())
    }

    /// Appends the flag that says so if the key went as base64.
    #[inline]
    pub(crate) fn encoded(&mut self, key: Key<'_>) -> &mut Self {
        if key.is_encoded() { self.text(b" b") } else { self }
    }

    /// Appends the end of the line and a value.
    #[inline]
    pub(crate) fn value(&mut self, value: &[u8]) {
        self.text(b"\r\n").text(value).text(b"\r\n");
    }

    /// Checks a value before anything of it is appended.
    pub(crate) fn fits(&self, value: &[u8]) -> Result<(), Error> {
        match value.len() <= self.value_bytes_max {
            true => Ok(()),
            false => Err(Error::ValueTooLong { bytes: value.len(), bytes_max: self.value_bytes_max }),
        }
    }

    /// Refuses what classic commands cannot say.
    pub(crate) fn needs_meta(&self, what: &'static str) -> Result<(), Error> {
        match self.meta {
            true => Ok(()),
            false => Err(Error::NotSupported { endpoint: self.endpoint.clone(), what }),
        }
    }
}

/// An expiry, and what a route shortens it to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Life {
    pub(crate) expiry: Expiry,
    pub(crate) at_most: Option<Duration>,
}

impl Life {
    /// The number that memcached reads.
    #[inline]
    pub(crate) fn exptime(self) -> i32 {
        if self.expiry == Expiry::Never && self.at_most.is_none() {
            return 0;
        }
        let now = unix(SystemTime::now());
        let exptime = self.expiry.exptime(now);
        match self.at_most {
            None => exptime,
            Some(at_most) => {
                let shortened = peerset_route::shorten(i64::from(exptime), at_most, now as i64);
                i32::try_from(shortened).unwrap_or(i32::MAX)
            }
        }
    }
}
