//! One scenario: every contender in every round.

use std::time::Duration;

use anyhow::{Context, Result};
use peerset_testkit::Memcached;

use super::Plan;
use super::contender::{Contender, Way};
use super::process::{Order, Process};
use super::runner::Outcome;
use super::scenario::{KEY_BYTES, KEY_COUNT, Scenario, VALUE_BYTES};
use crate::load::{Dialect, Items, Load};
use crate::report::{Figure, Report, Target};
use crate::stats::Spread;
use crate::syscalls;

/// Times each way is tried before the rounds, for so long.
const HEATS: usize = 2;
const HEAT: Duration = Duration::from_millis(400);

/// A contender in the way that suits it best, and what it did in each round.
struct Lane {
    order: Order,
    outcomes: Vec<Outcome>,
}

/// A figure of one round.
type Value = fn(&Outcome) -> f64;

const SPEED: Value = |outcome| outcome.operations as f64 / outcome.elapsed.as_secs_f64();
const CPU: Value = |outcome| outcome.cpu.as_secs_f64() * 1e6 / outcome.operations as f64;
const P50: Value = |outcome| outcome.p50_us;
const P99: Value = |outcome| outcome.p99_us;

pub(super) fn run(scenario: &Scenario, plan: &Plan, report: &mut Report) -> Result<()> {
    let server = Memcached::start(&[]);
    let items = Items::new(KEY_COUNT, KEY_BYTES, VALUE_BYTES);
    let load = Load { dialect: Dialect::Classic, items: &items, connections: 8, in_flight: 32, threads: 1 };
    load.fill(server.addr())?;
    let lane = |&contender: &Contender| {
        let order = Order {
            contender,
            way: contender.ways()[0],
            addr: server.addr(),
            work: scenario.work,
            warm_up: plan.timing.warm_up,
            measured: plan.timing.measured,
        };
        Ok(Lane { order: Order { way: best_way(&order)?, ..order }, outcomes: Vec::new() })
    };
    let mut lanes = plan.contenders.iter().map(lane).collect::<Result<Vec<_>>>()?;
    for _ in 0..plan.timing.rounds {
        for lane in &mut lanes {
            lane.outcomes.push(measure(&lane.order)?);
        }
    }
    let mut calls = Vec::new();
    for lane in lanes.iter().filter(|_| scenario.count_syscalls) {
        calls.push(syscalls_per_operation(&lane.order)?);
    }
    for (at, lane) in lanes.iter().enumerate() {
        lane.print(calls.get(at).copied());
    }
    judge(scenario, &lanes, &calls, report);
    Ok(())
}

fn measure(order: &Order) -> Result<Outcome> {
    let outcome = Process::start(order).and_then(|mut process| process.work());
    outcome.with_context(|| format!("{} with {}", order.contender.name(), order.way.name()))
}

fn best_way(order: &Order) -> Result<Way> {
    let mut best = (order.way, 0.0);
    for _ in 0..HEATS {
        for &way in order.contender.ways() {
            let speed = SPEED(&measure(&Order { way, warm_up: HEAT / 4, measured: HEAT, ..*order })?);
            if speed > best.1 {
                best = (way, speed);
            }
        }
    }
    Ok(best.0)
}

/// Counted in a process of its own, from its first call on, all of which are measured.
fn syscalls_per_operation(order: &Order) -> Result<(f64, &'static str)> {
    let mut process = Process::start(&Order { warm_up: Duration::ZERO, ..*order })?;
    let counted = syscalls::count(process.id(), || process.work())?;
    Ok((counted.calls as f64 / counted.result.operations as f64, counted.with))
}

fn judge(scenario: &Scenario, lanes: &[Lane], calls: &[(f64, &'static str)], report: &mut Report) {
    let Some(ours) = lanes.iter().position(|lane| lane.order.contender.is_ours()) else { return };
    let rivals = || (0..lanes.len()).filter(|&at| at != ours);
    let targets = &scenario.targets;
    let mut figure = |what, unit, value: Value, most_is_best: bool, target| {
        // Of the rivals, the median decides who is named, but in each round ours meets whoever was best then.
        let better = |a: f64, b: f64| if most_is_best { a.total_cmp(&b) } else { b.total_cmp(&a) };
        let median = |at: usize| lanes[at].spread(value).median;
        let Some(best) = rivals().max_by(|&a, &b| better(median(a), median(b))) else { return };
        let ratio = |(round, outcome): (usize, &Outcome)| {
            let of_round = |at: usize| value(&lanes[at].outcomes[round]);
            value(outcome) / rivals().map(of_round).max_by(|&a, &b| better(a, b)).unwrap_or(f64::NAN)
        };
        report.add(Figure {
            scenario: scenario.name,
            what,
            unit,
            ours: median(ours),
            theirs: median(best),
            rival: lanes[best].order.contender.name().to_owned(),
            judged: Spread::of(lanes[ours].outcomes.iter().enumerate().map(ratio)),
            judged_is_ratio: true,
            target,
        });
    };
    figure("throughput", "op/s", SPEED, true, targets.throughput_min.map(Target::AtLeast));
    figure("CPU", "µs/op", CPU, false, targets.cpu_max.map(Target::AtMost));
    figure("p99", "µs", P99, false, targets.p99_max.map(Target::AtMost));
    let fewest = rivals().filter(|&at| at < calls.len()).min_by(|&a, &b| calls[a].0.total_cmp(&calls[b].0));
    if let (Some(fewest), Some(&(own, with))) = (fewest, calls.get(ours)) {
        report.add(Figure {
            scenario: scenario.name,
            what: "system calls",
            unit: "per op",
            ours: own,
            theirs: calls[fewest].0,
            rival: lanes[fewest].order.contender.name().to_owned(),
            judged: Spread::of([own]),
            judged_is_ratio: false,
            // Under strace a process finds more to do each time it looks, so that the figure flatters.
            target: targets.syscalls_max.filter(|_| with == "perf").map(Target::AtMost),
        });
    }
}

impl Lane {
    fn spread(&self, value: Value) -> Spread {
        Spread::of(self.outcomes.iter().map(value))
    }

    fn print(&self, calls: Option<(f64, &'static str)>) {
        let calls =
            calls.map_or(String::new(), |(calls, with)| format!("  {calls:.2} system calls ({with})"));
        println!(
            "  {:<16} {:<9} {:>8.0} op/s  {:>6.2} µs CPU an op  p50 {:>6.0} p99 {:>6.0} µs{calls}",
            self.order.contender.name(),
            self.order.way.name(),
            self.spread(SPEED).median,
            self.spread(CPU).median,
            self.spread(P50).median,
            self.spread(P99).median,
        );
    }
}
