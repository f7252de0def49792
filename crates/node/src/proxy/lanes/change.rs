//! From one set of servers to the next, and from one plan to the next.
//!
//! When a pool changes, connections to its new servers are made first, and the new ring is used when they stand (or have
//! failed, or took too long); servers that left are asked nothing more, and their connections close when what they were
//! asked is answered. A pool that a reload gives other settings changes in the same way, all its connections being new:
//! so the next request need not find out again which of its servers are down.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use super::{Incoming, LaneId, Lanes, PoolLanes, Set};
use crate::proxy::plan::Plan;
use crate::proxy::pool::Pool;
use crate::proxy::upstream::Upstream;

impl Lanes {
    /// Takes over the pools of a plan, those that it shares with the last one as they are.
    pub(in crate::proxy) fn follow(&mut self, plan: &Plan, now: Instant) {
        let mut before: Vec<Option<PoolLanes>> = self.pools.drain(..).map(Some).collect();
        for (at, pool) in plan.pools.iter().enumerate() {
            let same_name = |lanes: &&mut Option<PoolLanes>| {
                lanes.as_ref().is_some_and(|lanes| lanes.used.pool.name() == pool.name())
            };
            match before.iter_mut().find(same_name).and_then(Option::take) {
                Some(lanes) => {
                    let stays = Arc::ptr_eq(&lanes.newest().pool, pool);
                    self.pools.push(lanes);
                    if !stays {
                        self.expect(at, pool, now);
                    }
                }
                None => {
                    let used = self.connect(pool, &HashMap::new(), now);
                    self.pools.push(PoolLanes { used, incoming: None });
                }
            }
        }
        for gone in before.into_iter().flatten() {
            let incoming = gone.incoming.into_iter().flat_map(|incoming| incoming.set.lanes);
            for lane in gone.used.lanes.into_iter().chain(incoming) {
                self.depart(lane);
            }
        }
        self.wake_at = Some(now);
    }

    /// Sees whether pools have changed.
    pub(in crate::proxy) fn look(&mut self, now: Instant) {
        for at in 0..self.pools.len() {
            let newest = self.pools[at].newest();
            if newest.pool.number() != newest.view.number {
                let pool = newest.pool.clone();
                self.expect(at, &pool, now);
            }
        }
    }

    /// Connects to the servers of a pool's newest view, which is used once they are ready.
    fn expect(&mut self, at: usize, pool: &Arc<Pool>, now: Instant) {
        let lanes = &self.pools[at];
        let sets = lanes.incoming.iter().map(|incoming| &incoming.set).chain([&lanes.used]);
        // Connections of a pool with other settings are other connections.
        let known: HashMap<Arc<str>, LaneId> = sets
            .filter(|set| Arc::ptr_eq(&set.pool, pool))
            .flat_map(|set| &set.lanes)
            .map(|&lane| (self.upstreams[lane].server.label.clone(), lane))
            .collect();
        let set = self.connect(pool, &known, now);
        let mut until = now + pool.settings.server.connect_timeout;
        // Servers of a view that was never used, and are not in this one either.
        if let Some(skipped) = self.pools[at].incoming.take() {
            if Arc::ptr_eq(&skipped.set.pool, pool) {
                // Or a set that changes all the time would never be used.
                until = until.min(skipped.until);
            }
            let staying: HashSet<LaneId> =
                set.lanes.iter().chain(&self.pools[at].used.lanes).copied().collect();
            skipped.set.lanes.into_iter().filter(|lane| !staying.contains(lane)).for_each(|lane| {
                self.depart(lane);
            });
        }
        self.pools[at].incoming = Some(Incoming { set, until });
        self.settle(at, now);
        self.wake_at = Some(now);
    }

    /// The newest view of a pool with a connection for each server: a known one, or a new one.
    fn connect(&mut self, pool: &Arc<Pool>, known: &HashMap<Arc<str>, LaneId>, now: Instant) -> Set {
        let view = pool.view();
        let mut lanes = Vec::with_capacity(view.servers.len());
        for server in &view.servers {
            if let Some(&lane) = known.get(&server.label) {
                self.upstreams[lane].departing = false;
                lanes.push(lane);
                continue;
            }
            let entry = self.upstreams.vacant_entry();
            let lane = entry.key();
            self.seed = self.seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            let mut upstream = Upstream::new(
                server.clone(),
                pool.settings.clone(),
                pool.tally.count(&server.label),
                self.limits.clone(),
                lane,
                self.seed,
                now,
            );
            if let Some(registry) = &self.registry {
                upstream.connect(registry, now);
            }
            entry.insert(upstream);
            lanes.push(lane);
        }
        Set { pool: pool.clone(), view, lanes }
    }

    /// Uses the newest view of a pool if its servers are ready, or will not be; at once where there was none to ask, as
    /// waiting for a connection is better than to be told that nobody is there.
    pub(super) fn settle(&mut self, at: usize, now: Instant) {
        let PoolLanes { used, incoming: Some(incoming) } = &self.pools[at] else { return };
        let is_settled = |&lane: &LaneId| self.upstreams[lane].is_settled();
        let waits = used.view.unusable().is_none() && now < incoming.until;
        if waits && !incoming.set.lanes.iter().all(is_settled) {
            return;
        }
        let Some(incoming) = self.pools[at].incoming.take() else { return };
        let departed = std::mem::replace(&mut self.pools[at].used, incoming.set);
        let staying: HashSet<LaneId> = self.pools[at].used.lanes.iter().copied().collect();
        departed.lanes.into_iter().filter(|lane| !staying.contains(lane)).for_each(|lane| self.depart(lane));
        self.keep_order(at);
    }

    fn depart(&mut self, lane: LaneId) {
        if let Some(upstream) = self.upstreams.get_mut(lane) {
            upstream.departing = true;
        }
    }
}
