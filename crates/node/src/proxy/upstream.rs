//! One worker's connection to one server.
//!
//! Requests of all clients of the worker are appended to one buffer, sent with one write a turn; replies are matched by
//! order. Nothing is sent to a server that is known to be down: the [`Health`] of the connection decides, and a lone
//! `version` has to be answered before a server that failed is used again.
//!
//! - **Bounds**: requests and bytes that wait by the pool's `queue`; one reply by the largest item.
//! - **A hung server** fails everything that waits for it once, when the first of it is overdue, and is down then.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use mio::{Registry, Token};
use peerset_client_memcache::handshake::{Handshake, Progress};
use peerset_client_memcache::health::{Admission, Failure, Health};
use peerset_proto_memcache::reply::encode;
use peerset_proto_memcache::{Limits, Parsed, Reply, ReplyError, parse_reply};
use peerset_route::Answer;

use super::counters::ServerCounters;
use super::desk::failure_text;
use super::pending::{Fit, Kind, Pending};
use super::pool::{Server, Settings};
use super::translate;
use super::wire::Wire;
use crate::front::TOKENS_OWN;

/// Takes what servers answer.
pub(super) trait Replies {
    /// A value of several, or the reply before a `MN`. False if it cannot belong to this request.
    fn part(&mut self, pending: &Pending, reply: &Reply<'_>, bytes: &[u8]) -> bool;

    /// The value of a key cannot be passed on: the whole reply becomes an error. False if this request does not ask for
    /// that key.
    fn spoil(&mut self, pending: &Pending, key: &[u8], text: &str) -> bool;

    /// The last or only reply. False if it cannot belong to this request.
    fn last(&mut self, pending: &Pending, reply: &Reply<'_>, bytes: &[u8]) -> bool;

    /// There will be no reply.
    fn failed(&mut self, pending: Pending, server: &Server, settings: &Settings, why: Answer);
}

pub(super) struct Upstream {
    pub(super) server: Arc<Server>,
    pub(super) counters: Arc<ServerCounters>,
    settings: Arc<Settings>,
    limits: Limits,
    token: Token,
    link: Link,
    /// Whether the server speaks meta, as it said when the connection was made.
    meta: bool,
    /// Bytes to send, from `sent` on.
    output: Vec<u8>,
    sent: usize,
    /// The last line of the output, if more keys may join it.
    line: Option<Line>,
    writable_watched: bool,
    /// Replies that have arrived in part.
    input: Vec<u8>,
    /// Bytes still missing before it is worth looking at `input` again.
    missing: usize,
    /// Bytes to come of a value that is too large to be passed on.
    skip: u64,
    pending: VecDeque<Pending>,
    /// When something last came from the server.
    heard: Instant,
    /// Addresses of the server that were found not to work; the next one is used, round and round.
    passed_over: usize,
    /// Those of them that were tried since the last connection that stood.
    refused: usize,
    /// Values that have come for the first that waits.
    values: u32,
    health: Health,
    /// Has to be sent to in this turn.
    pub(super) queued: bool,
    /// The server left its pool; the connection goes when nothing waits for it.
    pub(super) departing: bool,
}

/// A line of several keys that has not been sent.
#[derive(Clone, Copy)]
struct Line {
    /// Where it begins in the output.
    start: usize,
    end: usize,
    cas: bool,
}

enum Link {
    Closed,
    /// Until the given moment.
    Connecting(Wire, Instant),
    Greeting(Wire, Handshake, Instant),
    Open(Wire),
}

/// Keys join a line up to about so many bytes.
const LINE_BYTES_MAX: usize = 8 * 1024;

/// A server that announces more than this is not one: memcached's largest item is a gigabyte.
const VALUE_SKIPPED_MAX: u64 = 1 << 30;

/// Output buffers that grew beyond this are given back when they are empty.
const OUTPUT_RETAINED: usize = 256 * 1024;

/// Why a request is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Down,
    Overloaded,
}

impl Upstream {
    pub(super) fn new(
        server: Arc<Server>,
        settings: Arc<Settings>,
        counters: Arc<ServerCounters>,
        limits: Limits,
        number: usize,
        seed: u64,
        now: Instant,
    ) -> Upstream {
        Upstream {
            health: Health::new(settings.server.health.clone(), seed),
            server,
            counters,
            settings,
            limits,
            token: Token(TOKENS_OWN + number),
            link: Link::Closed,
            meta: false,
            output: Vec::new(),
            sent: 0,
            line: None,
            writable_watched: false,
            input: Vec::new(),
            missing: 1,
            skip: 0,
            pending: VecDeque::new(),
            heard: now,
            passed_over: 0,
            refused: 0,
            values: 0,
            queued: false,
            departing: false,
        }
    }

