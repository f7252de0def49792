//! Is our memcached client faster than the best that Rust has, and at what CPU?
//!
//! Every contender is a process of its own, so that CPU and system calls are its own: this program again, with a
//! hidden subcommand. They take turns: each round measures every contender once, against one memcached as Debian ships
//! it. 10,000 keys, values of 100 bytes, nine reads to a write, every value checked. What is judged is the median over
//! the rounds of the ratio to the rival that was best in that round and that figure: not one rival, but all of them.
//!
//! First a short heat decides in which way each contender is fastest: on one thread or two, blocking or not, text or
//! binary protocol, as far as it has the choice. Pools have a connection a task, the fastest for them here, and test
//! none at checkout.

mod contender;
mod contenders;
mod process;
mod rounds;
mod runner;
mod scenario;
mod task;

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::only::choose;
use crate::report::Report;
use crate::timing::{Timing, TimingArguments};
use contender::Contender;
pub(crate) use runner::{Arguments as RunnerArguments, run as run_contender};
use scenario::SCENARIOS;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    timing: TimingArguments,
    /// Only this scenario (repeatable): tasks-1, tasks-16, tasks-128, multiget
    #[arg(long, value_name = "SCENARIO")]
    only: Vec<String>,
    /// Only this contender (repeatable); without one all take part
    #[arg(long, value_enum)]
    contender: Vec<Contender>,
    /// Write every figure there as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// How measurements are made, the same for all scenarios.
struct Plan {
    contenders: Vec<Contender>,
    timing: Timing,
}

/// Runs the scenarios and prints the table; says whether every target was met.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    let scenarios = choose(SCENARIOS, &arguments.only)?;
    let all = || Contender::ALL.to_vec();
    let contenders = if arguments.contender.is_empty() { all() } else { arguments.contender.clone() };
    let plan = Plan { contenders, timing: arguments.timing.timing()? };
    let mut report =
        Report::new(plan.contenders.iter().map(|one| one.name().to_owned()).collect(), "best rival");
    for scenario in scenarios {
        println!("\n{}: {}", scenario.name, scenario.about);
        rounds::run(scenario, &plan, &mut report)
            .with_context(|| format!("in scenario {}", scenario.name))?;
    }
    println!("\n{}", report.table());
    if let Some(path) = &arguments.json {
        std::fs::write(path, report.json()).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(report.all_met())
}
