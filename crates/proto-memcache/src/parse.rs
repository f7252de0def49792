//! Bytes to requests. The reference is memcached 1.6.18; the crate's documentation lists the differences.

mod classic;
mod meta;
mod number;

use memchr::memchr;

use crate::limits::{KEY_BYTES_MAX, Limits, Parsed};
use crate::request::{Fault, MetaKey, Recovery, Request, RequestError, WordIter, Words};

/// What [`parse_request`] gives.
pub type Parse<'b> = Result<Parsed<Request<'b>>, RequestError<'b>>;

/// Takes one request from the front of `buffer`.
///
/// Looks at nothing but `buffer`, so it gives the same requests and errors however the stream was split: a shorter
/// buffer either gives the same answer or [`Parsed::Incomplete`].
///
/// - **Cost**: one search for the line end and one for NUL, one pass over the words; no allocation, no UTF-8; a value
///   is not looked at. 20 ns for `get KEY`, 30 ns for twenty keys, 35 ns for `mg KEY v`, 50 ns for a `set` (an EPYC
///   with other load).
/// - **Errors**: the peer's fault, with the reply and how to go on. No byte is lost to one.
///
/// ```
/// use peerset_proto_memcache::{Limits, Parsed, Request, parse_request};
///
/// let buffer = b"set greeting 0 60 5\r\nhello\r\nget greeting\r\n";
/// let Ok(Parsed::Complete { value: Request::Store(store), consumed }) = parse_request(buffer, &Limits::default())
/// else { panic!() };
/// assert_eq!((store.key.as_bytes(), store.exptime, store.value), (&b"greeting"[..], 60, &b"hello"[..]));
/// assert_eq!(&buffer[consumed..], b"get greeting\r\n");
///
/// let missing = parse_request(&buffer[..consumed - 4], &Limits::default());
/// assert_eq!(missing, Ok(Parsed::Incomplete { bytes_min: 4 }));
/// ```
///
/// # Errors
/// See [`RequestError`].
#[inline]
pub fn parse_request<'b>(buffer: &'b [u8], limits: &Limits) -> Parse<'b> {
    let window = &buffer[..buffer.len().min(limits.line_bytes_max.saturating_add(1))];
    match memchr(b'\n', window) {
        Some(end) if buffer[0] != BINARY => Line::cut(buffer, end, limits).request(),
        _ => without_line_end(buffer, limits),
    }
}

/// The first byte of every request of the binary protocol, and of no text command.
const BINARY: u8 = 0x80;

/// More leading spaces than this do not hide a long multi-get, as in memcached.
const INDENT_BYTES_MAX: usize = 100;

#[cold]
fn without_line_end<'b>(buffer: &'b [u8], limits: &Limits) -> Parse<'b> {
    if buffer.first() == Some(&BINARY) {
        return Err(close(Fault::Binary));
    }
    if buffer.len() <= limits.line_bytes_max {
        return Ok(Parsed::Incomplete { bytes_min: 1 });
    }
    let indent = buffer.iter().take_while(|&&byte| byte == b' ').count();
    let multiget =
        [&b"get "[..], b"gets ", b"gat ", b"gats "].iter().any(|c| buffer[indent..].starts_with(c));
    if !multiget || indent > INDENT_BYTES_MAX {
        return Err(close(Fault::LineTooLong));
    }
    let window = &buffer[..buffer.len().min(limits.multiget_bytes_max.saturating_add(1))];
    match memchr(b'\n', window) {
        Some(end) => Line::cut(buffer, end, limits).request(),
        None if buffer.len() <= limits.multiget_bytes_max => Ok(Parsed::Incomplete { bytes_min: 1 }),
        None => Err(close(Fault::LineTooLong)),
    }
}

#[cold]
fn close(fault: Fault) -> RequestError<'static> {
    RequestError { fault, recovery: Recovery::Close, unlink: None, noreply: false }
}

/// A whole command line at the front of a buffer, and what may follow it.
#[derive(Clone, Copy)]
struct Line<'b, 'l> {
    /// Without its end.
    text: &'b [u8],
    /// With its end: where a value begins.
    bytes: usize,
    buffer: &'b [u8],
    limits: &'l Limits,
}

