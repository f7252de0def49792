//! What was counted of a pool's servers, those that left included: a count never goes back while the proxy runs.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::proxy::counters::ServerCounters;

/// The tallies of all pools that there ever were, by name: a pool that a reload replaces or brings back counts on. Some
/// hundred bytes for each name.
#[derive(Default)]
pub(crate) struct Tallies(Mutex<BTreeMap<String, Arc<Tally>>>);

/// What was counted of one pool.
#[derive(Default)]
pub(crate) struct Tally(Mutex<State>);

#[derive(Default)]
struct State {
    servers: BTreeMap<Arc<str>, Account>,
    /// Of servers that no worker has a connection to any more.
    departed: ServerCounters,
}

/// What was counted of one server.
#[derive(Default)]
struct Account {
    connections: Vec<Arc<ServerCounters>>,
    /// By connections that were replaced.
    replaced: ServerCounters,
}

/// Sums over the connections of workers.
#[derive(Default)]
pub(crate) struct Totals {
    /// What was counted.
    pub(crate) counters: ServerCounters,
    /// Connections that stand.
    pub(crate) connected: usize,
    /// Connections that know the server to be down.
    pub(crate) ejected: usize,
}

/// The counters of one worker's connection to a server; their counts stay when they go.
pub(in crate::proxy) struct Counted {
    counters: Arc<ServerCounters>,
    label: Arc<str>,
    tally: Arc<Tally>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tallies {
    /// That of the pool of this name.
    pub(crate) fn of(&self, pool: &str) -> Arc<Tally> {
        lock(&self.0).entry(pool.to_owned()).or_default().clone()
    }

    /// What was counted of all pools.
    pub(crate) fn total(&self) -> ServerCounters {
        let all: Vec<Arc<Tally>> = lock(&self.0).values().cloned().collect();
        let total = ServerCounters::default();
        all.iter().for_each(|tally| total.absorb(&tally.total()));
        total
    }
}

impl Tally {
    /// Counters for one worker's connection to a server.
    pub(in crate::proxy) fn count(self: &Arc<Tally>, label: &Arc<str>) -> Counted {
        let counters = Arc::new(ServerCounters::default());
        let mut state = lock(&self.0);
        state.servers.entry(label.clone()).or_default().connections.push(counters.clone());
        Counted { counters, label: label.clone(), tally: self.clone() }
    }

    /// What was counted of the whole pool.
    pub(crate) fn total(&self) -> ServerCounters {
        let state = lock(&self.0);
        let total = ServerCounters::default();
        total.absorb(&state.departed);
        state.servers.values().for_each(|server| total.absorb(&server.totals().counters));
        total
    }

    /// The same for each server that workers have connections to.
    pub(crate) fn servers(&self) -> BTreeMap<Arc<str>, Totals> {
        lock(&self.0).servers.iter().map(|(label, server)| (label.clone(), server.totals())).collect()
    }
}

impl Account {
    fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        totals.counters.absorb(&self.replaced);
        for connection in &self.connections {
            totals.counters.absorb(connection);
            totals.connected += usize::from(connection.connected());
            totals.ejected += usize::from(connection.ejected());
        }
        totals
    }
}

impl Deref for Counted {
    type Target = ServerCounters;

    #[inline]
    fn deref(&self) -> &ServerCounters {
        &self.counters
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut state = lock(&self.tally.0);
        let Some(server) = state.servers.get_mut(&self.label) else { return };
        server.connections.retain(|other| !Arc::ptr_eq(other, &self.counters));
        server.replaced.absorb(&self.counters);
        if server.connections.is_empty()
            && let Some(server) = state.servers.remove(&self.label)
        {
            state.departed.absorb(&server.replaced);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_stays() {
        let tallies = Tallies::default();
        let tally = tallies.of("pool");
        let (a, b) = (Arc::from("a"), Arc::from("b"));
        let (first, second, other) = (tally.count(&a), tally.count(&a), tally.count(&b));
        for (counted, count) in [(&first, 1), (&second, 10), (&other, 100)] {
            counted.requests.add(count);
        }
        let requests = |label: &Arc<str>| tally.servers().get(label).map(|it| it.counters.requests.value());
        assert_eq!((requests(&a), requests(&b)), (Some(11), Some(100)));
        // A connection is replaced, a server leaves.
        drop((first, other));
        assert_eq!((requests(&a), requests(&b)), (Some(11), None));
        assert_eq!(tally.total().requests.value(), 111);
        drop(second);
        assert_eq!(tally.total().requests.value(), 111);
        // The pool comes back.
        let again = tallies.of("pool").count(&a);
        again.requests.add(1000);
        assert_eq!(requests(&a), Some(1000));
        assert_eq!(tallies.total().requests.value(), 1111);
    }
}
