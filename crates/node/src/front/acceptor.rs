//! Accepts connections and gives each to the worker that has fewest.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use mio::{Events, Interest, Poll, Token, Waker};

use super::staffing::{REVIEW, Staffing};
use super::stream::Stream;
use super::worker::Arrival;
use super::{BoundListener, Config, FrontCounters, Service, Stop};

/// What a refused client is told, as memcached says it.
const TOO_MANY: &[u8] = b"ERROR Too many open connections\r\n";

/// How long accepting rests when the system has no file descriptor left.
const REST: Duration = Duration::from_millis(50);

/// The way to one worker.
pub(super) struct Inbox<S: Service> {
    /// Connections; bounded, so that a worker far behind slows accepting down.
    pub(super) arrivals: SyncSender<Arrival<S>>,
    /// Interrupts the worker's wait.
    pub(super) waker: Arc<Waker>,
}

impl<S: Service> Clone for Inbox<S> {
    fn clone(&self) -> Self {
        Inbox { arrivals: self.arrivals.clone(), waker: self.waker.clone() }
    }
}

pub(super) struct Acceptor<S: Service> {
    poll: Poll,
    waker: Arc<Waker>,
    listeners: Vec<BoundListener>,
    inboxes: Arc<[Inbox<S>]>,
    staffing: Staffing,
    counters: Arc<FrontCounters>,
    max_conns: usize,
    /// The system had nothing to accept with, such as file descriptors; no event will say when it has again.
    starved: bool,
}

impl<S: Service> Acceptor<S> {
    pub(super) fn new(
        config: &Config,
        mut listeners: Vec<BoundListener>,
        inboxes: Arc<[Inbox<S>]>,
        staffing: Staffing,
        counters: Arc<FrontCounters>,
    ) -> io::Result<Acceptor<S>> {
        let poll = Poll::new()?;
        for (index, listener) in listeners.iter_mut().enumerate() {
            match listener {
                BoundListener::Tcp(listener) => {
                    poll.registry().register(listener, Token(index), Interest::READABLE)?;
                }
                BoundListener::Unix(listener, _) => {
                    poll.registry().register(listener, Token(index), Interest::READABLE)?;
                }
            }
        }
        let waker = Arc::new(Waker::new(poll.registry(), Token(listeners.len()))?);
        Ok(Acceptor {
            poll,
            waker,
            listeners,
            inboxes,
            staffing,
            counters,
            max_conns: config.max_conns,
            starved: false,
        })
    }

    pub(super) fn waker(&self) -> Arc<Waker> {
        self.waker.clone()
    }

    /// Accepts until told to drain; then the listeners close.
    pub(super) fn run(mut self, stop: &Stop) {
        let mut events = Events::with_capacity(64);
        loop {
            let patience = match self.starved {
                true => Some(REST),
                false => (self.counters.connections() > 0).then_some(REVIEW),
            };
            match self.poll.poll(&mut events, patience) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    tracing::error!(%error, "accepting ended: the poller failed");
                    return;
                }
                _ => {}
            }
            if stop.draining() {
                return;
            }
            if std::mem::take(&mut self.starved) {
                (0..self.listeners.len()).for_each(|index| self.accept_all(index, stop));
            }
            for event in &events {
                if event.token().0 < self.listeners.len() {
                    self.accept_all(event.token().0, stop);
                }
            }
            if self.staffing.review() {
                self.wake_all();
            }
        }
    }

    /// Lets the workers see that their number changed.
    fn wake_all(&self) {
        for inbox in &*self.inboxes {
            if let Err(error) = inbox.waker.wake() {
                tracing::error!(%error, "a worker could not be woken");
            }
        }
    }

    /// Takes every waiting connection of one listener: readiness is reported once only.
    fn accept_all(&mut self, index: usize, stop: &Stop) {
        while let Some(_handing_over) = stop.hand_over() {
            let accepted = match &self.listeners[index] {
                BoundListener::Tcp(listener) => listener.accept().map(|(stream, _)| {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "a connection without TCP_NODELAY");
                    }
                    Stream::Tcp(stream)
                }),
                BoundListener::Unix(listener, _) => listener.accept().map(|(stream, _)| Stream::Unix(stream)),
            };
            match accepted {
                Ok(stream) => self.hand_over(stream),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    if self.counters.accept_errors.value() == 0 {
                        tracing::warn!(%error, "cannot accept connections; trying again, and counting silently");
                    }
                    self.counters.accept_errors.add(1);
                    self.starved = true;
                    return;
                }
            }
        }
    }

    fn hand_over(&self, mut stream: Stream) {
        let (worker, _) = self.counters.emptiest(self.staffing.staff().active());
        if self.counters.connections() >= self.max_conns {
            self.counters.rejected.add(1);
            // The peer may be gone already, and is refused either way.
            let _ = stream.write(TOO_MANY);
            return;
        }
        self.counters.accepted.add(1);
        self.counters.workers[worker].connections.fetch_add(1, Ordering::Relaxed);
        let inbox = &self.inboxes[worker];
        if inbox.arrivals.send(Arrival::Accepted(stream)).is_err() || inbox.waker.wake().is_err() {
            tracing::error!(worker, "a worker is gone; its connection was dropped");
            self.counters.workers[worker].connections.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
