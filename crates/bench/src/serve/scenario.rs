//! What is measured, and what it should come to.

use crate::load::Dialect;
use crate::only::Named;

/// One row of questions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) work: Work,
    pub(super) targets: Targets,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    /// Requests for a while.
    Load(Shape),
    /// So many items stored, then a look at the memory.
    Footprint { items: u32 },
    /// Values of 1 byte to 1 MiB, overwritten, appended to, expiring, for a while, in so much memory.
    Mix { memory_mib: u64 },
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) dialect: Dialect,
    pub(super) in_flight: usize,
    /// Whether system calls are counted.
    pub(super) count_syscalls: bool,
}

/// Bounds on what is judged; the first three on the ratio to memcached.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Targets {
    pub(super) throughput_min: Option<f64>,
    pub(super) cpu_max: Option<f64>,
    pub(super) p99_max: Option<f64>,
    /// System calls an operation.
    pub(super) syscalls_max: Option<f64>,
    /// Resident bytes an item.
    pub(super) item_bytes_max: Option<f64>,
}

pub(super) const CONNECTIONS: usize = 50;
pub(super) const KEY_COUNT: u32 = 10_000;
pub(super) const VALUE_BYTES: usize = 100;

const NONE: Targets =
    Targets { throughput_min: None, cpu_max: None, p99_max: None, syscalls_max: None, item_bytes_max: None };

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "classic-1",
        about: "get and set, 50 connections, 1 in flight",
        work: Work::Load(Shape { dialect: Dialect::Classic, in_flight: 1, count_syscalls: true }),
        targets: Targets { syscalls_max: Some(2.2), ..speed(1.0, 1.0) },
    },
    Scenario {
        name: "classic-32",
        about: "get and set, 50 connections, 32 in flight",
        work: Work::Load(Shape { dialect: Dialect::Classic, in_flight: 32, count_syscalls: true }),
        targets: Targets { syscalls_max: Some(0.2), ..speed(4.5, 0.25) },
    },
    Scenario {
        name: "meta-32",
        about: "mg and ms, 50 connections, 32 in flight",
        work: Work::Load(Shape { dialect: Dialect::Meta, in_flight: 32, count_syscalls: false }),
        targets: speed(1.05, 0.95),
    },
    Scenario {
        name: "multiget",
        about: "get of 20 keys (counted as one operation) and set, 50 connections, 1 in flight",
        work: Work::Load(Shape { dialect: Dialect::MultiGet(20), in_flight: 1, count_syscalls: false }),
        targets: speed(1.1, 0.9),
    },
    Scenario {
        name: "footprint",
        about: "1,000,000 items with keys of 20 and values of 100 bytes",
        work: Work::Footprint { items: 1_000_000 },
        targets: Targets { item_bytes_max: Some(175.0), ..NONE },
    },
    Scenario {
        name: "mix",
        about: "values of 1 B to 1 MiB, overwritten, appended to, expiring, deleted, in 64 MiB",
        work: Work::Mix { memory_mib: 64 },
        targets: NONE,
    },
];

impl Named for Scenario {
    fn name(&self) -> &'static str {
        self.name
    }
}

const fn speed(throughput_min: f64, cpu_max: f64) -> Targets {
    Targets { throughput_min: Some(throughput_min), cpu_max: Some(cpu_max), p99_max: Some(1.0), ..NONE }
}
