//! One scenario under load: everyone in every round.

use anyhow::{Context, Result};

use super::Plan;
use super::contender::{Contender, Rig};
use super::scenario::{CONNECTIONS, KEY_BYTES, KEY_COUNT, Scenario, Shape};
use crate::load::{Dialect, Items, Load};
use crate::report::{Figure, Report, Target};
use crate::sample::{self, Sample};
use crate::stats::Spread;

/// A contender and what was measured of it, a sample a round.
struct Lane<'p> {
    contender: &'p Contender,
    rig: Rig,
    samples: Vec<Sample>,
}

/// A figure of one round.
type Value = fn(&Sample) -> f64;

const SPEED: Value = |sample| sample.operations_per_second;
const CPU: Value = |sample| sample.cpu_us;
const P99: Value = |sample| sample.p99_us;

pub(super) fn run(scenario: &Scenario, shape: &Shape, plan: &Plan, report: &mut Report) -> Result<()> {
    let items = Items::new(KEY_COUNT, KEY_BYTES, shape.value_bytes);
    let Shape { dialect, in_flight, .. } = *shape;
    let load = Load { dialect, items: &items, connections: CONNECTIONS, in_flight, threads: 1 };
    let mut lanes = Vec::new();
    for contender in &plan.contenders {
        let rig = contender.start();
        let fill = Load { dialect: Dialect::Classic, connections: 8, in_flight: 16, ..load };
        fill.fill(rig.addr()).with_context(|| contender.name())?;
        lanes.push(Lane { contender, rig, samples: Vec::new() });
    }
    for _ in 0..plan.timing.rounds {
        for lane in &mut lanes {
            let sample = sample::take(&load, lane.rig.addr(), lane.rig.program(), &plan.timing);
            lane.samples.push(sample.with_context(|| lane.contender.name())?);
        }
    }
    for lane in &lanes {
        lane.print();
    }
    let find = |is: fn(&Contender) -> bool| lanes.iter().find(|lane| is(lane.contender));
    let Some(ours) = find(|one| matches!(one, Contender::Peerset { .. })) else { return Ok(()) };
    let twemproxy = find(|one| *one == Contender::Twemproxy);
    let direct = |threads| lanes.iter().find(|lane| *lane.contender == Contender::Direct { threads });
    let mut figure = |what, unit, value: Value, rival: Option<&Lane<'_>>, target| {
        let Some(rival) = rival else { return };
        report.add(Figure {
            scenario: scenario.name,
            what,
            unit,
            ours: ours.spread(value).median,
            theirs: rival.spread(value).median,
            rival: rival.contender.name().to_owned(),
            judged: Spread::of(ours.samples.iter().zip(&rival.samples).map(|(a, b)| value(a) / value(b))),
            judged_is_ratio: true,
            target,
        });
    };
    let targets = &shape.targets;
    figure("throughput", "op/s", SPEED, twemproxy, targets.twemproxy_min.map(Target::AtLeast));
    figure("throughput", "op/s", SPEED, direct(1), targets.direct_min.map(Target::AtLeast));
    figure("throughput", "op/s", SPEED, direct(2), None);
    figure("CPU", "µs/op", CPU, twemproxy, targets.cpu_max.map(Target::AtMost));
    figure("p99", "µs", P99, twemproxy, None);
    figure("p99", "µs", P99, direct(1), None);
    Ok(())
}

impl Lane<'_> {
    fn spread(&self, value: Value) -> Spread {
        Spread::of(self.samples.iter().map(value))
    }

    fn print(&self) {
        let of = |value: Value| self.spread(value).median;
        println!(
            "  {:<11} {:>9.0} op/s  {:>6.2} µs CPU an op  p50 {:>6.0} p99 {:>6.0} p99.9 {:>6.0} µs  \
             (load: {:.2} µs CPU an op)",
            self.contender.name(),
            of(SPEED),
            of(CPU),
            of(|sample| sample.p50_us),
            of(P99),
            of(|sample| sample.p999_us),
            of(|sample| sample.own_cpu_us),
        );
    }
}
