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
                        Fit::More => {
                            let fits = desk.part(first, &reply, &rest[..length]);
                            self.values += u32::from(fits);
                            if !fits && first.joined {
                                // It is of the next client's keys, so there are no more of this one's.
                                self.complete(&Reply::End, encode::END, now, desk);
                                continue;
                            }
                            fits
                        }
                        Fit::Last => {
                            let mut fits = true;
                            while fits && self.pending.front().is_some_and(|first| first.joined) {
                                fits = self.complete(&reply, &rest[..length], now, desk);
                            }
                            fits && self.complete(&reply, &rest[..length], now, desk)
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
        while let Some(first) = self.pending.front()
            && first.kind == Kind::Values
            && !desk.spoil(first, key, &text)
        {
            if !first.joined || !self.complete(&Reply::End, encode::END, now, desk) {
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
                self.complete(&reply, &bytes, now, desk);
            }
        }
        Ok(line + 1)
    }

    /// The last or only reply to the first request that waits. False if it cannot belong to it.
    #[inline]
    fn complete(&mut self, reply: &Reply<'_>, bytes: &[u8], now: Instant, desk: &mut impl Replies) -> bool {
        let Some(first) = self.pending.front() else { return false };
        let fits = desk.last(first, reply, bytes);
        if fits {
            if let (Kind::Hit { .. }, Reply::Meta(meta)) = (first.kind, reply)
                && meta.won()
            {
                // Items become stale here, and this reading has taken what only one may have.
                self.settings.stale_in_use.store(true, Ordering::Relaxed);
            }
            self.counters.observe(first, reply, std::mem::take(&mut self.values), now);
            self.pending.pop_front();
            self.unproven = None;
            self.health.succeeded();
        }
        fits
    }
}