    /// Whether the server answered the greeting of this connection, or cannot be expected to soon.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.link, Link::Open(_)) || self.health.is_ejected()
    }

    pub(super) fn is_busy(&self) -> bool {
        !self.pending.is_empty() || matches!(self.link, Link::Connecting(..) | Link::Greeting(..))
    }

    /// When it has to be looked at again if nothing happens; none if never.
    pub(super) fn wake_at(&self, now: Instant) -> Option<Instant> {
        match &self.link {
            Link::Closed if self.departing => None,
            Link::Closed => Some(self.health.ejected_until().unwrap_or(now)),
            Link::Open(_) if self.pending.is_empty() => None,
            _ => Some(now),
        }
    }

    /// That it is down, for people.
    pub(super) fn down_text(&self) -> String {
        failure_text(&self.server, &self.settings, Answer::Down)
    }

    /// Bytes that the pool puts before keys.
    #[inline]
    pub(super) fn prefix_bytes(&self) -> usize {
        self.settings.server.prefix.len()
    }

    /// Whether single reads may be asked as `mg`.
    pub(super) fn speaks_meta(&self) -> bool {
        self.meta
    }

    /// Whether a request would be taken.
    #[inline]
    pub(super) fn admit(&mut self, registry: &Registry, now: Instant) -> Result<(), Refused> {
        if !matches!(self.link, Link::Open(_)) {
            match self.health.admits(now) {
                Admission::Ask if matches!(self.link, Link::Closed) => {
                    if !self.open(registry, now) {
                        return Err(Refused::Down);
                    }
                }
                Admission::Ask => {}
                Admission::Probe => {
                    self.open(registry, now);
                    return Err(Refused::Down);
                }
                Admission::Refuse { .. } => return Err(Refused::Down),
            }
        }
        let queued = self.output.len() - self.sent;
        if self.pending.len() >= self.settings.server.queue_requests_max
            || queued >= self.settings.server.queue_bytes_max
        {
            self.counters.overloads.add(1);
            return Err(Refused::Overloaded);
        }
        Ok(())
    }

    /// Where a request that was [admitted](Self::admit) is written, and what is put before its key;
    /// [`expect`](Self::expect) has to follow.
    #[inline]
    pub(super) fn output(&mut self) -> (&mut Vec<u8>, &[u8]) {
        (&mut self.output, &self.settings.server.prefix)
    }

    /// Opens the line of several keys again that was written last, so that keys of another client join it: one command
    /// is answered with one system call. Only while nothing was written after it, nor sent of it.
    pub(super) fn join(&mut self, cas: bool, touches: bool) -> bool {
        let joins = self.line.is_some_and(|line| {
            line.cas == cas && line.end == self.output.len() && line.end - line.start < LINE_BYTES_MAX
        }) && !touches;
        if joins && let Some(last) = self.pending.back_mut() {
            last.joined = true;
            self.output.truncate(self.output.len() - translate::LINE_END.len());
            return true;
        }
        let start = self.output.len();
        self.line = (!touches).then_some(Line { start, end: start, cas });
        false
    }

