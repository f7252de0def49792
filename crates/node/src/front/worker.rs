//! A worker: one thread, one poller, and the connections that were handed to it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};
use slab::Slab;

use super::acceptor::Inbox;
use super::buffers::Buffers;
use super::connection::{After, Connection, Context};
use super::staffing::Staff;
use super::stream::Stream;
use super::{
    Client, Config, DRAIN_LIMIT, FrontCounters, Now, Purpose, Service, Stop, TOKENS_OWN, WorkerCounters,
};

/// Events taken from the poller at once.
const EVENTS: usize = 1024;

/// Connections accepted but not yet taken by their worker.
const INBOX: usize = 1024;

/// How often connections are looked over for time-outs.
const SWEEP: Duration = Duration::from_millis(500);

/// How often connections are handed over to other workers, if they are not all at once.
const SHARE: Duration = Duration::from_millis(20);

/// How long a peer may take none of its replies, or send none of its request, while memory for that is scarce.
const STALL_SCARCE: Duration = Duration::from_secs(1);

/// How long a connection that found no memory waits before it tries again.
const PARKED: Duration = Duration::from_millis(10);

const WAKE: Token = Token(usize::MAX);

/// A connection that comes to a worker.
pub(super) enum Arrival<S: Service> {
    /// From a listener.
    Accepted(Stream),
    /// From another worker.
    Moved(Box<Connection<S>>),
}

/// Why a connection has its turn.
#[derive(Clone, Copy)]
enum Why {
    /// The poller reported it, or it asked for another turn.
    Ready,
    /// Replies that the service owed it have come.
    Answered,
}

/// Why a connection is closed from this side.
enum Overdue {
    /// It takes none of its replies, or sends none of its request.
    Stalled,
    /// Nothing is asked for.
    Idle,
}

pub(super) struct Worker<S: Service> {
    pub(super) number: usize,
    pub(super) poll: Poll,
    waker: Arc<Waker>,
    inbox: Receiver<Arrival<S>>,
    pub(super) connections: Slab<Box<Connection<S>>>,
    /// Connections with something left to do that the poller will not report.
    again: Vec<usize>,
    /// Connections that wait for memory, looked at again after [`PARKED`].
    parked: Vec<usize>,
    /// Connections for which the service has replies.
    answered: Vec<Client>,
    pub(super) service: S,
    buffers: Buffers,
    pub(super) counters: Arc<FrontCounters>,
    staff: Arc<Staff>,
    /// How many workers served when this one last looked.
    active_seen: usize,
    idle_timeout: Option<Duration>,
    stall_timeout: Duration,
}

impl<S: Service> Worker<S> {
    pub(super) fn new(
        number: usize,
        config: &Config,
        counters: Arc<FrontCounters>,
        staff: Arc<Staff>,
        mut service: S,
    ) -> io::Result<(Worker<S>, Inbox<S>)> {
        let poll = Poll::new()?;
        service.attach(poll.registry().try_clone()?);
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let (arrivals, inbox) = sync_channel(INBOX);
        let worker = Worker {
            number,
            poll,
            waker: waker.clone(),
            inbox,
            connections: Slab::new(),
            again: Vec::new(),
            parked: Vec::new(),
            answered: Vec::new(),
            service,
            buffers: Buffers::new(config.threads),
            counters,
            active_seen: staff.active(),
            staff,
            idle_timeout: config.idle_timeout,
            stall_timeout: config.stall_timeout,
        };
        Ok((worker, Inbox { arrivals, waker }))
    }

    pub(super) fn number(&self) -> usize {
        self.number
    }

    pub(super) fn waker(&self) -> Arc<Waker> {
        self.waker.clone()
    }

