//! One worker's connections to the servers of all pools, and which of them a key goes to.

mod change;
mod order;

use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::Registry;
use peerset_proto_memcache::Limits;
use peerset_route::{Operation, OwnerDown, PoolId};
use slab::Slab;

use super::pool::{Pool, Server, View};
use super::upstream::{Asker, Refused, Replies, Room, Upstream};
use order::Successor;

/// How often time-outs are looked for while anything is under way.
const CHECK: Duration = Duration::from_millis(10);

/// A worker that looks so much later than it should was kept from it.
const AWAY_MIN: Duration = Duration::from_millis(100);

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
    /// Connections that are crowded, and some that no longer are.
    crowded: Vec<LaneId>,
    /// Connections that send nothing before others have been answered.
    successors: Vec<Successor>,
    next_check: Instant,
    /// When something has to be looked at though nothing happens.
    wake_at: Option<Instant>,
    seed: u64,
}

struct PoolLanes {
    used: Set,
    incoming: Option<Incoming>,
}

/// The servers of a pool at one moment.
struct Set {
    pool: Arc<Pool>,
    view: Arc<View>,
    /// The connections, in the order of the view's servers.
    lanes: Vec<LaneId>,
}

/// A set that waits for its new servers.
struct Incoming {
    set: Set,
    until: Instant,
}

impl PoolLanes {
    fn newest(&self) -> &Set {
        self.incoming.as_ref().map_or(&self.used, |incoming| &incoming.set)
    }
}

/// How it stands with the connection that a request would go over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It takes more.
    Open,
    /// So much waits there that this request should wait elsewhere.
    Crowded,
    /// There is none.
    Closed,
}