    /// Tells that what was written is the line of several keys that [`join`](Self::join) opened.
    pub(super) fn joined(&mut self) {
        let end = self.output.len();
        if let Some(line) = &mut self.line {
            line.end = end;
        }
    }

    /// Remembers what was written.
    #[inline]
    pub(super) fn expect(&mut self, pending: Pending) {
        self.counters.requests.add(1);
        self.pending.push_back(pending);
    }

    /// Connects if that is due, and gives up what is overdue.
    pub(super) fn maintain(&mut self, registry: &Registry, now: Instant, desk: &mut impl Replies) {
        match &self.link {
            Link::Closed
                if !self.departing && !matches!(self.health.admits(now), Admission::Refuse { .. }) =>
            {
                self.open(registry, now);
            }
            Link::Connecting(_, until) | Link::Greeting(_, _, until) if now >= *until => {
                self.fail(Failure::ConnectTimeout, now, desk);
            }
            Link::Open(_) => {
                let limit = self.settings.server.request_timeout;
                // What moves is slow and not hung: only silence counts.
                let silent = |first: &Pending| now.duration_since(first.since.max(self.heard)) >= limit;
                if self.pending.front().is_some_and(silent) {
                    self.fail(Failure::Timeout, now, desk);
                }
            }
            _ => {}
        }
        self.report();
    }

    /// Connects for the first time.
    pub(super) fn connect(&mut self, registry: &Registry, now: Instant) {
        self.open(registry, now);
    }

    /// False if not even that is possible; health knows then.
    fn open(&mut self, registry: &Registry, now: Instant) -> bool {
        let opened = Wire::connect(&self.server, self.passed_over, &self.settings).and_then(|mut wire| {
            wire.register(registry, self.token)?;
            Ok(wire)
        });
        match opened {
            Ok(wire) => {
                self.counters.connects.add(1);
                self.link = Link::Connecting(wire, now + self.settings.server.connect_timeout);
                self.writable_watched = true;
                true
            }
            Err(error) => {
                tracing::debug!(server = %self.server.label, %error, "cannot connect");
                if self.has_another_address() {
                    return self.open(registry, now);
                }
                self.settle(Failure::Connect, now);
                false
            }
        }
    }

    /// Whether the server has an address that was not tried since it was last connected to; it is the next.
    fn has_another_address(&mut self) -> bool {
        self.refused += 1;
        self.passed_over += 1;
        if self.refused < self.server.address_count() {
            return true;
        }
        self.refused = 0;
        false
    }

    /// The poller reported something.
    pub(super) fn ready(
        &mut self,
        registry: &Registry,
        read_closed: bool,
        scratch: &mut [u8],
        now: Instant,
        desk: &mut impl Replies,
    ) {
        if let Err(failure) = self.try_ready(registry, read_closed, scratch, now, desk) {
            let connecting = matches!(self.link, Link::Connecting(..));
            if connecting && failure == Failure::Connect && self.has_another_address() {
                self.link = Link::Closed;
                self.open(registry, now);
            } else {
                self.fail(failure, now, desk);
            }
        }
        self.report();
    }

    fn try_ready(
        &mut self,
        registry: &Registry,
        read_closed: bool,
        scratch: &mut [u8],
        now: Instant,
        desk: &mut impl Replies,
    ) -> Result<(), Failure> {
        if let Link::Connecting(wire, _) = &mut self.link {
            match wire.is_connected() {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => {
                    tracing::debug!(server = %self.server.label, %error, "cannot connect");
                    return Err(Failure::Connect);
                }
            }
            self.greet();
            self.queued = true;
        }
        if self.writable_watched {
            self.send(registry)?;
        }
        self.receive(read_closed, scratch, now, desk)?;
        // Reading may have ended a handshake that held up what is to be sent.
        if self.writable_watched { Ok(()) } else { self.send(registry) }
    }