impl<'b, 'l> Line<'b, 'l> {
    #[inline]
    fn cut(buffer: &'b [u8], end: usize, limits: &'l Limits) -> Line<'b, 'l> {
        let text = match &buffer[..end] {
            // A lone `\r` is no line end to memcached but a word. The answer is the same.
            [text @ .., b'\r'] if !text.is_empty() => text,
            text => text,
        };
        let text = match memchr(0, text) {
            Some(nul) => &text[..nul],
            None => text,
        };
        Line { text, bytes: end + 1, buffer, limits }
    }

    #[inline]
    fn request(self) -> Parse<'b> {
        let mut words = WordIter::over(self.text);
        let command = words.next_short().unwrap_or_default();
        match command.len() {
            2 if command[0] == b'm' => match command[1] {
                b'g' => self.meta_get(words),
                b's' => self.meta_set(words),
                b'd' => self.meta_delete(words),
                b'a' => self.meta_arithmetic(words),
                b'n' => self.complete(Request::MetaNoop),
                b'e' => self.meta_debug(words),
                _ => Err(self.unknown()),
            },
            3 if command == b"get" => self.get(words, false),
            3 | 4 => self.request_of_4(command, words),
            _ => self.request_of_many(command, words),
        }
    }

    fn complete(&self, request: Request<'b>) -> Parse<'b> {
        Ok(Parsed::Complete { value: request, consumed: self.bytes })
    }

    /// The value of `value_bytes` behind this line: its request is complete once `\r\n` follows it.
    #[inline]
    fn value(&self, value_bytes: usize) -> Result<ValueOf<'b>, Fault> {
        let total = self.bytes + value_bytes + 2;
        let Some(rest) = self.buffer.get(self.bytes..total) else {
            return Ok(ValueOf::Missing { bytes: total - self.buffer.len() });
        };
        match rest {
            [value @ .., b'\r', b'\n'] => Ok(ValueOf::Here { value, consumed: total }),
            _ => Err(Fault::BadDataChunk),
        }
    }

    /// Checks the digits of a value's length. Too long for [`Limits`] is a different matter.
    fn value_bytes(word: &[u8]) -> Option<usize> {
        let bytes = number::i32(word)?;
        if bytes > i32::MAX - 2 { None } else { usize::try_from(bytes).ok() }
    }

    fn key_bytes_max(&self) -> usize {
        self.limits.key_bytes_max.min(KEY_BYTES_MAX)
    }

    #[cold]
    fn fail(&self, fault: Fault) -> RequestError<'b> {
        self.fail_with(Failure { fault, noreply: false, value_bytes: None, unlink: None })
    }

    #[cold]
    fn fail_quietly(&self, fault: Fault, noreply: bool) -> RequestError<'b> {
        self.fail_with(Failure { fault, noreply, value_bytes: None, unlink: None })
    }

    #[cold]
    fn fail_with(&self, failure: Failure<'b>) -> RequestError<'b> {
        let value_bytes = failure.value_bytes.map_or(0, |bytes| bytes as u64 + 2);
        RequestError {
            fault: failure.fault,
            recovery: Recovery::Skip { bytes: self.bytes as u64 + value_bytes },
            unlink: failure.unlink,
            noreply: failure.noreply,
        }
    }

    /// No such command, or HTTP.
    #[cold]
    fn unknown(&self) -> RequestError<'b> {
        let mut words = Words::of_line(self.text).iter();
        let first = words.next().unwrap_or_default();
        let last = words.last().unwrap_or(first);
        if last.starts_with(b"HTTP/") || first.eq_ignore_ascii_case(b"host:") {
            return close(Fault::Http);
        }
        self.fail(Fault::UnknownCommand)
    }
}

enum ValueOf<'b> {
    Here { value: &'b [u8], consumed: usize },
    Missing { bytes: usize },
}

struct Failure<'b> {
    fault: Fault,
    noreply: bool,
    /// Skip a value of this length too, with its `\r\n`.
    value_bytes: Option<usize>,
    unlink: Option<MetaKey<'b>>,
}

#[cfg(test)]
mod tests;
