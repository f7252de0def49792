//! One worker's connection to one server.
//!
//! Requests of all clients of the worker are appended to one buffer, sent with one write a turn; replies are matched by
//! order. Nothing is sent to a server that is known to be down: the [`Health`] of the connection decides, and a lone
//! `version` has to be answered before a server that failed is used again.
//!
//! - **Bounds**: requests and bytes that wait by the pool's `queue`; one reply by the largest item. Well before the
//!   queue is full the connection is [crowded](Room::Little), and clients that ask for more of it wait.
//! - **A hung server** fails everything that waits for it once, when the first of it is overdue, and is down then.

mod asked;
mod dial;
mod queue;
mod replies;
mod rounds;
mod transfer;
mod trouble;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Registry, Token};
use peerset_client_memcache::handshake::Handshake;
use peerset_client_memcache::health::{Admission, Failure, Health};
use peerset_proto_memcache::{Limits, Reply};
use peerset_route::Answer;

use super::desk::failure_text;
use super::pending::Pending;
use super::pool::{Counted, Server, Settings};
use super::wire::Wire;
use crate::front::TOKENS_OWN;
use asked::Asked;
pub(super) use queue::{Refused, Room};
pub(super) use rounds::Asker;
use rounds::Rounds;
use trouble::Trouble;

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

/// From so many requests on, sending is not put off.
const HELD_MAX: usize = 64;

pub(super) struct Upstream {
    pub(super) server: Arc<Server>,
    pub(super) counters: Counted,
    settings: Arc<Settings>,
    limits: Limits,
    token: Token,
    link: Link,
    /// Whether the server speaks meta, as it said when the connection was made.
    meta: bool,
    /// Bytes to send, from `sent` on.
    output: Vec<u8>,
    sent: usize,
    /// What comes after that.
    rounds: Rounds,
    /// The turn in which sending was put off to the next.
    held: Option<Instant>,
    writable_watched: bool,
    /// Replies that have arrived in part.
    input: Vec<u8>,
    /// Bytes still missing before it is worth looking at `input` again.
    missing: usize,
    /// Bytes to come of a value that is too large to be passed on.
    skip: u64,
    pending: VecDeque<Pending>,
    /// The keys that those of it name which went in lines.
    asked: Asked,
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
    /// Has to be sent to in this turn.
    pub(super) queued: bool,
    /// So much waits that nobody should add to it, until it is [no longer so](Upstream::stays_crowded).
    pub(super) crowded: bool,
    /// What the server was asked over an earlier connection is not answered yet, and nothing is sent before.
    pub(super) follows: bool,
    /// The server left its pool; the connection goes when nothing waits for it.
    pub(super) departing: bool,
}

enum Link {
    /// Nothing waits, and there is nothing to send.
    Closed,
    /// Until the given moment.
    Connecting(Wire, Instant),
    Greeting(Wire, Handshake, Instant),
    Open(Wire),
}

impl Upstream {
    pub(super) fn new(
        server: Arc<Server>,
        settings: Arc<Settings>,
        counters: Counted,
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
            rounds: Rounds::default(),
            held: None,
            writable_watched: false,
            input: Vec::new(),
            missing: 1,
            skip: 0,
            pending: VecDeque::new(),
            asked: Asked::default(),
            heard: now,
            passed_over: 0,
            refused: 0,
            values: 0,
            unproven: None,
            queued: false,
            crowded: false,
            follows: false,
            departing: false,
        }
    }

    /// Whether the server answered the greeting of this connection, or cannot be expected to soon.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.link, Link::Open(_)) || self.health.is_ejected()
    }

    /// Whether anything was asked that is not answered.
    pub(super) fn owes(&self) -> bool {
        !self.pending.is_empty() || self.rounds.len() > 0
    }

    /// Whether something is under way: the above, or the beginning of the connection.
    pub(super) fn is_busy(&self) -> bool {
        self.owes() || matches!(self.link, Link::Connecting(..) | Link::Greeting(..))
    }

    /// The plans by which what waits was asked.
    pub(super) fn plans(&self) -> impl Iterator<Item = u32> {
        self.pending.iter().chain(self.rounds.pending()).map(|pending| pending.plan)
    }

    /// When it has to be looked at again if nothing happens; none if never.
    pub(super) fn wake_at(&self, now: Instant) -> Option<Instant> {
        match &self.link {
            Link::Closed if self.departing => None,
            Link::Closed => Some(self.health.ejected_until().unwrap_or(now)),
            Link::Open(_) if !self.owes() => None,
            _ => Some(now),
        }
    }

    /// The name of its pool.
    pub(super) fn pool(&self) -> &str {
        &self.settings.pool
    }

    /// Lets it send what has waited for an earlier connection, and the server have its time for that.
    pub(super) fn follow(&mut self, now: Instant) {
        self.follows = false;
        self.heard = now;
    }

    /// The worker was away for so long, and nobody heard what the server said meanwhile.
    pub(super) fn excuse(&mut self, away: Duration, now: Instant) {
        match &mut self.link {
            Link::Connecting(_, until) | Link::Greeting(_, _, until) => *until += away,
            Link::Open(_) => {
                if let Some(first) = self.pending.front().or_else(|| self.rounds.pending().next()) {
                    self.heard = (first.since.max(self.heard) + away).min(now);
                }
            }
            Link::Closed => {}
        }
    }

    /// That it is down, for people.
    pub(super) fn down_text(&self) -> String {
        failure_text(&self.server, &self.settings, Answer::Down)
    }

    /// Whether single reads may be asked as `mg`.
    pub(super) fn speaks_meta(&self) -> bool {
        self.meta
    }

    /// Whether a request would be refused as the server is down.
    pub(super) fn is_down(&self) -> bool {
        self.health.is_ejected()
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
                if !self.follows && self.pending.front().is_some_and(silent) {
                    let why = format!("it did not answer a request within {limit:?}");
                    self.fail(Trouble::new(Failure::Timeout, why), now, desk);
                }
            }
            _ => {}
        }
        debug_assert!(!matches!(self.link, Link::Closed) || !self.owes(), "nobody would answer it");
        self.report();
    }

    /// Connects for the first time.
    pub(super) fn connect(&mut self, registry: &Registry, now: Instant) {
        self.open(registry, now);
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
        // What clients ask for in this turn is sent at its end, in one write.
        let waits = matches!(&self.link, Link::Open(wire) if !wire.is_layered()) && !self.writable_watched;
        // First, as it may end a handshake that holds up what is to be sent.
        self.receive(read_closed, scratch, now, desk)?;
        if waits { Ok(()) } else { self.send(registry) }
    }

    /// Whether what there is to send waits for the end of the next turn, since the server is at work meanwhile: then more
    /// goes together, which costs both sides less.
    pub(super) fn holds(&mut self, turn: Instant) -> bool {
        let is_open = matches!(self.link, Link::Open(_)) && !self.writable_watched;
        let is_at_work = !self.pending.is_empty() && is_open;
        self.held = match self.held {
            Some(since) => Some(since).filter(|since| *since == turn),
            None => Some(turn).filter(|_| is_at_work && self.rounds.len() < HELD_MAX),
        };
        self.held.is_some()
    }

    /// Sends what there is, as far as the socket takes it.
    pub(super) fn flush(&mut self, registry: &Registry, now: Instant, desk: &mut impl Replies) {
        self.queued = false;
        if let Err(trouble) = self.send(registry) {
            self.fail(trouble, now, desk);
        }
    }
}

#[cfg(test)]
mod tests;
