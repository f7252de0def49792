//! Bytes to replies.

use memchr::memchr;

use super::meta::number;
use super::{Config, MetaReply, MetaStatus, Reply, ReplyError, Value};
use crate::limits::{Limits, Parsed};
use crate::request::{Key, MetaFlags, WordIter, Words};

/// Takes one reply, or one part of one, from the front of `buffer`.
///
/// Needs not know the request: no two replies look alike. Gives the same however the stream was split.
///
/// - **Strict** where the request parser is lenient: lines end with `\r\n`, numbers are digits. Garbage here means that
///   the two ends are out of step, and going on could hand one caller another one's value.
/// - **Cost**: one search for the line end, one pass over its words; no allocation; values are not looked at.
///
/// ```
/// use peerset_proto_memcache::{Limits, Parsed, parse_reply, reply::Reply};
///
/// let buffer = b"VA 5 f30 c9 W\r\nhello\r\n";
/// let Ok(Parsed::Complete { value: Reply::Meta(hit), consumed: 22 }) = parse_reply(buffer, &Limits::default())
/// else { panic!() };
/// assert_eq!((hit.value, hit.client_flags(), hit.cas(), hit.won()), (Some(&b"hello"[..]), Some(30), Some(9), true));
/// ```
///
/// # Errors
/// The server's fault; the connection has to be closed. See [`ReplyError`].
pub fn parse_reply<'b>(buffer: &'b [u8], limits: &Limits) -> Result<Parsed<Reply<'b>>, ReplyError> {
    let window = &buffer[..buffer.len().min(limits.line_bytes_max.saturating_add(1))];
    let Some(end) = memchr(b'\n', window) else {
        if buffer.len() > limits.line_bytes_max {
            return Err(ReplyError::LineTooLong { bytes_max: limits.line_bytes_max });
        }
        return Ok(Parsed::Incomplete { bytes_min: 1 });
    };
    let Some(text) = buffer[..end].strip_suffix(b"\r") else {
        return Err(ReplyError::Line { at: end });
    };
    if let Some(at) = memchr(0, text) {
        return Err(ReplyError::Line { at });
    }
    Line { text, bytes: end + 1, buffer, limits }.reply()
}

struct Line<'b, 'l> {
    /// Without its end.
    text: &'b [u8],
    /// With its end.
    bytes: usize,
    buffer: &'b [u8],
    limits: &'l Limits,
}

type Replied<'b> = Result<Parsed<Reply<'b>>, ReplyError>;

