//! What the proxy does at the moment: pools and the route over them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use peerset_route::Table;

use super::counters::{CommandCounters, RouteCounters};
use super::pool::{Pool, Tallies};

/// Immutable: a reload makes another one.
pub(crate) struct Plan {
    /// Greater for each later plan.
    pub(crate) number: u32,
    pub(crate) table: Table,
    /// In the order of the table's pools.
    pub(crate) pools: Vec<Arc<Pool>>,
    /// For each worker, for each node of the table; nodes of one label share theirs, also with the plan before.
    pub(crate) routes: Vec<Vec<Arc<RouteCounters>>>,
}

impl Plan {
    /// The plan that follows on the one `before`.
    pub(crate) fn new(table: Table, pools: Vec<Arc<Pool>>, workers: usize, before: Option<&Plan>) -> Plan {
        let routes = (0..workers).map(|worker| {
            let mut counters: HashMap<&str, Arc<RouteCounters>> = HashMap::new();
            if let Some(before) = before {
                let labels = before.table.labels().iter().map(String::as_str);
                counters.extend(labels.zip(before.routes[worker].iter().cloned()));
            }
            table.labels().iter().map(|label| counters.entry(label).or_default().clone()).collect()
        });
        let routes = routes.collect();
        Plan { number: before.map_or(1, |before| before.number.wrapping_add(1)), table, pools, routes }
    }
}

/// What workers, pages and the main thread share.
pub(crate) struct Shared {
    plan: Mutex<Arc<Plan>>,
    number: AtomicU32,
    /// One set for each worker.
    pub(crate) commands: Box<[CommandCounters]>,
    /// What was counted of servers.
    pub(crate) tallies: Arc<Tallies>,
}

impl Shared {
    pub(crate) fn new(plan: Plan, workers: usize, tallies: Arc<Tallies>) -> Shared {
        Shared {
            tallies,
            number: AtomicU32::new(plan.number),
            plan: Mutex::new(Arc::new(plan)),
            commands: (0..workers).map(|_| CommandCounters::default()).collect(),
        }
    }

    /// The plan of now.
    pub(crate) fn plan(&self) -> Arc<Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its number, without the plan.
    pub(crate) fn number(&self) -> u32 {
        self.number.load(Ordering::Acquire)
    }

    /// Takes another plan; the workers have to be woken.
    pub(crate) fn follow(&self, plan: Plan) {
        let number = plan.number;
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(plan);
        self.number.store(number, Ordering::Release);
    }
}
