//! What clients cost that are connected and silent.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::Plan;
use super::contender::{Contender, ask_once};
use super::scenario::{IDLE_MIB_MAX, Scenario};
use crate::report::{Figure, Report, Target};
use crate::stats::Spread;

/// Long enough for buffers to be given back, if ever they are.
const SETTLING: Duration = Duration::from_secs(2);

pub(super) fn run(scenario: &Scenario, connections: usize, plan: &Plan, report: &mut Report) -> Result<()> {
    let mut costs = Vec::new();
    for contender in plan.contenders.iter().filter(|one| !matches!(one, Contender::Direct { .. })) {
        let rig = contender.start();
        // The first client may make it open connections to its servers, which are no cost of clients.
        drop(ask_once(rig.addr())?);
        let before = rig.program().usage().resident_bytes;
        let clients = (0..connections).map(|_| ask_once(rig.addr())).collect::<Result<Vec<_>>>();
        let clients = clients.with_context(|| contender.name())?;
        thread::sleep(SETTLING);
        let after = rig.program().usage().resident_bytes;
        drop(clients);
        let mib = after.saturating_sub(before) as f64 / f64::from(1 << 20);
        println!(
            "  {:<10} {mib:>6.1} MiB, {:.0} bytes a client ({:.1} MiB before the first)",
            contender.name(),
            mib * f64::from(1 << 20) / connections as f64,
            before as f64 / f64::from(1 << 20),
        );
        costs.push((contender, mib));
    }
    let ours = costs.iter().find(|(one, _)| matches!(one, Contender::Peerset { .. }));
    let theirs = costs.iter().find(|(one, _)| **one == Contender::Twemproxy);
    if let (Some((_, ours)), Some((rival, theirs))) = (ours, theirs) {
        report.add(Figure {
            scenario: scenario.name,
            what: "resident",
            unit: "MiB",
            ours: *ours,
            theirs: *theirs,
            rival: rival.name().to_owned(),
            judged: Spread::of([*ours]),
            judged_is_ratio: false,
            target: Some(Target::AtMost(IDLE_MIB_MAX)),
        });
    }
    Ok(())
}
