//! What does `peerset proxy` cost, beside Debian's twemproxy and beside no proxy at all?
//!
//! Each proxy is in front of two memcached of its own; "direct" is a connection straight to one. All take turns: each
//! round measures everyone once. 50 connections, 10,000 keys, nine reads to a write, every value checked. What is
//! judged is the median over the rounds of the ratio in one round. CPU is the proxy process's own.
//!
//! Every memcached has one thread (`-t 1`), so that all that is measured has the same server behind it, and the proxies
//! with their two servers have no more threads there than two cores can run. A direct connection to one server with two
//! threads, which is faster when requests are pipelined, takes part as well, without a target.
//!
//! Two scenarios are about something else: what idle clients cost in memory, and what changes in a pool of 1,000
//! servers do to the traffic.

mod contender;
mod idle;
mod ring;
mod rounds;
mod scenario;

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::only::choose;
use crate::report::Report;
use crate::servers::peerset_binary;
use crate::timing::{Timing, TimingArguments};
use contender::Contender;
use scenario::{SCENARIOS, Work};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    timing: TimingArguments,
    /// Only this scenario (repeatable): in-flight-1, in-flight-16, large-16, multiget, idle, ring
    #[arg(long, value_name = "SCENARIO")]
    only: Vec<String>,
    /// Write every figure there as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The program to measure, instead of the one beside this bench
    #[arg(long, value_name = "PATH")]
    peerset: Option<PathBuf>,
    /// Threads of `peerset proxy`, instead of its own choice
    #[arg(long)]
    threads: Option<usize>,
    /// Measure the others alone
    #[arg(long)]
    rivals_only: bool,
}

/// How measurements are made, the same for all scenarios.
struct Plan {
    contenders: Vec<Contender>,
    timing: Timing,
}

/// Runs the scenarios and prints the table; says whether every target was met.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    let scenarios = choose(SCENARIOS, &arguments.only)?;
    let mut contenders =
        vec![Contender::Direct { threads: 1 }, Contender::Direct { threads: 2 }, Contender::Twemproxy];
    if !arguments.rivals_only {
        let binary = peerset_binary(arguments.peerset.as_ref())?;
        contenders.push(Contender::Peerset { binary, threads: arguments.threads });
    }
    let plan = Plan { contenders, timing: arguments.timing.timing()? };
    let mut report = Report::new(plan.contenders.iter().map(|one| one.name().to_owned()).collect(), "rival");
    for scenario in scenarios {
        println!("\n{}: {}", scenario.name, scenario.about);
        match scenario.work {
            Work::Load(shape) => rounds::run(scenario, &shape, &plan, &mut report),
            Work::Idle { connections } => idle::run(scenario, connections, &plan, &mut report),
            Work::Ring { servers } => ring::run(scenario, servers, &plan, &mut report),
        }
        .with_context(|| format!("in scenario {}", scenario.name))?;
    }
    println!("\n{}", report.table());
    if let Some(path) = &arguments.json {
        std::fs::write(path, report.json()).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(report.all_met())
}
