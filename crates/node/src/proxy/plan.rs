//! What the proxy does at the moment: pools and the route over them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use peerset_route::Table;

use super::counters::{CommandCounters, RouteCounters};
use super::pool::Pool;

/// Immutable: a reload makes another one.
pub(crate) struct Plan {
    /// Greater for each later plan.
    pub(crate) number: u64,
    pub(crate) table: Table,
    /// In the order of the table's pools.
    pub(crate) pools: Vec<Arc<Pool>>,
    /// For each worker, for each node of the table.
    pub(crate) routes: Vec<Vec<RouteCounters>>,
}

impl Plan {
    pub(crate) fn new(number: u64, table: Table, pools: Vec<Arc<Pool>>, workers: usize) -> Plan {
        let nodes = || (0..table.len()).map(|_| RouteCounters::default()).collect();
        let routes = (0..workers).map(|_| nodes()).collect();
        Plan { number, table, pools, routes }
    }
}

/// What workers, pages and the main thread share.
pub(crate) struct Shared {
    plan: Mutex<Arc<Plan>>,
    number: AtomicU64,
    /// One set for each worker.
    pub(crate) commands: Box<[CommandCounters]>,
}

impl Shared {
    pub(crate) fn new(plan: Plan, workers: usize) -> Shared {
        Shared {
            number: AtomicU64::new(plan.number),
            plan: Mutex::new(Arc::new(plan)),
            commands: (0..workers).map(|_| CommandCounters::default()).collect(),
        }
    }

    /// The plan of now.
    pub(crate) fn plan(&self) -> Arc<Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its number, without the plan.
    pub(crate) fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    /// Takes another plan; the workers have to be woken.
    pub(crate) fn follow(&self, plan: Plan) {
        let number = plan.number;
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(plan);
        self.number.store(number, Ordering::Release);
    }
}
