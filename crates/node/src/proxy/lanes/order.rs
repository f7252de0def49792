//! Two connections to one server, one after the other.
//!
//! A server may work on what comes over one connection before what came earlier over another. So where a new connection
//! takes the place of one that has answers to give still, what is asked over it is sent when those have come: a client
//! that writes and then reads must not read what was there before.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::{LaneId, Lanes};
use crate::proxy::upstream::Upstream;

/// A connection that waits for another one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Successor {
    lane: LaneId,
    /// To the same server, and departing.
    before: LaneId,
}

impl Lanes {
    /// Has the connections that a pool uses now wait for those that it used before.
    pub(super) fn keep_order(&mut self, at: usize) {
        let set = &self.pools[at].used;
        let leaves = |lane: LaneId| self.upstreams[lane].departing && self.upstreams[lane].owes();
        let departing: Vec<LaneId> =
            self.upstreams.iter().map(|(lane, _)| lane).filter(|&lane| leaves(lane)).collect();
        if departing.is_empty() {
            return;
        }
        let label = |lane: LaneId| &self.upstreams[lane].server.label;
        let used: HashMap<&Arc<str>, LaneId> = set.lanes.iter().map(|&lane| (label(lane), lane)).collect();
        let successor = |before: LaneId| {
            let of_pool = self.upstreams[before].pool() == set.pool.name();
            let lane = used.get(label(before)).copied().filter(|_| of_pool)?;
            Some(Successor { lane, before })
        };
        let successors: Vec<Successor> = departing.into_iter().filter_map(successor).collect();
        for successor in &successors {
            self.upstreams[successor.lane].follows = true;
        }
        self.successors.extend(successors);
    }

    /// Lets those go on whose predecessors have given all answers. To be called in each turn: the number of a connection
    /// that is gone is given to another one.
    pub(super) fn let_follow(&mut self, now: Instant) {
        if self.successors.is_empty() {
            return;
        }
        let upstreams = &self.upstreams;
        let owes = |lane: LaneId| upstreams.get(lane).is_some_and(Upstream::owes);
        let (still, free): (Vec<_>, Vec<_>) = self.successors.drain(..).partition(|it| owes(it.before));
        for Successor { lane, .. } in free {
            if still.iter().all(|other| other.lane != lane)
                && let Some(upstream) = self.upstreams.get_mut(lane)
            {
                upstream.follow(now);
                self.queue(lane);
            }
        }
        self.successors = still;
    }
}
