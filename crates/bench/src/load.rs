//! A load generator lean enough to share two cores with the server it measures.
//!
//! One thread, readiness from the poller, a closed loop: each connection keeps a fixed number of requests in flight,
//! sends the next batch in one write when all replies to the last have come, and checks every reply. Replies have a
//! length known beforehand, so a batch is read until it is complete and then compared, without parsing.
//!
//! - **Keys** are drawn evenly; **values** follow from the key and a version, so that a wrong, old
//!   or torn value is recognised without remembering what was written.
//! - **Cost**: 0.1 to 0.2 µs of user time an operation with 32 in flight; each report prints it.
//! - **Errors**: a miss, a wrong value or a silence of five seconds ends the run.

mod connection;
mod dialect;
mod items;
mod worker;

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use peerset_testkit::Usage;

pub(crate) use dialect::Dialect;
pub(crate) use items::Items;
use worker::{Source, Worker};

use crate::stats::Histogram;

/// What is asked of a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load<'i> {
    pub(crate) dialect: Dialect,
    pub(crate) items: &'i Items,
    pub(crate) connections: usize,
    /// Requests in flight on each connection.
    pub(crate) in_flight: usize,
    /// Threads that generate it. One is enough for a server on two cores.
    pub(crate) threads: usize,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    /// Requests answered, each with the right value.
    pub(crate) operations: u64,
    pub(crate) elapsed: Duration,
    /// From a batch's write to the last of its replies.
    pub(crate) latency: Histogram,
    /// User time of this process.
    pub(crate) own_user: Duration,
    /// All CPU time of this process.
    pub(crate) own_cpu: Duration,
}

/// A load on its way: connections are open, and requests in flight between the calls.
pub(crate) struct Running<'i> {
    workers: Vec<Worker<'i>>,
}

impl<'i> Load<'i> {
    /// Stores every key once and waits until all are stored.
    pub(crate) fn fill(&self, addr: SocketAddr) -> Result<()> {
        self.start(addr, Source::fill)?.run(None).context("storing the keys")?;
        Ok(())
    }

    /// Opens the connections for a load of 90 % reads and 10 % writes, and sends the first batches.
    pub(crate) fn serve(&self, addr: SocketAddr) -> Result<Running<'i>> {
        self.start(addr, |share, _| Source::random(share as u64))
    }

    fn start(&self, addr: SocketAddr, source: impl Fn(usize, usize) -> Source) -> Result<Running<'i>> {
        let workers = (0..self.threads).map(|share| {
            let connections = (self.connections + share) / self.threads;
            Worker::connect(addr, self, connections, source(share, self.threads))
        });
        Ok(Running {
            workers: workers.collect::<Result<_>>().with_context(|| format!("connecting to {addr}"))?,
        })
    }
}

impl Running<'_> {
    /// Goes on for this long.
    pub(crate) fn run_for(&mut self, span: Duration) -> Result<Measured> {
        self.run(Some(span))
    }

    fn run(&mut self, span: Option<Duration>) -> Result<Measured> {
        let (before, start) = (Usage::own()?, Instant::now());
        let deadline = span.map(|span| start + span);
        let tallies = match &mut self.workers[..] {
            [only] => vec![only.run(deadline)?],
            several => thread::scope(|scope| {
                let threads = several.iter_mut().map(|worker| scope.spawn(move || worker.run(deadline)));
                let threads: Vec<_> = threads.collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().expect("a worker returns its errors"))
                    .collect::<Result<_>>()
            })?,
        };
        let (after, elapsed) = (Usage::own()?, start.elapsed());
        let mut measured = Measured {
            operations: 0,
            elapsed,
            latency: Histogram::new(),
            own_user: after.user.saturating_sub(before.user),
            own_cpu: after.cpu.saturating_sub(before.cpu),
        };
        for tally in tallies {
            measured.operations += tally.operations;
            measured.latency.add(&tally.latency);
        }
        Ok(measured)
    }
}