/// Why nobody can be asked.
pub(super) enum NoLane {
    /// The pool has no servers.
    Unusable(&'static str),
    /// The owner is down, and whoever else might be asked.
    Down(Arc<Server>),
    /// The owner is down, and others, who would be asked as a rule, do not know the version that the request names.
    OwnerOnly(Arc<Server>),
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
            crowded: Vec::new(),
            successors: Vec::new(),
            next_check: Instant::now(),
            wake_at: None,
            seed,
        }
    }

    pub(super) fn attach(&mut self, registry: Registry) {
        self.registry = Some(registry);
    }

    pub(super) fn pool(&self, id: PoolId) -> &Arc<Pool> {
        &self.pools[usize::from(id.0)].used.pool
    }

    /// The connections to a pool's servers, or why it has none.
    pub(super) fn of_pool(&self, id: PoolId) -> Result<Vec<LaneId>, &'static str> {
        let pool = &self.pools[usize::from(id.0)].used;
        match pool.view.unusable() {
            Some(state) => Err(state),
            None => Ok(pool.lanes.clone()),
        }
    }

    /// The connection that a key's requests go over.
    #[inline]
    pub(super) fn pick(
        &mut self,
        id: PoolId,
        key: &[u8],
        operation: Operation,
        now: Instant,
    ) -> Result<LaneId, NoLane> {
        let pool = &self.pools[usize::from(id.0)].used;
        let Some(owner) = pool.view.fleet.owner(key) else {
            return Err(NoLane::Unusable(pool.view.unusable().unwrap_or("empty")));
        };
        let lane = pool.lanes[owner];
        match self.admit(lane, now) {
            Ok(()) => Ok(lane),
            Err(refused) => self.pick_next(id, key, operation, lane, refused, now),
        }
    }

    #[cold]
    fn pick_next(
        &mut self,
        id: PoolId,
        key: &[u8],
        operation: Operation,
        owner: LaneId,
        refused: Refused,
        now: Instant,
    ) -> Result<LaneId, NoLane> {
        let server = self.upstreams[owner].server.clone();
        if refused == Refused::Overloaded {
            return Err(NoLane::Overloaded(server));
        }
        let pool = &self.pools[usize::from(id.0)].used;
        if pool.pool.settings.owner_down == OwnerDown::Next {
            if operation.names_version() {
                return Err(NoLane::OwnerOnly(server));
            }
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
        if self.upstreams[lane].admit(registry, now)? == Room::Little {
            self.crowd(lane);
        }
        Ok(())
    }

    #[cold]
    fn crowd(&mut self, lane: LaneId) {
        let upstream = &mut self.upstreams[lane];
        if !upstream.crowded {
            upstream.crowded = true;
            self.crowded.push(lane);
        }
    }

    /// Whether any connection is crowded.
    #[inline]
    pub(super) fn any_crowded(&self) -> bool {
        !self.crowded.is_empty()
    }

    /// Where a key's request would get to.
    pub(super) fn way(&self, id: PoolId, key: &[u8], operation: Operation) -> Way {
        let pool = &self.pools[usize::from(id.0)].used;
        let of = |at: usize| &self.upstreams[pool.lanes[at]];
        let Some(owner) = pool.view.fleet.owner(key) else { return Way::Closed };
        let taker = match of(owner).is_down() {
            false => Some(owner),
            true if pool.pool.settings.owner_down == OwnerDown::Next && !operation.names_version() => {
                pool.view.fleet.owners(key, NEXT_MAX).into_iter().find(|&at| !of(at).is_down())
            }
            true => None,
        };
        match taker {
            Some(at) if of(at).crowded => Way::Crowded,
            Some(_) => Way::Open,
            None => Way::Closed,
        }
    }

    /// True if a connection is crowded no more.
    pub(super) fn have_cleared(&mut self) -> bool {
        let before = self.crowded.len();
        let upstreams = &mut self.upstreams;
        self.crowded.retain(|&lane| upstreams.get_mut(lane).is_some_and(Upstream::stays_crowded));
        self.crowded.len() < before
    }

    /// Whether any server was asked something that it has not answered.
    pub(super) fn owe(&self) -> bool {
        self.upstreams.iter().any(|(_, upstream)| upstream.owes())
    }

    /// A connection to write a request to, and whose; it is sent at the end of the turn.
    #[inline]
    pub(super) fn lane(&mut self, lane: LaneId, asker: Asker) -> &mut Upstream {
        let upstream = self.queue(lane);
        upstream.hear(asker);
        upstream
    }

    /// A connection that has something to send at the end of the turn.
    #[inline]
    fn queue(&mut self, lane: LaneId) -> &mut Upstream {
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
        self.let_follow(now);
        let Some(registry) = &self.registry else { return };
        let upstreams = &mut self.upstreams;
        self.sending.retain(|&lane| {
            let Some(upstream) = upstreams.get_mut(lane) else { return false };
            let holds = upstream.holds(now);
            if !holds {
                upstream.flush(registry, now, desk);
            }
            holds
        });
    }

    /// Whether sending was put off to the next turn.
    pub(super) fn is_holding(&self) -> bool {
        !self.sending.is_empty()
    }

    /// Looks for what is overdue, at times.
    #[inline]
    pub(super) fn check(&mut self, now: Instant, desk: &mut impl Replies) {
        if now >= self.next_check {
            // Who had no CPU, in the middle of a turn perhaps, cannot say who was silent meanwhile.
            let away = now.saturating_duration_since(self.next_check);
            if away >= AWAY_MIN {
                self.upstreams.iter_mut().for_each(|(_, upstream)| upstream.excuse(away, now));
            }
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

    /// The plans by which what waits for servers was asked.
    pub(super) fn plans(&self) -> impl Iterator<Item = u32> {
        self.upstreams.iter().flat_map(|(_, upstream)| upstream.plans())
    }

    /// How long there is nothing to look for.
    pub(super) fn patience(&self, now: Instant) -> Option<Duration> {
        self.wake_at.map(|at| at.saturating_duration_since(now).max(CHECK))
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
