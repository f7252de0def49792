//! What is measured, and what it should come to.

use crate::only::Named;

/// One row of questions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) work: Work,
    /// Whether system calls are counted.
    pub(super) count_syscalls: bool,
    pub(super) targets: Targets,
}

/// What the callers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Work {
    /// Callers at a time; each waits for its answer before it asks again.
    pub(super) tasks: usize,
    /// Keys of one read; a read of several counts as one operation.
    pub(super) keys: usize,
}

/// Bounds on what is judged; all but the last on the ratio to the best rival.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Targets {
    pub(super) throughput_min: Option<f64>,
    pub(super) cpu_max: Option<f64>,
    pub(super) p99_max: Option<f64>,
    /// System calls an operation.
    pub(super) syscalls_max: Option<f64>,
}

pub(super) const KEY_COUNT: u32 = 10_000;
pub(super) const KEY_BYTES: usize = 12;
pub(super) const VALUE_BYTES: usize = 100;

const NONE: Targets = Targets { throughput_min: None, cpu_max: None, p99_max: None, syscalls_max: None };

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "tasks-1",
        about: "get and set, 1 task",
        work: Work { tasks: 1, keys: 1 },
        count_syscalls: false,
        targets: Targets { throughput_min: Some(0.95), ..NONE },
    },
    Scenario {
        name: "tasks-16",
        about: "get and set, 16 tasks",
        work: Work { tasks: 16, keys: 1 },
        count_syscalls: false,
        targets: Targets { throughput_min: Some(1.7), cpu_max: Some(0.55), ..NONE },
    },
    Scenario {
        name: "tasks-128",
        about: "get and set, 128 tasks",
        work: Work { tasks: 128, keys: 1 },
        count_syscalls: true,
        targets: Targets {
            throughput_min: Some(5.0),
            cpu_max: Some(0.2),
            p99_max: Some(0.35),
            syscalls_max: Some(0.2),
        },
    },
    Scenario {
        name: "multiget",
        about: "get of 100 keys (counted as one operation) and set, 16 tasks",
        work: Work { tasks: 16, keys: 100 },
        count_syscalls: false,
        targets: Targets { throughput_min: Some(1.15), ..NONE },
    },
];

impl Named for Scenario {
    fn name(&self) -> &'static str {
        self.name
    }
}
