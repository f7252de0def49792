//! What is measured, and what it should come to.

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
    /// One more member in a set of so many.
    Join { members: u32 },
    /// A set of so many, from nothing known to the first snapshot.
    FirstLoad { members: u32 },
    /// What so many take in memory once they are known.
    Footprint { members: u32 },
    /// So many watchers of one set in one process.
    Sharing { watchers: usize },
}

/// From the join to the snapshot, beyond what a bare watch takes to fire.
pub(super) const JOIN_MS_MAX: f64 = 3.0;
/// What one watcher asks of the server for one join.
pub(super) const JOIN_REQUESTS_MAX: f64 = 3.0;
/// Time of the first load, to that of the same reads sent all at once.
pub(super) const FIRST_LOAD_MAX: f64 = 1.3;
/// Resident memory a member.
pub(super) const MEMBER_BYTES_MAX: f64 = 2048.0;
/// Sessions of a process, and its requests for a join to those of a process with one watcher.
pub(super) const SHARED_MAX: f64 = 1.0;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "join", about: "one more member in a set of 1,000", work: Work::Join { members: 1000 } },
    Scenario {
        name: "first-load",
        about: "10,000 members, from a connected session to the first snapshot",
        work: Work::FirstLoad { members: 10_000 },
    },
    Scenario {
        name: "footprint",
        about: "resident memory of a process that knows 10,000 members",
        work: Work::Footprint { members: 10_000 },
    },
    Scenario {
        name: "sharing",
        about: "100 watchers of one set in one process, each opened by itself",
        work: Work::Sharing { watchers: 100 },
    },
];

impl Named for Scenario {
    fn name(&self) -> &'static str {
        self.name
    }
}
