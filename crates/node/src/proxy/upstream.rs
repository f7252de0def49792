//! One worker's connection to one server.
//!
//! Requests of all clients of the worker are appended to one buffer, sent with one write a turn; replies are matched by
//! order. Nothing is sent to a server that is known to be down: the [`Health`] of the connection decides, and a lone
//! `version` has to be answered before a server that failed is used again.
//!
//! - **Bounds**: requests and bytes that wait by the pool's `queue`; one reply by the largest item. Well before the
//!   queue is full the connection is [crowded](Room::Little), and clients that ask for more of it wait.
//! - **A hung server** fails everything that waits for it once, when the first of it is overdue, and is down then.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

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
    /// When the connection stood, until the first request is answered on it.
    unproven: Option<Instant>,
    health: Health,
    /// What was last told of why it is down.
    told: Option<Failure>,
    /// Has to be sent to in this turn.
    pub(super) queued: bool,
    /// So much waits that nobody should add to it, until it is [no longer so](Upstream::stays_crowded).
    pub(super) crowded: bool,
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
    /// Nothing waits, and there is nothing to send.
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

/// An idle connection that the server closes sooner, before it answered any request, speaks against the server.
const IDLE_MIN: Duration = Duration::from_millis(500);

/// Why a connection ends on which replies no longer belong to requests.
const OUT_OF_STEP: &str = "it answered what it was not asked";

/// Why a connection ends.
#[derive(Debug)]
struct Trouble {
    failure: Failure,
    /// For people.
    why: Cow<'static, str>,
}

impl Trouble {
    fn new(failure: Failure, why: impl Into<Cow<'static, str>>) -> Trouble {
        Trouble { failure, why: why.into() }
    }
}

/// Crowded is where so large a part of the requests of the queue waits.
const CROWDED_REQUESTS: usize = 2;

/// The same for bytes: fewer, since they need not wait here but may in the sockets of clients.
const CROWDED_BYTES: usize = 16;

