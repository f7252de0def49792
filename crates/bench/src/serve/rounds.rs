//! One scenario under load: every server in every round.

use anyhow::{Context, Result};

use super::Plan;
use super::scenario::{CONNECTIONS, KEY_COUNT, Scenario, Shape, VALUE_BYTES};
use crate::load::{Items, Load};
use crate::report::{Figure, Report};
use crate::sample::{self, Sample};
use crate::stats::Spread;

/// Enough for the keys many times over, so that nothing is evicted.
const MEMORY_MIB: u64 = 256;

pub(super) fn run(scenario: &Scenario, shape: &Shape, plan: &Plan, report: &mut Report) -> Result<()> {
    let items = Items::new(KEY_COUNT, 12, VALUE_BYTES);
    let load = Load {
        dialect: shape.dialect,
        items: &items,
        connections: CONNECTIONS,
        in_flight: shape.in_flight,
        threads: plan.load_threads,
    };
    let servers: Vec<_> = plan.contenders.iter().map(|contender| contender.start(MEMORY_MIB)).collect();
    for server in &servers {
        Load { in_flight: 32, ..load }.fill(server.addr())?;
    }
    // A row of samples for each contender.
    let mut samples: Vec<Vec<Sample>> = servers.iter().map(|_| Vec::new()).collect();
    for _ in 0..plan.timing.rounds {
        for ((server, contender), samples) in servers.iter().zip(&plan.contenders).zip(&mut samples) {
            let sample = sample::take(&load, server.addr(), server.program(), &plan.timing);
            samples.push(sample.with_context(|| contender.name())?);
        }
    }
    let syscalls = match shape.count_syscalls {
        true => Some(
            servers
                .iter()
                .map(|server| sample::syscalls(&load, server.addr(), server.program(), &plan.timing))
                .collect::<Result<Vec<_>>>()?,
        ),
        false => None,
    };
    let of = |at: usize, what: fn(&Sample) -> f64| Spread::of(samples[at].iter().map(what));
    for (at, contender) in plan.contenders.iter().enumerate() {
        let calls = syscalls
            .as_ref()
            .map_or(String::new(), |calls| format!("  {:.2} system calls ({})", calls[at].0, calls[at].1));
        println!(
            "  {:<15} {:>9.0} op/s  {:>6.2} µs CPU an op  p50 {:>6.0} p99 {:>6.0} p99.9 {:>6.0} µs{calls}  \
             (load: {:.2} µs user, {:.2} µs CPU an op)",
            contender.name(),
            of(at, |s| s.operations_per_second).median,
            of(at, |s| s.cpu_us).median,
            of(at, |s| s.p50_us).median,
            of(at, |s| s.p99_us).median,
            of(at, |s| s.p999_us).median,
            of(at, |s| s.own_user_us).median,
            of(at, |s| s.own_cpu_us).median,
        );
    }
    let speed = |at: usize| of(at, |s| s.operations_per_second).median;
    let rivals = || (0..samples.len()).filter(|&at| !plan.contenders[at].is_ours());
    let Some(best) = rivals().max_by(|&a, &b| speed(a).total_cmp(&speed(b))) else { return Ok(()) };
    let Some(ours) = plan.contenders.iter().position(crate::servers::Contender::is_ours) else {
        return Ok(());
    };

    let mut figure = |what, unit, value: fn(&Sample) -> f64, ratio: Spread, target| {
        report.add(Figure {
            scenario: scenario.name,
            what,
            unit,
            ours: of(ours, value).median,
            theirs: of(best, value).median,
            rival: plan.contenders[best].name(),
            judged: ratio,
            judged_is_ratio: true,
            target,
        });
    };
    // Throughput against whichever was faster in that round; the rest against the one that is faster in the main.
    let throughput = Spread::of((0..plan.timing.rounds).map(|round| {
        let of = |at: usize| samples[at][round].operations_per_second;
        of(ours) / rivals().map(of).fold(0.0, f64::max)
    }));
    let ratio = |value: fn(&Sample) -> f64| {
        Spread::of(samples[ours].iter().zip(&samples[best]).map(|(ours, theirs)| value(ours) / value(theirs)))
    };
    use crate::report::Target::{AtLeast, AtMost};
    let targets = &scenario.targets;
    figure(
        "throughput",
        "op/s",
        |s| s.operations_per_second,
        throughput,
        targets.throughput_min.map(AtLeast),
    );
    figure("CPU", "µs/op", |s| s.cpu_us, ratio(|s| s.cpu_us), targets.cpu_max.map(AtMost));
    figure("p99", "µs", |s| s.p99_us, ratio(|s| s.p99_us), targets.p99_max.map(AtMost));
    if let Some(calls) = syscalls {
        report.add(Figure {
            scenario: scenario.name,
            what: "system calls",
            unit: "per op",
            ours: calls[ours].0,
            theirs: calls[best].0,
            rival: plan.contenders[best].name(),
            judged: Spread::of([calls[ours].0]),
            judged_is_ratio: false,
            // Under strace a server finds more to do each time it looks, so that the figure flatters.
            target: targets.syscalls_max.filter(|_| calls[ours].1 == "perf").map(AtMost),
        });
    }
    Ok(())
}