    /// Says the first words, before all requests that wait already.
    fn greet(&mut self) {
        let Link::Connecting(wire, until) = std::mem::replace(&mut self.link, Link::Closed) else { return };
        let handshake = Handshake::new(self.settings.server.auth.as_ref());
        debug_assert_eq!(self.sent, 0, "nothing is sent before the connection stands");
        self.line = None;
        self.output.splice(0..0, handshake.output().iter().copied());
        self.link = Link::Greeting(wire, handshake, until);
    }

    /// Sends what there is, as far as the socket takes it.
    pub(super) fn flush(&mut self, registry: &Registry, now: Instant, desk: &mut impl Replies) {
        self.queued = false;
        if let Err(failure) = self.send(registry) {
            self.fail(failure, now, desk);
        }
    }

    fn send(&mut self, registry: &Registry) -> Result<(), Failure> {
        let (Link::Greeting(wire, ..) | Link::Open(wire)) = &mut self.link else { return Ok(()) };
        self.line = None;
        while self.sent < self.output.len() {
            match wire.write(&self.output[self.sent..]) {
                Ok(0) => return Err(Failure::Lost),
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => {
                    tracing::debug!(server = %self.server.label, %error, "a connection failed");
                    return Err(Failure::Lost);
                }
            }
        }
        if self.sent == self.output.len() {
            self.sent = 0;
            self.output.clear();
            if self.output.capacity() > OUTPUT_RETAINED {
                self.output = Vec::new();
            }
        } else if self.sent > OUTPUT_RETAINED {
            self.output.drain(..self.sent);
            self.sent = 0;
        }
        let watch = !self.output.is_empty() || wire.wants_write();
        if watch != self.writable_watched {
            wire.watch_writable(registry, self.token, watch).map_err(|_| Failure::Lost)?;
            self.writable_watched = watch;
        }
        Ok(())
    }

