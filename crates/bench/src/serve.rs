//! Is `peerset serve` as fast as memcached, at what CPU, and in how much memory?
//!
//! Debian's memcached with one and with two threads, and `peerset serve` as it comes, take turns: each round measures
//! every server once, so that whatever else the machine does meets all of them. 50 connections, 10,000 keys, values
//! of 100 bytes, nine reads to a write, every value checked. What is judged is the median over the rounds of the
//! ratio to the memcached that was better: absolute figures depend on the machine, ratios hardly.
//!
//! Each scenario has fresh servers. CPU is the server process's own, all threads and the kernel on its behalf, to the
//! nanosecond. System calls are counted in runs of their own.

mod footprint;
mod mix;
mod rounds;
mod scenario;

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::only::choose;
use crate::report::Report;
use crate::servers::{Contender, peerset_binary};
use crate::timing::{Timing, TimingArguments};
use scenario::{SCENARIOS, Work};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    timing: TimingArguments,
    /// Only this scenario (repeatable): classic-1, classic-32, meta-32, multiget, footprint, mix
    #[arg(long, value_name = "SCENARIO")]
    only: Vec<String>,
    /// Write every figure there as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The program to measure, instead of the one beside this bench
    #[arg(long, value_name = "PATH")]
    peerset: Option<PathBuf>,
    /// Threads of `peerset serve`, instead of its own choice
    #[arg(long)]
    threads: Option<usize>,
    /// Measure memcached alone
    #[arg(long)]
    memcached_only: bool,
    /// Threads that generate the load
    #[arg(long, default_value_t = 1)]
    load_threads: usize,
}

/// How measurements are made, the same for all scenarios.
struct Plan {
    contenders: Vec<Contender>,
    timing: Timing,
    load_threads: usize,
}

/// Runs the scenarios and prints the table; says whether every target was met.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    let scenarios = choose(SCENARIOS, &arguments.only)?;
    ensure!(arguments.load_threads > 0, "at least one thread");
    let plan = Plan::new(arguments)?;
    let mut report = Report::new(plan.contenders.iter().map(Contender::name).collect(), "memcached");
    for scenario in scenarios {
        println!("\n{}: {}", scenario.name, scenario.about);
        match scenario.work {
            Work::Load(load) => rounds::run(scenario, &load, &plan, &mut report),
            Work::Footprint { items } => footprint::run(scenario, items, &plan, &mut report),
            Work::Mix { memory_mib } => mix::run(scenario, memory_mib, &plan, &mut report),
        }
        .with_context(|| format!("in scenario {}", scenario.name))?;
    }
    println!("\n{}", report.table());
    if let Some(path) = &arguments.json {
        std::fs::write(path, report.json()).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(report.all_met())
}

impl Plan {
    fn new(arguments: &Arguments) -> Result<Plan> {
        let mut contenders = vec![Contender::Memcached { threads: 1 }, Contender::Memcached { threads: 2 }];
        if !arguments.memcached_only {
            let binary = peerset_binary(arguments.peerset.as_ref())?;
            contenders.push(Contender::Peerset { binary, threads: arguments.threads });
        }
        Ok(Plan { contenders, timing: arguments.timing.timing()?, load_threads: arguments.load_threads })
    }
}
