//! How much memory an item takes.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Plan;
use super::scenario::{Scenario, VALUE_BYTES};
use crate::load::{Dialect, Items, Load};
use crate::report::{Figure, Report, Target};
use crate::servers::Server;
use crate::stats::Spread;

/// Enough that nothing is evicted.
const MEMORY_MIB: u64 = 1024;

pub(super) fn run(scenario: &Scenario, items: u32, plan: &Plan, report: &mut Report) -> Result<()> {
    let stored = Items::new(items, 20, VALUE_BYTES);
    let load = Load { dialect: Dialect::Classic, items: &stored, connections: 8, in_flight: 64, threads: 1 };
    let mut bytes = Vec::new();
    for contender in &plan.contenders {
        let server = contender.start(MEMORY_MIB);
        let empty = server.program().usage().resident_bytes;
        load.fill(server.addr()).with_context(|| contender.name())?;
        let each = settled_resident(&server) as f64 / f64::from(items);
        // A sample of what was stored must still be there, or little memory would be no merit.
        load.serve(server.addr())?.run_for(plan.timing.measured).with_context(|| contender.name())?;
        println!(
            "  {:<15} {each:>6.1} bytes an item ({} KiB before the first)",
            contender.name(),
            empty >> 10
        );
        bytes.push(each);
    }
    let rivals = plan.contenders.iter().zip(&bytes).filter(|(contender, _)| !contender.is_ours());
    let best = rivals.min_by(|a, b| a.1.total_cmp(b.1));
    let ours = plan.contenders.iter().zip(&bytes).find(|(contender, _)| contender.is_ours());
    if let (Some((_, &ours)), Some((rival, &theirs))) = (ours, best) {
        report.add(Figure {
            scenario: scenario.name,
            what: "memory",
            unit: "bytes/item",
            ours,
            theirs,
            rival: rival.name(),
            judged: Spread::of([ours]),
            judged_is_ratio: false,
            target: scenario.targets.item_bytes_max.map(Target::AtMost),
        });
    }
    Ok(())
}

/// Resident memory once it has stopped changing: tables that were outgrown are given back a little later.
fn settled_resident(server: &Server) -> u64 {
    let resident = || server.program().usage().resident_bytes;
    let start = Instant::now();
    let mut last = resident();
    loop {
        thread::sleep(Duration::from_millis(1200));
        let now = resident();
        if now.abs_diff(last) < 1 << 16 || start.elapsed() > Duration::from_secs(10) {
            return now;
        }
        last = now;
    }
}
