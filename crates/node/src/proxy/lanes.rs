//! One worker's connections to the servers of all pools, and which of them a key goes to.
//!
//! When a pool changes, connections to its new servers are made first, and the new ring is used when they stand (or have
//! failed, or took too long); servers that left are asked nothing more, and their connections close when what they were
//! asked is answered.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::Registry;
use peerset_proto_memcache::Limits;
use peerset_route::{OwnerDown, PoolId};
use slab::Slab;

use super::plan::Plan;
use super::pool::{Pool, Server, View};
use super::upstream::{Refused, Replies, Upstream};

/// How often time-outs are looked for while anything is under way.
const CHECK: Duration = Duration::from_millis(10);

/// Owners tried after the first where the policy is to go on to the next.
const NEXT_MAX: usize = 8;

/// A connection's number on its worker.
pub(super) type LaneId = usize;

pub(super) struct Lanes {
    registry: Option<Registry>,
    limits: Limits,
    upstreams: Slab<Upstream>,
    /// In the order of the plan's pools.
    pools: Vec<PoolLanes>,
    /// Connections with something to send in this turn.
    sending: Vec<LaneId>,
    next_check: Instant,
    /// When something has to be looked at though nothing happens.
    wake_at: Option<Instant>,
    seed: u64,
}

struct PoolLanes {
    pool: Arc<Pool>,
    view: Arc<View>,
    /// The connections, in the order of the view's servers.
    lanes: Vec<LaneId>,
    incoming: Option<Incoming>,
}

/// A view that waits for its new servers.
struct Incoming {
    view: Arc<View>,
    lanes: Vec<LaneId>,
    until: Instant,
}

/// Why nobody can be asked.
pub(super) enum NoLane {
    /// The pool has no servers.
    Unusable(&'static str),
    /// The owner is down, and whoever else might be asked.
    Down(Arc<Server>),
    /// Too much waits for the owner already.
    Overloaded(Arc<Server>),
}

impl Lanes {
    pub(super) fn new(limits: Limits, seed: u64) -> Lanes {
        Lanes {
            registry: None,
            limits,
            upstreams: Slab::new(),
            pools: Vec::new(),
            sending: Vec::new(),
            next_check: Instant::now(),
            wake_at: None,
            seed,
        }
    }

    pub(super) fn attach(&mut self, registry: Registry) {
        self.registry = Some(registry);
    }

    pub(super) fn pool(&self, id: PoolId) -> &Arc<Pool> {
        &self.pools[usize::from(id.0)].pool
    }

    /// The connections to a pool's servers, or why it has none.
    pub(super) fn of_pool(&self, id: PoolId) -> Result<Vec<LaneId>, &'static str> {
        let pool = &self.pools[usize::from(id.0)];
        match pool.view.unusable() {
            Some(state) => Err(state),
            None => Ok(pool.lanes.clone()),
        }
    }

    /// The connection that a key's requests go over.
    #[inline]
    pub(super) fn pick(&mut self, id: PoolId, key: &[u8], now: Instant) -> Result<LaneId, NoLane> {
        let pool = &self.pools[usize::from(id.0)];
        let Some(owner) = pool.view.fleet.owner(key) else {
            return Err(NoLane::Unusable(pool.view.unusable().unwrap_or("empty")));
        };
        let lane = pool.lanes[owner];
        match self.admit(lane, now) {
            Ok(()) => Ok(lane),
            Err(refused) => self.pick_next(id, key, lane, refused, now),
        }
    }

    #[cold]
    fn pick_next(
        &mut self,
        id: PoolId,
        key: &[u8],
        owner: LaneId,
        refused: Refused,
        now: Instant,
    ) -> Result<LaneId, NoLane> {
        let server = self.upstreams[owner].server.clone();
        if refused == Refused::Overloaded {
            return Err(NoLane::Overloaded(server));
        }
        let pool = &self.pools[usize::from(id.0)];
        if pool.pool.settings.owner_down == OwnerDown::Next {
            let others: Vec<LaneId> =
                pool.view.fleet.owners(key, NEXT_MAX).into_iter().skip(1).map(|at| pool.lanes[at]).collect();
            for lane in others {
                if self.admit(lane, now).is_ok() {
                    return Ok(lane);
                }
            }
        }
        Err(NoLane::Down(server))
    }

    #[inline]
    pub(super) fn admit(&mut self, lane: LaneId, now: Instant) -> Result<(), Refused> {
        self.wake_at = Some(now);
        let Some(registry) = &self.registry else { return Err(Refused::Down) };
        self.upstreams[lane].admit(registry, now)
    }

    /// A connection to write a request to; it is sent at the end of the turn.
    #[inline]
    pub(super) fn lane(&mut self, lane: LaneId) -> &mut Upstream {
        let upstream = &mut self.upstreams[lane];
        if !upstream.queued {
            upstream.queued = true;
            self.sending.push(lane);
        }
        upstream
    }

    /// Looks at a connection without sending anything.
    pub(super) fn peek(&self, lane: LaneId) -> &Upstream {
        &self.upstreams[lane]
    }