    /// Serves until told to drain and every connection is closed.
    pub(super) fn run(mut self, stop: &Stop, inboxes: &[Inbox<S>]) {
        let mut events = Events::with_capacity(EVENTS);
        let mut next_sweep = Instant::now() + SWEEP;
        let mut next_share = Instant::now();
        let mut next_unpark = Instant::now();
        let mut drain_until = None;
        loop {
            let patience = match (self.again.is_empty(), self.parked.is_empty()) {
                (false, _) => Some(Duration::ZERO),
                (true, false) => Some(PARKED),
                (true, true) => (!self.connections.is_empty() || drain_until.is_some()).then_some(SWEEP),
            };
            let patience = match self.service.patience() {
                Some(own) => Some(patience.map_or(own, |patience| patience.min(own))),
                None => patience,
            };
            if let Err(error) = self.poll.poll(&mut events, patience)
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, worker = self.number, "a worker ended: its poller failed");
                return;
            }
            let now = Now::read();
            let mut again = std::mem::take(&mut self.again);
            if now.instant >= next_unpark {
                next_unpark = now.instant + PARKED;
                again.append(&mut self.parked);
            }
            for event in &events {
                if event.token() == WAKE {
                    self.take_new(now);
                    self.service.woken(now);
                } else if event.token().0 >= TOKENS_OWN {
                    self.service.ready(event.token().0, event.is_read_closed(), now);
                } else {
                    if event.is_read_closed()
                        && let Some(connection) = self.connections.get_mut(event.token().0)
                    {
                        connection.read_closed = true;
                    }
                    self.turn(event.token().0, now);
                }
            }
            for key in again {
                if let Some(connection) = self.connections.get_mut(key) {
                    connection.queued = false;
                    self.turn(key, now);
                }
            }
            self.deliver(now);
            if now.instant >= next_sweep {
                next_sweep = now.instant + SWEEP;
                self.close_overdue(now);
            }
            if stop.draining() {
                let until = *drain_until.get_or_insert(now.instant + DRAIN_LIMIT);
                let is_all = stop.all_handed_over();
                self.drain(now);
                self.deliver(now);
                if (is_all && self.is_drained()) || Instant::now() >= until {
                    return;
                }
            } else if self.staff.active() != self.active_seen
                && now.instant >= next_share
                && let Some(_handing_over) = stop.hand_over()
            {
                next_share = now.instant + SHARE;
                let active = self.staff.active();
                if self.share_out(active, inboxes) {
                    self.active_seen = active;
                }
            }
            let busy = u64::try_from(now.instant.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.counters().busy_nanos.add(busy);
        }
    }

    pub(super) fn counters(&self) -> &WorkerCounters {
        &self.counters.workers[self.number]
    }

    fn take_new(&mut self, now: Now) {
        while let Ok(arrival) = self.inbox.try_recv() {
            let connection = match arrival {
                Arrival::Accepted(stream) => {
                    let session = self.service.open(stream.local_address());
                    Box::new(Connection::new(stream, session, now.instant))
                }
                Arrival::Moved(connection) => connection,
            };
            self.admit(connection);
        }
    }

    /// Remembers that a connection needs another turn which no poller will report.
    pub(super) fn queue(&mut self, key: usize) {
        if self.mark_queued(key) {
            self.again.push(key);
        }
    }

    /// False if the connection is in one of the lists already, or gone.
    fn mark_queued(&mut self, key: usize) -> bool {
        self.connections
            .get_mut(key)
            .is_some_and(|connection| !std::mem::replace(&mut connection.queued, true))
    }

    /// Lets the service send what it gathered, and sends on what it was answered.
    fn deliver(&mut self, now: Now) {
        loop {
            self.service.end_turn(now, &mut self.answered);
            if self.answered.is_empty() {
                return;
            }
            let mut answered = std::mem::take(&mut self.answered);
            for Client(key) in answered.drain(..) {
                self.take_turn(key, Why::Answered, now);
            }
            self.answered = answered;
        }
    }

    fn turn(&mut self, key: usize, now: Now) {
        self.take_turn(key, Why::Ready, now);
    }

    fn take_turn(&mut self, key: usize, why: Why, now: Now) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let mut context = Context {
            service: &mut self.service,
            buffers: &mut self.buffers,
            counters: &self.counters.workers[self.number],
            client: Client(key),
            now,
        };
        let after = match why {
            Why::Ready => connection.turn(&mut context),
            Why::Answered => connection.deliver(&mut context),
        };
        // Whatever became of the turn: the next one is somebody else's.
        self.buffers.clear_output();
        if after == After::Close {
            return self.close(key);
        }
        if connection.wants_writable() != connection.writable_watched {
            connection.writable_watched = !connection.writable_watched;
            let wanted = connection.writable_watched;
            if let Err(error) = connection.stream.watch_writable(self.poll.registry(), Token(key), wanted) {
                tracing::warn!(%error, "a connection could not be watched");
                return self.close(key);
            }
        }
        if after == After::Park {
            if self.mark_queued(key) {
                self.parked.push(key);
            }
            return;
        }
        // The end of the input is reported once, perhaps with bytes that take several turns.
        if after == After::Again || (connection.read_closed && connection.can_go_on()) {
            self.queue(key);
        }
    }

    /// Dropping the stream closes it, which also takes it out of the poller.
    pub(super) fn close(&mut self, key: usize) {
        let connection = self.connections.remove(key);
        self.service.close(connection.session);
        self.counters().connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// Closes connections on which nothing has moved for too long. Each has a last turn before: where this process itself
    /// stood still, peers did their part meanwhile, and no poller has told of it yet.
    pub(super) fn close_overdue(&mut self, now: Now) {
        let scarce = [Purpose::Replies, Purpose::Request].map(|purpose| self.service.is_scarce(purpose));
        let is_late =
            |(_, connection): &(usize, &Box<_>)| self.overdue(connection, scarce, now.instant).is_some();
        let late: Vec<usize> = self.connections.iter().filter(is_late).map(|(key, _)| key).collect();
        for &key in &late {
            if !self.connections[key].queued {
                self.turn(key, now);
            }
            let Some(connection) = self.connections.get(key) else { continue };
            match self.overdue(connection, scarce, now.instant) {
                Some(Overdue::Stalled) => self.counters().stalled_closed.add(1),
                Some(Overdue::Idle) => self.counters().idle_closed.add(1),
                None => continue,
            }
            self.close(key);
        }
        if !late.is_empty() {
            self.deliver(now);
        }
    }

    /// `scarce` is whether memory is so for replies, and for requests.
    fn overdue(
        &self,
        connection: &Connection<S>,
        [replies, requests]: [bool; 2],
        now: Instant,
    ) -> Option<Overdue> {
        let patience =
            |scarce| if scarce { self.stall_timeout.min(STALL_SCARCE) } else { self.stall_timeout };
        // One that waits for memory itself, or for the service, cannot help making no progress.
        let waits = connection.queued || connection.is_held();
        let for_request = if waits { self.stall_timeout } else { patience(requests) };
        let stalled = connection.stalled_since.is_some_and(|since| now - since >= patience(replies))
            || (connection.holds_request() && now - connection.last_progress >= for_request);
        let idle = self.idle_timeout.is_some_and(|limit| now - connection.last_progress >= limit)
            && !connection.is_held()
            && !self.service.owes(&connection.session);
        match (stalled, idle) {
            (true, _) => Some(Overdue::Stalled),
            (false, true) => Some(Overdue::Idle),
            (false, false) => None,
        }
    }

    /// Gives every connection a last turn and closes those with nothing under way.
    fn drain(&mut self, now: Now) {
        self.take_new(now);
        let keys: Vec<usize> = self.connections.iter().map(|(key, _)| key).collect();
        for key in keys {
            if self.connections.get(key).is_some_and(|connection| !connection.queued) {
                self.turn(key, now);
            }
            let idle = |connection: &Connection<S>| {
                connection.is_idle() && !connection.queued && !self.service.owes(&connection.session)
            };
            if self.connections.get(key).map(Box::as_ref).is_some_and(idle) {
                self.close(key);
            }
        }
    }

    /// Whether no connection is left, nor anything that one asked for.
    fn is_drained(&self) -> bool {
        self.connections.is_empty() && !self.service.is_busy()
    }
}