    /// Reads all there is: readiness is reported once only, and no more can come than was asked for. A short read has
    /// emptied the socket, but the end of the input may be behind it.
    fn receive(
        &mut self,
        read_closed: bool,
        scratch: &mut [u8],
        now: Instant,
        desk: &mut impl Replies,
    ) -> Result<(), Failure> {
        loop {
            let (Link::Greeting(wire, ..) | Link::Open(wire)) = &mut self.link else { return Ok(()) };
            let count = match wire.read(scratch) {
                Ok(0) => return Err(Failure::Lost),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    tracing::debug!(server = %self.server.label, %error, "a connection failed");
                    return Err(Failure::Lost);
                }
            };
            self.heard = now;
            let bytes = &scratch[..count];
            if self.input.is_empty() {
                let consumed = self.take(bytes, now, desk)?;
                self.input.extend_from_slice(&bytes[consumed..]);
            } else {
                self.input.extend_from_slice(bytes);
                if count < self.missing {
                    self.missing -= count;
                } else {
                    let mut input = std::mem::take(&mut self.input);
                    let consumed = self.take(&input, now, desk)?;
                    if consumed == input.len() && input.capacity() <= OUTPUT_RETAINED {
                        input.clear();
                        self.input = input;
                    } else {
                        self.input.extend_from_slice(&input[consumed..]);
                    }
                }
            }
            let layered =
                matches!(&self.link, Link::Greeting(wire, ..) | Link::Open(wire) if wire.is_layered());
            if count < scratch.len() && !read_closed && !layered {
                return Ok(());
            }
        }
    }

    /// Takes the whole replies at the front; how many bytes they were.
    fn take(&mut self, bytes: &[u8], now: Instant, desk: &mut impl Replies) -> Result<usize, Failure> {
        let mut consumed = 0;
        if matches!(self.link, Link::Greeting(..)) {
            match self.hear_greeting(bytes)? {
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
            // Bytes that nobody asked for.
            let Some(first) = self.pending.front_mut() else { return Err(Failure::Garbage) };
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
                        tracing::warn!(server = %self.server.label, "a reply that belongs to no request; closing");
                        return Err(Failure::Garbage);
                    }
                    consumed += length;
                }
                Err(ReplyError::ValueTooLong { bytes: value, .. }) => {
                    consumed += self.pass_over_value(rest, value, now, desk)?;
                }
                Err(error) => {
                    tracing::warn!(server = %self.server.label, %error, "no reply of memcached; closing");
                    return Err(Failure::Garbage);
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
    ) -> Result<usize, Failure> {
        let Some(line) = memchr::memchr(b'\n', rest) else { return Err(Failure::Garbage) };
        if value > VALUE_SKIPPED_MAX {
            tracing::warn!(server = %self.server.label, value, "a value beyond all bounds; closing");
            return Err(Failure::Garbage);
        }
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
                tracing::warn!(server = %self.server.label, "a value that was not asked for; closing");
                return Err(Failure::Garbage);
            }
        }
        let Some(first) = self.pending.front_mut() else { return Err(Failure::Garbage) };
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
            self.health.succeeded();
        }
        fits
    }

    /// How many bytes the greeting's answer took, once it is complete.
    fn hear_greeting(&mut self, bytes: &[u8]) -> Result<Option<usize>, Failure> {
        let Link::Greeting(_, handshake, _) = &mut self.link else { return Ok(Some(0)) };
        match handshake.feed(bytes) {
            Progress::NeedMore => Ok(None),
            Progress::Failed(error) => {
                tracing::warn!(server = %self.server.label, %error, "the server cannot be used");
                Err(Failure::Handshake)
            }
            Progress::Done { dialect, consumed } => {
                self.meta = dialect.meta && self.settings.meta;
                if let Link::Greeting(wire, ..) = std::mem::replace(&mut self.link, Link::Closed) {
                    self.link = Link::Open(wire);
                }
                self.refused = 0;
                if self.health.is_ejected() {
                    tracing::info!(server = %self.server.label, pool = %self.settings.pool, "server is back");
                    self.health.probed();
                }
                Ok(Some(consumed))
            }
        }
    }

    /// Closes, and fails everything that waits.
    fn fail(&mut self, failure: Failure, now: Instant, desk: &mut impl Replies) {
        let lost_idle =
            self.pending.is_empty() && matches!((&self.link, failure), (Link::Open(_), Failure::Lost));
        self.link = Link::Closed;
        self.output.clear();
        self.sent = 0;
        self.line = None;
        self.input = Vec::new();
        self.missing = 1;
        self.skip = 0;
        self.meta = false;
        self.values = 0;
        self.writable_watched = false;
        if failure == Failure::ConnectTimeout {
            // Trying the others at once would cost whoever waits a time-out for each; the next probe does.
            self.passed_over += 1;
        }
        if lost_idle {
            // An idle connection may be closed by a server that is well; a new one will tell.
            tracing::debug!(server = %self.server.label, "the server closed an idle connection");
        } else {
            self.settle(failure, now);
        }
        let why = match failure {
            Failure::Connect | Failure::ConnectTimeout => Answer::Down,
            Failure::Timeout => Answer::TimedOut,
            _ => Answer::Lost,
        };
        self.counters.failed(why, self.pending.len() as u64);
        while let Some(pending) = self.pending.pop_front() {
            desk.failed(pending, &self.server, &self.settings, why);
        }
    }

    fn settle(&mut self, failure: Failure, now: Instant) {
        let before = self.health.is_ejected();
        self.health.failed(failure, now);
        if self.health.is_ejected() && !before {
            self.counters.ejections.add(1);
            tracing::warn!(
                server = %self.server.label, pool = %self.settings.pool, cause = ?failure,
                "server is down; trying it again in the background"
            );
        }
        self.report();
    }

    /// Tells the pages how it stands.
    fn report(&self) {
        self.counters.set_connected(matches!(self.link, Link::Open(_)));
        self.counters.set_ejected(self.health.is_ejected());
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.counters.set_connected(false);
    }
}
