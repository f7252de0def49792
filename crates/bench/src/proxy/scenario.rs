//! What is measured, and what it should come to.

use crate::load::Dialect;
use crate::only::Named;

/// One row of questions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) work: Work,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    /// Requests for a while.
    Load(Shape),
    /// So many clients that ask once, and then nothing more.
    Idle { connections: usize },
    /// A pool of so many servers, one of which is replaced again and again.
    Ring { servers: usize },
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) dialect: Dialect,
    pub(super) in_flight: usize,
    pub(super) value_bytes: usize,
    pub(super) targets: Targets,
}

/// Bounds on ratios of ours.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Targets {
    /// Throughput, to twemproxy's.
    pub(super) twemproxy_min: Option<f64>,
    /// Throughput, to a direct connection's.
    pub(super) direct_min: Option<f64>,
    /// CPU an operation, to twemproxy's.
    pub(super) cpu_max: Option<f64>,
}

pub(super) const CONNECTIONS: usize = 50;
pub(super) const KEY_COUNT: u32 = 10_000;
pub(super) const KEY_BYTES: usize = 12;
pub(super) const VALUE_BYTES: usize = 100;

/// What 10,000 idle clients may cost in memory.
pub(super) const IDLE_MIB_MAX: f64 = 60.0;
/// How long one change may take from the new set to the ring in use.
pub(super) const SWAP_MS_MAX: f64 = 20.0;
/// Latency of traffic while the pool changes, to that while it does not.
pub(super) const CHANGING_P99_MAX: f64 = 1.25;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "in-flight-1",
        about: "get and set, 50 connections, 1 in flight",
        work: Work::Load(Shape {
            targets: Targets { twemproxy_min: Some(1.4), direct_min: Some(0.75), cpu_max: Some(0.7) },
            ..shape(1)
        }),
    },
    Scenario {
        name: "in-flight-16",
        about: "get and set, 50 connections, 16 in flight",
        work: Work::Load(Shape {
            targets: Targets { twemproxy_min: Some(5.0), direct_min: Some(4.0), cpu_max: Some(0.2) },
            ..shape(16)
        }),
    },
    Scenario {
        name: "large-16",
        about: "get and set of 4 KiB, 50 connections, 16 in flight",
        work: Work::Load(Shape {
            value_bytes: 4096,
            targets: Targets { twemproxy_min: Some(1.75), direct_min: None, cpu_max: None },
            ..shape(16)
        }),
    },
    Scenario {
        name: "multiget",
        about: "get of 20 keys (counted as one operation) and set, 50 connections, 1 in flight",
        work: Work::Load(Shape {
            dialect: Dialect::MultiGet(20),
            targets: Targets { twemproxy_min: Some(1.45), direct_min: Some(0.9), cpu_max: None },
            ..shape(1)
        }),
    },
    Scenario {
        name: "idle",
        about: "10,000 clients that have asked once",
        work: Work::Idle { connections: 10_000 },
    },
    Scenario {
        name: "ring",
        about: "1,000 servers, of which one is replaced every 200 ms",
        work: Work::Ring { servers: 1000 },
    },
];

const fn shape(in_flight: usize) -> Shape {
    let targets = Targets { twemproxy_min: None, direct_min: None, cpu_max: None };
    Shape { dialect: Dialect::Classic, in_flight, value_bytes: VALUE_BYTES, targets }
}

impl Named for Scenario {
    fn name(&self) -> &'static str {
        self.name
    }
}