/// How much more a connection takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Enough,
    /// This request, and few others.
    Little,
}

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
            unproven: None,
            told: None,
            queued: false,
            crowded: false,
            departing: false,
        }
    }

    /// Whether the server answered the greeting of this connection, or cannot be expected to soon.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.link, Link::Open(_)) || self.health.is_ejected()
    }

    /// Whether it waits for replies, or to say something.
    pub(super) fn owes(&self) -> bool {
        !self.pending.is_empty()
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
    pub(super) fn admit(&mut self, registry: &Registry, now: Instant) -> Result<Room, Refused> {
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
        let queue = &self.settings.server;
        let (requests, bytes) = (self.pending.len(), self.output.len() - self.sent);
        if requests < queue.queue_requests_max / CROWDED_REQUESTS
            && bytes < queue.queue_bytes_max / CROWDED_BYTES
        {
            return Ok(Room::Enough);
        }
        if requests >= queue.queue_requests_max || bytes >= queue.queue_bytes_max {
            self.counters.overloads.add(1);
            return Err(Refused::Overloaded);
        }
        Ok(Room::Little)
    }

    /// Whether it is still crowded. It is until half of what made it so is gone, so that who waits can go on for a while
    /// then; and never once it failed, as nothing waits for it any more.
    pub(super) fn stays_crowded(&mut self) -> bool {
        let queue = &self.settings.server;
        self.crowded &= !self.departing
            && (self.pending.len() > queue.queue_requests_max / CROWDED_REQUESTS / 2
                || self.output.len() - self.sent > queue.queue_bytes_max / CROWDED_BYTES / 2);
        self.crowded
    }

    /// Whether a request would be refused as the server is down.
    pub(super) fn is_down(&self) -> bool {
        self.health.is_ejected()
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
                let limit = self.settings.server.connect_timeout;
                let why = format!("it did not answer within {limit:?} of being connected to");
                self.fail(Trouble::new(Failure::ConnectTimeout, why), now, desk);
            }
            Link::Open(_) => {
                let limit = self.settings.server.request_timeout;
                // What moves is slow and not hung: only silence counts.
                let silent = |first: &Pending| now.duration_since(first.since.max(self.heard)) >= limit;
                if self.pending.front().is_some_and(silent) {
                    let why = format!("it did not answer a request within {limit:?}");
                    self.fail(Trouble::new(Failure::Timeout, why), now, desk);
                }
            }
            _ => {}
        }
        debug_assert!(
            !matches!(self.link, Link::Closed) || self.pending.is_empty(),
            "nobody would answer it"
        );
        self.report();
    }

    /// Connects for the first time.
    pub(super) fn connect(&mut self, registry: &Registry, now: Instant) {
        self.open(registry, now);
    }

    /// False if not even that is possible; health knows then.
    fn open(&mut self, registry: &Registry, now: Instant) -> bool {
        loop {
            let opened = Wire::connect(&self.server, self.passed_over, &self.settings);
            let registered = opened.and_then(|mut wire| wire.register(registry, self.token).map(|()| wire));
            let error = match registered {
                Ok(wire) => {
                    self.counters.connects.add(1);
                    self.link = Link::Connecting(wire, now + self.settings.server.connect_timeout);
                    self.writable_watched = true;
                    return true;
                }
                Err(error) => error,
            };
            if !self.has_another_address() {
                self.settle(&Trouble::new(Failure::Connect, error.to_string()), now);
                return false;
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
        if let Err(trouble) = self.try_ready(registry, read_closed, scratch, now, desk) {
            let connecting = matches!(self.link, Link::Connecting(..));
            let goes_on = connecting && self.has_another_address() && {
                self.link = Link::Closed;
                self.open(registry, now)
            };
            if !goes_on {
                self.fail(trouble, now, desk);
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
    ) -> Result<(), Trouble> {
        if let Link::Connecting(wire, _) = &mut self.link {
            match wire.is_connected() {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => return Err(Trouble::new(Failure::Connect, error.to_string())),
            }
            self.greet();
            self.queued = true;
        }
        // First, as it may end a handshake that holds up what is to be sent.
        self.receive(read_closed, scratch, now, desk)?;
        self.send(registry)
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
        if let Err(trouble) = self.send(registry) {
            self.fail(trouble, now, desk);
        }
    }

    fn send(&mut self, registry: &Registry) -> Result<(), Trouble> {
        let (Link::Greeting(wire, ..) | Link::Open(wire)) = &mut self.link else { return Ok(()) };
        self.line = None;
        let lost = |error: io::Error| Trouble::new(Failure::Lost, error.to_string());
        while self.sent < self.output.len() {
            match wire.write(&self.output[self.sent..]) {
                Ok(0) => return Err(lost(io::ErrorKind::WriteZero.into())),
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(lost(error)),
            }
        }
        wire.flush().map_err(lost)?;
        if self.sent == self.output.len() {
            self.sent = 0;
            self.output.clear();
            if self.output.capacity() > OUTPUT_RETAINED {
                self.output = Vec::new();
            }
        } else if self.sent > OUTPUT_RETAINED.max(self.output.len() / 2) {
            // Not more often, since the rest is moved.
            self.output.drain(..self.sent);
            self.sent = 0;
        }
        let watch = !self.output.is_empty() || wire.wants_write();
        if watch != self.writable_watched {
            wire.watch_writable(registry, self.token, watch).map_err(lost)?;
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
    ) -> Result<(), Trouble> {
        loop {
            let (Link::Greeting(wire, ..) | Link::Open(wire)) = &mut self.link else { return Ok(()) };
            let count = match wire.read(scratch) {
                Ok(0) => return Err(Trouble::new(Failure::Lost, "it closed the connection")),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.explain(&error)),
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

    /// What it means that reading failed.
    #[cold]
    fn explain(&self, error: &io::Error) -> Trouble {
        let failure = match (&self.link, error.kind()) {
            // What TLS says of bytes, such as those of a certificate that cannot be trusted.
            (Link::Greeting(..), io::ErrorKind::InvalidData) => Failure::Handshake,
            (_, io::ErrorKind::InvalidData) => Failure::Garbage,
            _ => Failure::Lost,
        };
        Trouble::new(failure, error.to_string())
    }

    /// Takes the whole replies at the front; how many bytes they were.
    fn take(&mut self, bytes: &[u8], now: Instant, desk: &mut impl Replies) -> Result<usize, Trouble> {
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

    /// How many bytes the greeting's answer took, once it is complete.
    fn hear_greeting(&mut self, bytes: &[u8], now: Instant) -> Result<Option<usize>, Trouble> {
        let Link::Greeting(_, handshake, _) = &mut self.link else { return Ok(Some(0)) };
        match handshake.feed(bytes) {
            Progress::NeedMore => Ok(None),
            Progress::Failed(error) => Err(Trouble::new(Failure::Handshake, error.to_string())),
            Progress::Done { dialect, consumed } => {
                self.meta = dialect.meta && self.settings.meta;
                if let Link::Greeting(wire, ..) = std::mem::replace(&mut self.link, Link::Closed) {
                    self.link = Link::Open(wire);
                }
                self.refused = 0;
                self.unproven = Some(now);
                if self.health.is_ejected() {
                    tracing::info!(server = %self.server.label, pool = %self.settings.pool, "server is back");
                    self.health.probed();
                    self.told = None;
                }
                Ok(Some(consumed))
            }
        }
    }

    /// Closes, and fails everything that waits.
    fn fail(&mut self, trouble: Trouble, now: Instant, desk: &mut impl Replies) {
        let failure = trouble.failure;
        let well = match (&self.link, failure, self.unproven) {
            (Link::Open(_), Failure::Lost, None) => self.pending.is_empty(),
            (Link::Open(_), Failure::Lost, Some(since)) => {
                self.pending.is_empty() && now.duration_since(since) >= IDLE_MIN
            }
            _ => false,
        };
        if failure == Failure::ConnectTimeout || matches!(self.link, Link::Greeting(..)) {
            // Trying the others at once would cost whoever waits a time-out for each; the next probe does.
            self.passed_over += 1;
        }
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
        if well {
            // An idle connection may be closed by a server that is well; a new one will tell.
            tracing::debug!(server = %self.server.label, why = %trouble.why, "an idle connection ended");
        } else {
            self.settle(&trouble, now);
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

    /// Takes a failure into account, and tells of it what is new.
    fn settle(&mut self, trouble: &Trouble, now: Instant) {
        let &Trouble { failure, ref why } = trouble;
        let (server, pool) = (&self.server.label, &self.settings.pool);
        let before = self.health.is_ejected();
        self.health.failed(failure, now);
        if !self.health.is_ejected() {
            match failure {
                Failure::Garbage => tracing::warn!(%server, %pool, %why, "a connection was given up"),
                _ => tracing::debug!(%server, %pool, %why, "a connection was lost"),
            }
        } else if !before {
            self.counters.ejections.add(1);
            tracing::warn!(%server, %pool, %why, "server is down; trying it again in the background");
        } else if self.told.is_some_and(|told| told != failure) {
            tracing::warn!(%server, %pool, %why, "server is still down");
        } else {
            tracing::debug!(%server, %pool, %why, "server is still down");
        }
        self.told = self.health.is_ejected().then_some(failure);
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

#[cfg(test)]
mod tests;