impl<'b> Line<'b, '_> {
    fn reply(self) -> Replied<'b> {
        let mut words = WordIter::over(self.text);
        let word = match self.text {
            [b' ', ..] | [] => return Err(ReplyError::Unknown),
            _ => words.next_short().unwrap_or_default(),
        };
        // Texts begin after exactly one space, so that writing them back gives the same line.
        let rest = words.rest().strip_prefix(b" ");
        let text = rest.unwrap_or_default();
        let bare = words.rest().is_empty();
        match word {
            b"VA" => return self.meta_value(words),
            b"HD" => return self.meta(MetaStatus::Done, words),
            b"EN" => return self.meta(MetaStatus::Miss, words),
            b"NF" => return self.meta(MetaStatus::NotFound, words),
            b"NS" => return self.meta(MetaStatus::NotStored, words),
            b"EX" => return self.meta(MetaStatus::Exists, words),
            b"VALUE" => return self.value(words),
            b"CONFIG" => return self.config(words),
            b"STAT" => return self.stat(text),
            b"ME" => return self.meta_debug(words),
            _ => {}
        }
        let reply = match word {
            b"END" if bare => Reply::End,
            b"STORED" if bare => Reply::Stored,
            b"NOT_STORED" if bare => Reply::NotStored,
            b"EXISTS" if bare => Reply::Exists,
            b"NOT_FOUND" if bare => Reply::NotFound,
            b"DELETED" if bare => Reply::Deleted,
            b"TOUCHED" if bare => Reply::Touched,
            b"OK" if bare => Reply::Ok,
            b"RESET" if bare => Reply::Reset,
            b"MN" if bare => Reply::MetaNoop,
            b"VERSION" => Reply::Version(text),
            b"CLIENT_ERROR" => Reply::ClientError(text),
            b"SERVER_ERROR" => Reply::ServerError(text),
            _ if word.starts_with(b"ERROR") => Reply::Error(&self.text[b"ERROR".len()..]),
            [b'0'..=b'9', ..] => Reply::Number(number(word).ok_or(ReplyError::Word { word: 0 })?),
            _ if REFUSALS.contains(&word) => Reply::Refused { word, text: Words::of_line(text) },
            _ => return Err(ReplyError::Unknown),
        };
        Ok(Parsed::Complete { value: reply, consumed: self.bytes })
    }

    fn value(self, mut words: WordIter<'b>) -> Replied<'b> {
        let key = self.key(words.next(), 1)?;
        let flags = numbered(words.next(), 2)?;
        let flags = u32::try_from(flags).map_err(|_| ReplyError::Word { word: 2 })?;
        let bytes = numbered(words.next(), 3)?;
        let cas = match words.next() {
            None => None,
            cas => Some(numbered(cas, 4)?),
        };
        self.with_block(bytes, b"\r\n", |value| Reply::Value(Value { key, flags, value, cas }))
    }

    fn meta_value(self, mut words: WordIter<'b>) -> Replied<'b> {
        let bytes = numbered(words.next(), 1)?;
        let flags = MetaFlags::of_line(Words::of_line(words.rest()));
        self.with_block(bytes, b"\r\n", |value| {
            Reply::Meta(MetaReply { status: MetaStatus::Done, value: Some(value), flags })
        })
    }

    fn meta(self, status: MetaStatus, words: WordIter<'b>) -> Replied<'b> {
        let flags = MetaFlags::of_line(Words::of_line(words.rest()));
        let reply = Reply::Meta(MetaReply { status, value: None, flags });
        Ok(Parsed::Complete { value: reply, consumed: self.bytes })
    }

    fn meta_debug(self, mut words: WordIter<'b>) -> Replied<'b> {
        let key = self.key(words.next(), 1)?;
        let text = Words::of_line(words.rest()).as_bytes();
        Ok(Parsed::Complete { value: Reply::MetaDebug { key, text }, consumed: self.bytes })
    }

    fn stat(self, text: &'b [u8]) -> Replied<'b> {
        let (name, value) = match memchr(b' ', text) {
            Some(at) => (&text[..at], &text[at + 1..]),
            None => (text, &b""[..]),
        };
        if name.is_empty() {
            return Err(ReplyError::Word { word: 1 });
        }
        Ok(Parsed::Complete { value: Reply::Stat { name, value }, consumed: self.bytes })
    }

    fn config(self, mut words: WordIter<'b>) -> Replied<'b> {
        let name = self.key(words.next(), 1)?;
        let flags = numbered(words.next(), 2)?;
        let flags = u32::try_from(flags).map_err(|_| ReplyError::Word { word: 2 })?;
        let bytes = numbered(words.next(), 3)?;
        self.with_block(bytes, b"\r\nEND\r\n", |payload| Reply::Config(Config { name, flags, payload }))
    }

    /// The reply with a block of `bytes` behind this line, once all of it and what ends it is there.
    fn with_block(self, bytes: u64, end: &[u8], reply: impl FnOnce(&'b [u8]) -> Reply<'b>) -> Replied<'b> {
        let bytes_max = self.limits.value_bytes_max;
        let Some(len) = usize::try_from(bytes).ok().filter(|len| *len <= bytes_max) else {
            return Err(ReplyError::ValueTooLong { bytes, bytes_max });
        };
        let total = self.bytes + len + end.len();
        let Some(block) = self.buffer.get(self.bytes..total) else {
            return Ok(Parsed::Incomplete { bytes_min: total - self.buffer.len() });
        };
        match block.strip_suffix(end) {
            Some(value) => Ok(Parsed::Complete { value: reply(value), consumed: total }),
            None => Err(ReplyError::ValueEnd { at: self.bytes + len }),
        }
    }

    fn key(&self, word: Option<&'b [u8]>, at: usize) -> Result<Key<'b>, ReplyError> {
        match word {
            Some(key) if key.len() <= self.limits.key_bytes_max => Ok(Key::of_line(key)),
            _ => Err(ReplyError::Word { word: at }),
        }
    }
}

fn numbered(word: Option<&[u8]>, at: usize) -> Result<u64, ReplyError> {
    word.and_then(number).ok_or(ReplyError::Word { word: at })
}

/// How `slabs`, `lru_crawler`, `cache_memlimit` and `watch` say no.
const REFUSALS: &[&[u8]] = &[
    b"BUSY",
    b"BADCLASS",
    b"NOSPARE",
    b"NOTFULL",
    b"UNSAFE",
    b"SAME",
    b"NOTSTARTED",
    b"MEMLIMIT_TOO_SMALL",
    b"MEMLIMIT_ADJUST_FAILED",
    b"WATCHER_TOO_MANY",
    b"WATCHER_FAILED",
];

#[cfg(test)]
mod tests;
