//! Replies, each to the request that has waited longest.

use std::sync::atomic::Ordering;
use std::time::Instant;

use peerset_client_memcache::health::Failure;
use peerset_proto_memcache::reply::encode;
use peerset_proto_memcache::{Parsed, Reply, ReplyError, parse_reply};

use super::trouble::Trouble;
use super::{Link, Replies, Upstream};
use crate::proxy::pending::{Fit, Kind};

/// A server that announces more than this is not one: memcached's largest item is a gigabyte.
const VALUE_SKIPPED_MAX: u64 = 1 << 30;

/// Why a connection ends on which replies no longer belong to requests.
const OUT_OF_STEP: &str = "it answered what it was not asked";

/// Whether more comes of the line that a reply belongs to, if it does to one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    GoesOn,
    Ends,
}

impl Upstream {
    /// Takes the whole replies at the front; how many bytes they were.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        now: Instant,
        desk: &mut impl Replies,
    ) -> Result<usize, Trouble> {
        let mut consumed = 0;
        if matches!(self.link, Link::Greeting(..)) {
            match self.hear_greeting(bytes, now)? {
                Some(count) => consumed = count,
                None => {
                    self.missing = 1;
                    return Ok(0);
                }
            }
        }
        while consumed < bytes.len() {
            let skip = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len() - consumed);
            self.skip -= skip as u64;
            consumed += skip;
            let rest = &bytes[consumed..];
            if rest.is_empty() {
                break;
            }
            let Some(first) = self.pending.front_mut() else {
                return Err(Trouble::new(Failure::Garbage, OUT_OF_STEP));
            };
            match parse_reply(rest, &self.limits) {
                Ok(Parsed::Incomplete { bytes_min }) => {
                    self.missing = bytes_min;
                    return Ok(consumed);
                }
                Ok(Parsed::Complete { value: reply, consumed: length }) => {
                    let fits = match first.kind.fit(&reply) {
                        Fit::Wrong => false,
                        Fit::More => self.take_part(&reply, &rest[..length], now, desk),
                        Fit::Last => {
                            if first.joined && !matches!(reply, Reply::End) {
                                self.rounds.keep_apart(true);
                            }
                            let mut fits = true;
                            while fits && self.pending.front().is_some_and(|first| first.joined) {
                                fits = self.complete(&reply, &rest[..length], Line::Ends, now, desk);
                            }
                            fits && self.complete(&reply, &rest[..length], Line::Ends, now, desk)
                        }
                    };
                    if !fits {
                        return Err(Trouble::new(Failure::Garbage, OUT_OF_STEP));
                    }
                    consumed += length;
                }
                Err(ReplyError::ValueTooLong { bytes: value, .. }) => {
                    consumed += self.pass_over_value(rest, value, now, desk)?;
                }
                Err(error) => {
                    return Err(Trouble::new(Failure::Garbage, format!("no reply of memcached: {error}")));
                }
            }
        }
        Ok(consumed)
    }

    /// Answers the request whose value is too large to be passed on with an error, and has the value skipped. Gives the
    /// length of the line before it.
    fn pass_over_value(
        &mut self,
        rest: &[u8],
        value: u64,
        now: Instant,
        desk: &mut impl Replies,
    ) -> Result<usize, Trouble> {
        let (Some(line), ..=VALUE_SKIPPED_MAX) = (memchr::memchr(b'\n', rest), value) else {
            return Err(Trouble::new(Failure::Garbage, format!("a value of {value} bytes")));
        };
        self.skip = value + b"\r\n".len() as u64;
        let text = format!("a value of {value} bytes is over the proxy's --max-item");
        let reply = Reply::ServerError(text.as_bytes());
        let bytes = format!("SERVER_ERROR {text}\r\n").into_bytes();
        // In a line of several clients' keys, those before the one of this value are not there.
        let key = rest.split(|&byte| byte == b' ').nth(1).unwrap_or_default();
        while let Some(first) = self.pending.front() {
            let is_its = match first.kind {
                Kind::Values => desk.spoil(first, key, &text),
                Kind::Read { answered } => !answered && self.asked.first(first.text) == key,
                _ => break,
            };
            if is_its {
                break;
            }
            // As for one that can be passed on: nobody is told of a miss if nobody asks for this.
            if first.text > 0 && self.readers_before(key).is_none() {
                return Err(Trouble::new(Failure::Garbage, OUT_OF_STEP));
            }
            if !first.joined || !self.complete(&Reply::End, encode::END, Line::GoesOn, now, desk) {
                return Err(Trouble::new(Failure::Garbage, OUT_OF_STEP));
            }
        }
        let Some(first) = self.pending.front_mut() else {
            return Err(Trouble::new(Failure::Garbage, OUT_OF_STEP));
        };
        match first.kind {
            Kind::Values => {}
            Kind::Quiet { .. } => {
                first.kind.fit(&reply);
                desk.part(first, &reply, &bytes);
            }
            _ => {
                self.complete(&reply, &bytes, Line::GoesOn, now, desk);
            }
        }
        Ok(line + 1)
    }

    /// A value of several, or the reply before a `MN`. False if it belongs to nothing that was asked.
    fn take_part(&mut self, reply: &Reply<'_>, bytes: &[u8], now: Instant, desk: &mut impl Replies) -> bool {
        if self.offer(reply, bytes, now, desk) {
            return true;
        }
        let mut passed = match (reply, self.pending.front()) {
            // Nobody is told of a miss before it is known that the server keeps to what it was asked.
            (Reply::Value(value), Some(first)) if first.text > 0 => {
                let Some(passed) = self.readers_before(value.key.as_bytes()) else { return false };
                passed
            }
            _ => 1,
        };
        loop {
            // It is of another client's keys, so there are no more of this one's.
            let is_joined = self.pending.front().is_some_and(|first| first.joined);
            if !is_joined || !self.complete(&Reply::End, encode::END, Line::GoesOn, now, desk) {
                return false;
            }
            passed = passed.saturating_sub(1);
            if passed == 0 && self.offer(reply, bytes, now, desk) {
                return true;
            }
        }
    }

    /// Gives a part to the first who waits. False if it is not for them.
    #[inline]
    fn offer(&mut self, reply: &Reply<'_>, bytes: &[u8], now: Instant, desk: &mut impl Replies) -> bool {
        let Some(first) = self.pending.front() else { return false };
        match (first.kind, reply) {
            (Kind::Read { answered }, Reply::Value(value)) => {
                !answered
                    && self.asked.first(first.text) == value.key.as_bytes()
                    && self.complete(reply, bytes, Line::GoesOn, now, desk)
            }
            _ => {
                let fits = desk.part(first, reply, bytes);
                self.values += u32::from(fits);
                fits
            }
        }
    }

    /// How many of those who read the present line come before the next after the first that asks for this key; none if
    /// nobody does.
    fn readers_before(&self, key: &[u8]) -> Option<usize> {
        let mut texts = self.asked.texts();
        for (at, reader) in self.pending.iter().enumerate() {
            let (text, rest) = texts.split_at_checked(reader.text as usize)?;
            texts = rest;
            // The first has not taken it. Looking through its keys for each value would take long where they are many.
            if at > 0 && text.split(|&byte| byte == b' ').any(|word| word == key) {
                return Some(at);
            }
            if !reader.joined {
                break;
            }
        }
        None
    }

    /// The last or only reply to the first request that waits. False if it cannot belong to it.
    #[inline]
    fn complete(
        &mut self,
        reply: &Reply<'_>,
        bytes: &[u8],
        line: Line,
        now: Instant,
        desk: &mut impl Replies,
    ) -> bool {
        let Some(first) = self.pending.front_mut() else { return false };
        if !first.is_answered() {
            if !desk.last(first, reply, bytes) {
                return false;
            }
            if let (Kind::Hit { .. }, Reply::Meta(meta)) = (first.kind, reply)
                && meta.won()
            {
                // Items become stale here, and this reading has taken what only one may have.
                self.settings.stale_in_use.store(true, Ordering::Relaxed);
            }
            self.counters.observe(first, reply, std::mem::take(&mut self.values), now);
            self.unproven = None;
            self.health.succeeded();
            if let (Kind::Read { answered }, Line::GoesOn, false) = (&mut first.kind, line, first.joined) {
                // Its place is kept for the end of the line.
                *answered = true;
                return true;
            }
        }
        self.asked.pass(first.text);
        self.pending.pop_front();
        true
    }
}
