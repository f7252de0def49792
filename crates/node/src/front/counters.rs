//! Counts kept by the front, one set a worker, so that counting never contends.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// A count with one writer and any number of readers: adding is a load and a store, not a locked instruction.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds `count`. Only the thread that owns the counter may call this.
    #[inline]
    pub(crate) fn add(&self, count: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
    }

    /// The present count.
    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one worker counted. Aligned so that no two workers write to one cache line.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct WorkerCounters {
    /// Connections this worker has now; the acceptor adds, the worker subtracts.
    pub(crate) connections: AtomicUsize,
    /// Time spent at work, that is not waiting for sockets.
    pub(crate) busy_nanos: Counter,
    /// Bytes received.
    pub(crate) bytes_read: Counter,
    /// Bytes sent.
    pub(crate) bytes_written: Counter,
    /// Turns that ended with input left, so that other connections had theirs.
    pub(crate) yields: Counter,
    /// Connections closed for being idle.
    pub(crate) idle_closed: Counter,
    /// Connections closed for not taking their replies.
    pub(crate) stalled_closed: Counter,
}

/// The counts of the whole front.
#[derive(Debug)]
pub(crate) struct FrontCounters {
    /// One set for each worker.
    pub(crate) workers: Box<[WorkerCounters]>,
    /// Connections taken.
    pub(crate) accepted: Counter,
    /// Connections told that there are too many.
    pub(crate) rejected: Counter,
    /// Failures to accept, such as too many open files.
    pub(crate) accept_errors: Counter,
}

impl FrontCounters {
    /// Counters for `threads` workers.
    pub(crate) fn new(threads: usize) -> FrontCounters {
        FrontCounters {
            workers: (0..threads).map(|_| WorkerCounters::default()).collect(),
            accepted: Counter::default(),
            rejected: Counter::default(),
            accept_errors: Counter::default(),
        }
    }

    /// Connections open now.
    pub(crate) fn connections(&self) -> usize {
        self.workers.iter().map(|worker| worker.connections.load(Ordering::Relaxed)).sum()
    }

    /// The worker with fewest connections among the first `active`, and how many it has.
    pub(crate) fn emptiest(&self, active: usize) -> (usize, usize) {
        let loads = self.workers.iter().map(|worker| worker.connections.load(Ordering::Relaxed));
        loads.take(active).enumerate().min_by_key(|&(_, load)| load).unwrap_or_default()
    }

    /// The sum of one count over all workers.
    pub(crate) fn sum(&self, count: impl Fn(&WorkerCounters) -> &Counter) -> u64 {
        self.workers.iter().map(|worker| count(worker).value()).sum()
    }
}
