//! What waits for a server: how much of it, and how it is written.

use std::time::Instant;

use mio::Registry;
use peerset_client_memcache::health::Admission;

use super::{Asker, Link, Upstream};
use crate::proxy::pending::Pending;

/// How much more a connection takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proxy) enum Room {
    Enough,
    /// This request, and few others.
    Little,
}

/// Why a request is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proxy) enum Refused {
    Down,
    Overloaded,
}

/// Crowded is where so large a part of the requests of the queue waits.
const CROWDED_REQUESTS: usize = 2;

/// The same for bytes: fewer, since they need not wait here but may in the sockets of clients.
const CROWDED_BYTES: usize = 16;

impl Upstream {
    /// Bytes that the pool puts before keys.
    #[inline]
    pub(in crate::proxy) fn prefix_bytes(&self) -> usize {
        self.settings.server.prefix.len()
    }

    /// Whether a request would be taken.
    #[inline]
    pub(in crate::proxy) fn admit(&mut self, registry: &Registry, now: Instant) -> Result<Room, Refused> {
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
        let (requests, bytes) = (self.waiting(), self.waiting_bytes());
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

    /// Requests without an answer.
    #[inline]
    fn waiting(&self) -> usize {
        self.pending.len() + self.rounds.len()
    }

    /// Bytes that were not sent.
    #[inline]
    fn waiting_bytes(&self) -> usize {
        self.output.len() - self.sent + self.rounds.bytes()
    }

    /// Tells whose requests are written from now on.
    #[inline]
    pub(in crate::proxy) fn hear(&mut self, asker: Asker) {
        self.rounds.hear(asker);
    }

    /// What is written next stays behind all that was.
    pub(in crate::proxy) fn go_last(&mut self) {
        self.rounds.go_last();
    }

    /// What others ask stays behind what was written last, since its client does not wait to see it done.
    pub(in crate::proxy) fn hold_back(&mut self) {
        self.rounds.hold_back();
    }

    /// Where a request that was [admitted](Self::admit) is written, and what is put before its key;
    /// [`expect`](Self::expect) has to follow.
    #[inline]
    pub(in crate::proxy) fn output(&mut self) -> (&mut Vec<u8>, &[u8]) {
        (self.rounds.rest(), &self.settings.server.prefix)
    }

    /// Remembers what was written.
    #[inline]
    pub(in crate::proxy) fn expect(&mut self, pending: Pending) {
        self.counters.requests.add(1);
        self.rounds.expect(pending);
    }

    /// Where keys to be read are written, as [`translate::keys`](crate::proxy::translate::keys) does, and what is put
    /// before them; [`read`](Self::read) has to follow. They may join those of other clients. `cas` is whether values are
    /// wanted with their versions.
    #[inline]
    pub(in crate::proxy) fn line(&mut self, cas: bool, single: bool) -> (&mut Vec<u8>, &[u8]) {
        (self.rounds.line(cas, single), &self.settings.server.prefix)
    }

    /// Remembers who reads the keys that were written.
    #[inline]
    pub(in crate::proxy) fn read(&mut self, pending: Pending) {
        self.counters.requests.add(1);
        self.rounds.read(pending);
    }

    /// Arranges what was asked for sending.
    pub(super) fn arrange(&mut self) {
        if self.rounds.len() > 0 {
            self.rounds.write(&mut self.output, &mut self.pending, &mut self.asked);
        }
    }

    /// Whether it is still crowded. It is until half of what made it so is gone, so that who waits can go on for a while
    /// then; and never once it failed, as nothing waits for it any more.
    pub(in crate::proxy) fn stays_crowded(&mut self) -> bool {
        let queue = &self.settings.server;
        self.crowded &= !self.departing
            && (self.waiting() > queue.queue_requests_max / CROWDED_REQUESTS / 2
                || self.waiting_bytes() > queue.queue_bytes_max / CROWDED_BYTES / 2);
        self.crowded
    }
}