    pub(super) fn ready(
        &mut self,
        lane: LaneId,
        read_closed: bool,
        scratch: &mut [u8],
        now: Instant,
        desk: &mut impl Replies,
    ) {
        let (Some(registry), Some(upstream)) = (&self.registry, self.upstreams.get_mut(lane)) else { return };
        self.wake_at = Some(now);
        let queued = upstream.queued;
        upstream.ready(registry, read_closed, scratch, now, desk);
        if upstream.queued && !queued {
            self.sending.push(lane);
        }
    }

    /// Sends what was gathered.
    pub(super) fn flush(&mut self, now: Instant, desk: &mut impl Replies) {
        let Some(registry) = &self.registry else { return };
        for lane in self.sending.drain(..) {
            if let Some(upstream) = self.upstreams.get_mut(lane) {
                upstream.flush(registry, now, desk);
            }
        }
    }

    /// Looks for what is overdue, at times.
    #[inline]
    pub(super) fn check(&mut self, now: Instant, desk: &mut impl Replies) {
        if now >= self.next_check {
            self.next_check = now + CHECK;
            self.maintain(now, desk);
        }
    }

    fn maintain(&mut self, now: Instant, desk: &mut impl Replies) {
        let Some(registry) = &self.registry else { return };
        self.wake_at = None;
        for (_, upstream) in &mut self.upstreams {
            upstream.maintain(registry, now, desk);
            self.wake_at = earlier(self.wake_at, upstream.wake_at(now));
        }
        self.upstreams.retain(|_, upstream| !upstream.departing || upstream.is_busy());
        for at in 0..self.pools.len() {
            self.settle(at, now);
            if self.pools[at].incoming.is_some() {
                self.wake_at = Some(now);
            }
        }
    }

    /// How long there is nothing to look for.
    pub(super) fn patience(&self, now: Instant) -> Option<Duration> {
        self.wake_at.map(|at| at.saturating_duration_since(now).max(CHECK))
    }

    /// Takes over the pools of a plan, those that it shares with the last one as they are.
    pub(super) fn follow(&mut self, plan: &Plan, now: Instant) {
        let mut before: Vec<Option<PoolLanes>> = self.pools.drain(..).map(Some).collect();
        for pool in &plan.pools {
            let kept = before
                .iter_mut()
                .find(|lanes| lanes.as_ref().is_some_and(|lanes| Arc::ptr_eq(&lanes.pool, pool)));
            let lanes = kept.and_then(Option::take).unwrap_or_else(|| {
                let view = pool.view();
                let lanes = self.connect(pool, &view, &HashMap::new(), now);
                PoolLanes { pool: pool.clone(), view, lanes, incoming: None }
            });
            self.pools.push(lanes);
        }
        for gone in before.into_iter().flatten() {
            for lane in
                gone.lanes.into_iter().chain(gone.incoming.into_iter().flat_map(|incoming| incoming.lanes))
            {
                self.depart(lane);
            }
        }
        self.wake_at = Some(now);
    }

    /// Sees whether pools have changed.
    pub(super) fn look(&mut self, now: Instant) {
        for at in 0..self.pools.len() {
            let newest =
                self.pools[at].incoming.as_ref().map_or(self.pools[at].view.number, |view| view.view.number);
            if self.pools[at].pool.number() == newest {
                continue;
            }
            let pool = self.pools[at].pool.clone();
            let view = pool.view();
            let mut known: HashMap<Arc<str>, LaneId> = HashMap::new();
            let lanes = &self.pools[at];
            let earlier = lanes.incoming.iter().flat_map(|incoming| &incoming.lanes).chain(&lanes.lanes);
            for &lane in earlier {
                known.insert(self.upstreams[lane].server.label.clone(), lane);
            }
            let lanes = self.connect(&pool, &view, &known, now);
            // Servers of a view that was never used, and are not in this one either.
            if let Some(skipped) = self.pools[at].incoming.take() {
                for lane in skipped.lanes {
                    if !lanes.contains(&lane) && !self.pools[at].lanes.contains(&lane) {
                        self.depart(lane);
                    }
                }
            }
            let until = now + pool.settings.server.connect_timeout;
            self.pools[at].incoming = Some(Incoming { view, lanes, until });
            self.settle(at, now);
            self.wake_at = Some(now);
        }
    }

    fn connect(
        &mut self,
        pool: &Arc<Pool>,
        view: &View,
        known: &HashMap<Arc<str>, LaneId>,
        now: Instant,
    ) -> Vec<LaneId> {
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
                pool.count(&server.label),
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
        lanes
    }

    /// Uses the newest view of a pool if its servers are ready, or will not be.
    fn settle(&mut self, at: usize, now: Instant) {
        let Some(incoming) = &self.pools[at].incoming else { return };
        if now < incoming.until && !incoming.lanes.iter().all(|&lane| self.upstreams[lane].is_settled()) {
            return;
        }
        let Some(incoming) = self.pools[at].incoming.take() else { return };
        let departed = std::mem::replace(&mut self.pools[at].lanes, incoming.lanes);
        self.pools[at].view = incoming.view;
        let staying: std::collections::HashSet<LaneId> = self.pools[at].lanes.iter().copied().collect();
        for lane in departed {
            if !staying.contains(&lane) {
                self.depart(lane);
            }
        }
    }

    fn depart(&mut self, lane: LaneId) {
        if let Some(upstream) = self.upstreams.get_mut(lane) {
            upstream.departing = true;
        }
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
