//! Plans that were, for requests that came while they were: each goes on by the route that it is on.

use std::collections::HashSet;
use std::sync::Arc;

use peerset_route::PoolId;

use super::plan::Plan;

/// Those that something under way goes by; looked through when there is another plan.
#[derive(Default)]
pub(super) struct PastPlans(Vec<Past>);

struct Past {
    plan: Arc<Plan>,
    /// For each of its pools, which one it is now, by its name.
    pools: Vec<Option<PoolId>>,
}

impl PastPlans {
    /// `before` has given way to `now`. Those stay whose numbers are `used`.
    pub(super) fn retire(&mut self, before: Arc<Plan>, now: &Plan, used: &HashSet<u32>) {
        self.0.push(Past { plan: before, pools: Vec::new() });
        self.0.retain(|past| used.contains(&past.plan.number));
        for past in &mut self.0 {
            let place = |name: &str| now.pools.iter().position(|pool| pool.name() == name);
            let place = |name: &str| place(name).and_then(|at| u16::try_from(at).ok()).map(PoolId);
            past.pools = past.plan.pools.iter().map(|pool| place(pool.name())).collect();
        }
    }

    /// The plan of this number.
    pub(super) fn plan(&self, number: u32) -> Option<&Arc<Plan>> {
        self.0.iter().map(|past| &past.plan).find(|plan| plan.number == number)
    }

    /// What is now the pool of a past plan; none if it is no more.
    pub(super) fn pool(&self, plan: u32, pool: PoolId) -> Option<PoolId> {
        let past = self.0.iter().find(|past| past.plan.number == plan)?;
        past.pools.get(usize::from(pool.0)).copied().flatten()
    }
}
