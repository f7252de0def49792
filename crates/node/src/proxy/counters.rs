//! What the proxy counts: for each server, for each route, and of what clients send.
//!
//! Every worker has its own set of each, so that counting never contends; the pages add them up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use peerset_proto_memcache::Reply;
use peerset_route::{Answer, Operation, Outcome};

use super::pending::{self, Kind, Pending};
use crate::front::Counter;

/// Upper bounds of the latency buckets, in microseconds; what is slower falls into one more.
pub(crate) const LATENCY_BOUNDS: [u32; 14] =
    [50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 102_400, 409_600, 1_638_400];

/// How long things took.
#[derive(Debug, Default)]
pub(crate) struct Latency {
    buckets: [Counter; LATENCY_BOUNDS.len() + 1],
    micros: Counter,
}

impl Latency {
    #[inline]
    pub(super) fn observe(&self, took: Duration) {
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        let bucket = LATENCY_BOUNDS.iter().position(|&bound| micros <= bound).unwrap_or(LATENCY_BOUNDS.len());
        self.buckets[bucket].add(1);
        self.micros.add(u64::from(micros));
    }

    fn absorb(&self, other: &Latency) {
        self.buckets.iter().zip(&other.buckets).for_each(|(count, more)| count.add(more.value()));
        self.micros.add(other.micros.value());
    }

    /// Counts in each bucket, and the sum in seconds.
    pub(crate) fn read(&self) -> ([u64; LATENCY_BOUNDS.len() + 1], f64) {
        (std::array::from_fn(|at| self.buckets[at].value()), self.micros.value() as f64 / 1e6)
    }
}

/// One worker's connection to one server.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct ServerCounters {
    /// Requests handed over.
    pub(crate) requests: Counter,
    /// Reads that found their item.
    pub(crate) hits: Counter,
    /// Reads that did not.
    pub(crate) misses: Counter,
    /// Requests that the server answered with an error.
    pub(crate) errors: Counter,
    /// Requests that were not answered in time.
    pub(crate) timeouts: Counter,
    /// Requests that were lost with their connection, or never got one.
    pub(crate) lost: Counter,
    /// Requests refused because too many waited.
    pub(crate) overloads: Counter,
    /// Attempts to connect.
    pub(crate) connects: Counter,
    /// Times the server was found to be down.
    pub(crate) ejections: Counter,
    /// From handing over to the reply.
    pub(crate) latency: Latency,
    connected: AtomicBool,
    ejected: AtomicBool,
}

impl ServerCounters {
    /// Adds what others counted. Only for sums, into which no worker counts.
    pub(super) fn absorb(&self, other: &ServerCounters) {
        self.requests.add(other.requests.value());
        self.hits.add(other.hits.value());
        self.misses.add(other.misses.value());
        self.errors.add(other.errors.value());
        self.timeouts.add(other.timeouts.value());
        self.lost.add(other.lost.value());
        self.overloads.add(other.overloads.value());
        self.connects.add(other.connects.value());
        self.ejections.add(other.ejections.value());
        self.latency.absorb(&other.latency);
    }

    /// Counts a request that was answered, in the end with this reply; `values` came before it.
    #[inline]
    pub(super) fn observe(&self, pending: &Pending, reply: &Reply<'_>, values: u32, now: Instant) {
        self.latency.observe(now.saturating_duration_since(pending.since));
        match pending::answer(reply).outcome() {
            Outcome::Failed => self.errors.add(1),
            _ if !pending.operation.is_read() || matches!(reply, Reply::ClientError(_)) => {}
            outcome => {
                let hits =
                    if pending.kind == Kind::Values { values } else { u32::from(outcome == Outcome::Done) };
                self.hits.add(u64::from(hits));
                self.misses.add(u64::from(pending.keys.saturating_sub(hits)));
            }
        }
    }

    /// Counts requests that will not be answered.
    pub(super) fn failed(&self, why: Answer, count: u64) {
        match why {
            Answer::TimedOut => self.timeouts.add(count),
            _ => self.lost.add(count),
        }
    }

    pub(super) fn set_connected(&self, connected: bool) {
        self.connected.store(connected, Ordering::Relaxed);
    }

    pub(super) fn set_ejected(&self, ejected: bool) {
        self.ejected.store(ejected, Ordering::Relaxed);
    }

    /// Whether a connection stands.
    pub(crate) fn connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// Whether the server is thought to be down.
    pub(crate) fn ejected(&self) -> bool {
        self.ejected.load(Ordering::Relaxed)
    }
}

/// One worker's share of one route.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct RouteCounters {
    /// Requests that came to this route; a key of a multi-get is one.
    pub(crate) requests: Counter,
    /// Reads that found their item.
    pub(crate) hits: Counter,
    /// Answers that say no: not there, not stored.
    pub(crate) misses: Counter,
    /// Requests that failed here.
    pub(crate) errors: Counter,
    /// From handing over to the answer.
    pub(crate) latency: Latency,
}

impl RouteCounters {
    /// Counts what came of one key.
    #[inline]
    pub(super) fn count(&self, operation: Operation, outcome: Outcome) {
        self.requests.add(1);
        match outcome {
            Outcome::Done if operation.is_read() => self.hits.add(1),
            Outcome::Done => {}
            Outcome::Miss => self.misses.add(1),
            Outcome::Failed => self.errors.add(1),
        }
    }
}

/// What one worker's clients sent.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct CommandCounters {
    /// Keys asked for.
    pub(crate) gets: Counter,
    /// Values to be stored.
    pub(crate) sets: Counter,
    /// Requests of other kinds.
    pub(crate) others: Counter,
    /// Meta commands, of whatever kind.
    pub(crate) metas: Counter,
    /// Requests answered with an error of the proxy's own.
    pub(crate) errors: Counter,
    /// Lines that were no request.
    pub(crate) protocol_errors: Counter,
}
