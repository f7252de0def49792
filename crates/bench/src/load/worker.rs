//! One thread's connections.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use mio::{Events, Interest, Poll, Token};

use super::connection::{Connection, Progress};
use super::{Dialect, Items, Load};
use crate::stats::Histogram;

/// A silence this long is a failure.
const STALL_MAX: Duration = Duration::from_secs(5);

/// Where the next request comes from.
pub(super) enum Source {
    /// Each key once, from `next` in steps.
    Fill { next: u32, step: u32 },
    /// A random key, one request in ten a set.
    Random(fastrand::Rng),
}

/// One thread's part of a load.
pub(super) struct Worker<'i> {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    /// Connections with a batch in flight.
    busy: usize,
    batches: Batches<'i>,
}

/// Builds batches.
struct Batches<'i> {
    items: &'i Items,
    dialect: Dialect,
    in_flight: usize,
    source: Source,
}

/// What one thread counted.
pub(super) struct Tally {
    pub(super) operations: u64,
    pub(super) latency: Histogram,
}

impl Source {
    pub(super) fn fill(share: usize, of: usize) -> Source {
        Source::Fill { next: share as u32, step: of as u32 }
    }

    pub(super) fn random(seed: u64) -> Source {
        Source::Random(fastrand::Rng::with_seed(seed))
    }
}

impl<'i> Worker<'i> {
    pub(super) fn connect(
        addr: SocketAddr,
        load: &Load<'i>,
        connections: usize,
        source: Source,
    ) -> Result<Worker<'i>> {
        let batches = Batches { items: load.items, dialect: load.dialect, in_flight: load.in_flight, source };
        let connections = (0..connections).map(|_| Connection::open(addr)).collect::<std::io::Result<_>>()?;
        let mut worker =
            Worker { poll: Poll::new()?, events: Events::with_capacity(1024), connections, busy: 0, batches };
        for (at, connection) in worker.connections.iter_mut().enumerate() {
            worker.poll.registry().register(&mut connection.stream, Token(at), Interest::READABLE)?;
            if worker.batches.build(connection) > 0 {
                connection.send(worker.batches.items)?;
                worker.busy += 1;
            }
        }
        Ok(worker)
    }

    /// Goes on until the deadline, or without one until the source is empty and all is answered.
    pub(super) fn run(&mut self, deadline: Option<Instant>) -> Result<Tally> {
        let mut tally = Tally { operations: 0, latency: Histogram::new() };
        let mut last_progress = Instant::now();
        let requests = self.batches.in_flight as u64;
        while self.busy > 0 {
            self.poll.poll(&mut self.events, Some(Duration::from_millis(100)))?;
            for event in &self.events {
                let connection = &mut self.connections[event.token().0];
                let progress = connection.receive(self.batches.items);
                let progress = progress.with_context(|| format!("on connection {}", event.token().0))?;
                if let Progress::Complete { nanoseconds } = progress {
                    tally.latency.record(nanoseconds);
                    tally.operations += requests;
                    match self.batches.build(connection) {
                        0 => self.busy -= 1,
                        _ => connection.send(self.batches.items)?,
                    }
                }
            }
            let now = Instant::now();
            if !self.events.is_empty() {
                last_progress = now;
            } else if now - last_progress > STALL_MAX {
                self.connections
                    .iter_mut()
                    .try_for_each(|connection| connection.check_stalled(self.batches.items))?;
                bail!("no connection has had an event for {STALL_MAX:?}");
            }
            if deadline.is_some_and(|deadline| now >= deadline) {
                break;
            }
        }
        Ok(tally)
    }
}

impl Batches<'_> {
    /// Builds the next batch, and says how many requests it has.
    fn build(&mut self, connection: &mut Connection) -> usize {
        let (out, awaited) = (&mut connection.out, &mut connection.awaited);
        let count = self.items.count();
        match &mut self.source {
            Source::Fill { next, step } => {
                let ids = (*next..count).step_by(*step as usize).take(self.in_flight);
                let mut built = 0;
                for id in ids {
                    self.dialect.push_set(self.items, id, 0, out, awaited);
                    built += 1;
                }
                *next = next.saturating_add(built as u32 * *step);
                built
            }
            Source::Random(rng) => {
                for _ in 0..self.in_flight {
                    // One draw decides about kind and version; the keys are drawn apart.
                    let draw = rng.u32(..);
                    if draw % 10 == 0 {
                        self.dialect.push_set(self.items, rng.u32(..count), (draw >> 16) as u8, out, awaited);
                    } else {
                        self.dialect.push_get(self.items, || rng.u32(..count), out, awaited);
                    }
                }
                self.in_flight
            }
        }
    }
}
