//! Does resident memory stay within its bound in a mix of sizes, and is every set taken?

use std::time::Duration;

use anyhow::Result;

use super::Plan;
use super::scenario::Scenario;
use crate::memory;
use crate::report::{Figure, Report, Target};
use crate::servers::Contender;
use crate::stats::Spread;

const CONNECTIONS: usize = 8;
const SEED: u64 = 1;

/// As long as it takes to fill the memory many times over.
const PERIOD: Duration = Duration::from_secs(8);

pub(super) fn run(scenario: &Scenario, memory_mib: u64, plan: &Plan, report: &mut Report) -> Result<()> {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let mut results = Vec::new();
    for contender in &plan.contenders {
        let server = contender.start(memory_mib);
        let (counts, resident) =
            memory::measure(server.addr(), server.program().id(), CONNECTIONS, SEED, PERIOD)?;
        println!("  {:<15} at most {:.1} MiB resident; {counts}", contender.name(), mib(resident));
        results.push((mib(resident), counts.refused() as f64));
    }
    let ours = plan.contenders.iter().position(|contender| matches!(contender, Contender::Peerset { .. }));
    let (Some(ours), Some(theirs)) = (ours, results.first().copied()) else { return Ok(()) };
    let ours = results[ours];
    let mut figure = |what, unit, ours, theirs, target| {
        report.add(Figure {
            scenario: scenario.name,
            what,
            unit,
            ours,
            theirs,
            rival: plan.contenders[0].name(),
            judged: Spread::of([ours]),
            judged_is_ratio: false,
            target: Some(Target::AtMost(target)),
        });
    };
    figure("resident", "MiB", ours.0, theirs.0, mib(memory::bound(memory_mib)));
    figure("sets refused", "in all", ours.1, theirs.1, 0.0);
    Ok(())
}
