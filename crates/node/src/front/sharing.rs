//! Connections on their way from one worker to another.

use std::sync::atomic::Ordering;
use std::sync::mpsc::TrySendError;

use mio::Token;

use super::Service;
use super::acceptor::Inbox;
use super::connection::Connection;
use super::worker::{Arrival, Worker};

impl<S: Service> Worker<S> {
    /// Hands connections to workers that have fewer, all of them if this one is not to serve any more. False if that
    /// could not be done to the end.
    pub(super) fn share_out(&mut self, active: usize, inboxes: &[Inbox<S>]) -> bool {
        let mut all_moved = true;
        let keys: Vec<usize> = self.connections.iter().map(|(key, _)| key).collect();
        for key in keys {
            // Replies come to where they were asked for; this one moves when it has them.
            if self.service.owes(&self.connections[key].session) {
                all_moved = false;
                continue;
            }
            let (emptiest, load) = self.counters.emptiest(active);
            let enough = self.number < active && self.connections.len() <= load + 1;
            if enough || emptiest == self.number {
                return true;
            }
            if !self.hand_over(key, emptiest, &inboxes[emptiest]) {
                return false;
            }
        }
        all_moved
    }

    /// False if the connection could not be given away, and stays.
    fn hand_over(&mut self, key: usize, worker: usize, inbox: &Inbox<S>) -> bool {
        if let Err(error) = self.connections[key].stream.deregister(self.poll.registry()) {
            tracing::warn!(%error, "a connection could not be moved");
            return false;
        }
        let mut connection = self.connections.remove(key);
        connection.writable_watched = false;
        connection.queued = false;
        // Counted twice for a moment rather than not at all: the other may close it before we go on.
        let theirs = &self.counters.workers[worker].connections;
        theirs.fetch_add(1, Ordering::Relaxed);
        match inbox.arrivals.try_send(Arrival::Moved(connection)) {
            Ok(()) => {
                self.counters().connections.fetch_sub(1, Ordering::Relaxed);
                if let Err(error) = inbox.waker.wake() {
                    tracing::error!(%error, "a worker could not be woken");
                }
                true
            }
            Err(TrySendError::Full(arrival) | TrySendError::Disconnected(arrival)) => {
                theirs.fetch_sub(1, Ordering::Relaxed);
                if let Arrival::Moved(connection) = arrival {
                    self.admit(connection);
                }
                false
            }
        }
    }

    /// Watches a connection; what it did not get to at another worker, no poller reports.
    pub(super) fn admit(&mut self, connection: Box<Connection<S>>) {
        let unfinished = !connection.is_idle() || connection.read_closed;
        let key = self.connections.insert(connection);
        match self.connections[key].stream.register(self.poll.registry(), Token(key)) {
            Ok(()) if unfinished => self.queue(key),
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(%error, "a connection could not be watched");
                self.close(key);
            }
        }
    }
}
