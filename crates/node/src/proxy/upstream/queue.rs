//! What waits for a server: how much of it, and how it is written.

use std::time::Instant;

use mio::Registry;
use peerset_client_memcache::health::Admission;

use super::{Link, Upstream};
use crate::proxy::pending::Pending;
use crate::proxy::translate;

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

/// A line of several keys that has not been sent.
#[derive(Clone, Copy)]
pub(super) struct Line {
    /// Where it begins in the output.
    start: usize,
    end: usize,
    cas: bool,
}

/// Crowded is where so large a part of the requests of the queue waits.
const CROWDED_REQUESTS: usize = 2;

/// The same for bytes: fewer, since they need not wait here but may in the sockets of clients.
const CROWDED_BYTES: usize = 16;

/// Keys join a line up to about so many bytes.
const LINE_BYTES_MAX: usize = 8 * 1024;

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

    /// Where a request that was [admitted](Self::admit) is written, and what is put before its key;
    /// [`expect`](Self::expect) has to follow.
    #[inline]
    pub(in crate::proxy) fn output(&mut self) -> (&mut Vec<u8>, &[u8]) {
        (&mut self.output, &self.settings.server.prefix)
    }

    /// Opens the line of several keys again that was written last, so that keys of another client join it: one command
    /// is answered with one system call. Only while nothing was written after it, nor sent of it.
    pub(in crate::proxy) fn join(&mut self, cas: bool, touches: bool) -> bool {
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
    pub(in crate::proxy) fn joined(&mut self) {
        let end = self.output.len();
        if let Some(line) = &mut self.line {
            line.end = end;
        }
    }

    /// Remembers what was written.
    #[inline]
    pub(in crate::proxy) fn expect(&mut self, pending: Pending) {
        self.counters.requests.add(1);
        self.pending.push_back(pending);
        self.unsent += 1;
    }

    /// Whether it is still crowded. It is until half of what made it so is gone, so that who waits can go on for a while
    /// then; and never once it failed, as nothing waits for it any more.
    pub(in crate::proxy) fn stays_crowded(&mut self) -> bool {
        let queue = &self.settings.server;
        self.crowded &= !self.departing
            && (self.pending.len() > queue.queue_requests_max / CROWDED_REQUESTS / 2
                || self.output.len() - self.sent > queue.queue_bytes_max / CROWDED_BYTES / 2);
        self.crowded
    }
}
