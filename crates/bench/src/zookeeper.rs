//! What does following a serverset cost beyond what ZooKeeper itself asks for: in time, requests and memory?
//!
//! One ZooKeeper server, started for the bench; members are written over a session of their own, as another process
//! would. What we do is set beside the least that anyone can do with the same client library and server: a bare watch
//! that fires, the same reads sent all at once. Both take turns, and what is judged is the median over the turns of the
//! difference or ratio in one turn. Requests and sessions are counted by the server.

mod footprint;
mod join;
mod load;
mod scenario;
mod sharing;
mod site;

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use peerset_testkit::Zookeeper;
use tokio::runtime::{Builder, Runtime};

use crate::only::choose;
use crate::report::{Figure, Report, Target};
use crate::stats::Spread;
use scenario::{SCENARIOS, Work};

pub(crate) use footprint::Arguments as FootprintArguments;
pub(crate) use footprint::run_child as run_footprint;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Turns of each scenario; a join takes ten times as many
    #[arg(long, default_value_t = 11)]
    rounds: usize,
    /// Three turns, to see that everything works
    #[arg(long)]
    quick: bool,
    /// Only this scenario (repeatable): join, first-load, footprint, sharing
    #[arg(long, value_name = "SCENARIO")]
    only: Vec<String>,
    /// Write every figure there as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs the scenarios and prints the table; says whether every target was met.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    ensure!(arguments.rounds > 0, "at least one round");
    let rounds = if arguments.quick { 3 } else { arguments.rounds };
    let scenarios = choose(SCENARIOS, &arguments.only)?;
    let mut report = Report::new(vec!["peerset".to_owned(), "zookeeper-client".to_owned()], "beside");
    for scenario in scenarios {
        println!("\n{}: {}", scenario.name, scenario.about);
        // A server each, so that none inherits another's znodes and watches.
        let server = Zookeeper::start();
        let runtime = runtime()?;
        let work = async {
            match scenario.work {
                Work::Join { members } => join::run(&server, members, rounds * 10, &mut report).await,
                Work::FirstLoad { members } => load::run(&server, members, rounds, &mut report).await,
                Work::Footprint { members } => footprint::run(&server, members, rounds, &mut report).await,
                Work::Sharing { watchers } => sharing::run(&server, watchers, rounds * 3, &mut report).await,
            }
        };
        runtime.block_on(work).with_context(|| format!("in scenario {}", scenario.name))?;
    }
    println!("\n{}", report.table());
    if let Some(path) = &arguments.json {
        std::fs::write(path, report.json()).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(report.all_met())
}

/// As many threads as the machine of the targets has cores.
fn runtime() -> Result<Runtime> {
    Ok(Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// A figure of ours that is judged by itself.
fn alone(scenario: &'static str, what: &'static str, unit: &'static str, ours: Spread, most: f64) -> Figure {
    Figure {
        scenario,
        what,
        unit,
        ours: ours.median,
        theirs: f64::NAN,
        rival: String::new(),
        judged: ours,
        judged_is_ratio: false,
        target: Some(Target::AtMost(most)),
    }
}

/// A figure of ours beside another; each pair was measured in one turn.
fn beside(
    [scenario, what, unit]: [&'static str; 3],
    pairs: &[(f64, f64)],
    rival: &str,
    target: Option<Target>,
) -> Figure {
    Figure {
        scenario,
        what,
        unit,
        ours: Spread::of(pairs.iter().map(|pair| pair.0)).median,
        theirs: Spread::of(pairs.iter().map(|pair| pair.1)).median,
        rival: rival.to_owned(),
        judged: Spread::of(pairs.iter().map(|(ours, theirs)| ours / theirs)),
        judged_is_ratio: true,
        target,
    }
}
