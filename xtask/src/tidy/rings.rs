//! Which crate may use which: arrows point inwards only.

use super::Problem;
use super::workspace::{Crate, Dependency, Kind, Workspace};
use std::fmt;

/// Where a crate stands. A crate uses its own ring and those before it in this list, and ring 0 nothing of the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ring {
    /// Ring 0: logic alone. No clock, socket, runtime, environment, or randomness of the process.
    Pure,
    /// Ring 1: what drivers and users of them agree on.
    Contract,
    /// Ring 2: one outside system each.
    Driver,
    /// Ring 3: what is put together of them.
    Assembly,
    /// What only developers run, free to use everything; nothing but a test uses it.
    Beside,
}

/// The place of every crate, made or planned, by its short name; see ARCHITECTURE.md. A new crate is a new line.
const PLACES: &[(Ring, &[&str])] = &[
    (Ring::Pure, &["placement", "balance", "proto-memcache", "store"]),
    (Ring::Contract, &["cluster", "route"]),
    (
        Ring::Driver,
        &[
            "discover-zookeeper",
            "discover-etcd",
            "discover-gossip",
            "discover-dns",
            "discover-elasticache",
            "discover-gce",
            "client-memcache",
            "client-http",
            "client-thrift",
            "client-grpc",
            "groupcache",
            "ownership",
        ],
    ),
    (Ring::Assembly, &["peerset", "node"]),
    (Ring::Beside, &["testkit", "bench", "xtask", "fuzz"]),
];

const FILE: &str = "xtask/src/tidy/rings.rs";

pub(crate) fn place(member: &Crate) -> Option<Ring> {
    let name = member.short_name();
    PLACES.iter().find(|(_, names)| names.contains(&name)).map(|(ring, _)| *ring)
}

pub(crate) fn check(workspace: &Workspace) -> Vec<Problem> {
    let mut problems = Vec::new();
    for member in &workspace.crates {
        let Some(ring) = place(member) else {
            problems.push(Problem {
                file: FILE.to_owned(),
                rule: "every crate has a ring",
                what: format!("{} has no line in PLACES", member.name),
                fix: format!("add {:?} to the ring it belongs to", member.short_name()),
            });
            continue;
        };
        for dependency in &member.dependencies {
            let Some(used) = workspace.find(&dependency.name) else { continue };
            let Some(used_ring) = place(used) else { continue };
            if let Some((rule, fix)) = forbidden(member, ring, used, used_ring, dependency) {
                problems.push(Problem {
                    file: member.manifest(),
                    rule,
                    what: format!("{} ({ring}) uses {} ({used_ring})", member.name, used.name),
                    fix: fix.to_owned(),
                });
            }
        }
    }
    problems
}

/// The first rule this arrow breaks, with the remedy.
fn forbidden(
    from: &Crate,
    from_ring: Ring,
    to: &Crate,
    to_ring: Ring,
    dependency: &Dependency,
) -> Option<(&'static str, &'static str)> {
    let only_in_tests = dependency.kind == Kind::Dev;
    let meets =
        |one: &str, other: &str| from.short_name().starts_with(one) && to.short_name().starts_with(other);
    if from_ring == Ring::Beside {
        return None;
    }
    if to_ring == Ring::Beside {
        return (!only_in_tests || to.short_name() != "testkit").then_some((
            "what only developers run is used by tests alone, and of it only testkit",
            "move it to [dev-dependencies], or the code that both need into a crate of a ring",
        ));
    }
    if from_ring == Ring::Pure && !only_in_tests {
        return Some((
            "ring 0 uses nothing of the workspace",
            "pass what is needed as an argument, or move the code that joins the two to an outer ring",
        ));
    }
    if to_ring > from_ring {
        return Some((
            "arrows point inwards: no crate uses one of an outer ring",
            "move the shared part inwards, or turn the call round with a trait or a Watch",
        ));
    }
    (meets("discover-", "client-") || meets("client-", "discover-")).then_some((
        "sources and clients never use each other: they meet at peerset_cluster::Watch",
        "take a Watch where the client is made, and let ring 3 join the two",
    ))
}

impl fmt::Display for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ring::Pure => "ring 0",
            Ring::Contract => "ring 1",
            Ring::Driver => "ring 2",
            Ring::Assembly => "ring 3",
            Ring::Beside => "beside the rings",
        })
    }
}
