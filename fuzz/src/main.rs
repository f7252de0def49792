//! The smoke runner: fuzz targets on the stable toolchain, for as long as one likes.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its terminal")]

use peerset_fuzz::run::{Budget, Crash, check, run};
use peerset_fuzz::targets::{TARGETS, Target};
use peerset_fuzz::watchdog::Watchdog;
use peerset_fuzz::{artifact, corpus, shrink};
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

const USAGE: &str = "\
usage: peerset-fuzz [TARGET] [--seconds N] [--seed N]    every target, or one, for N seconds each (10)
       peerset-fuzz [TARGET] [--inputs N] [--seed N]     the same for N inputs, however long that takes
       peerset-fuzz TARGET --input FILE                  one input again";

/// How often the watchdog looks.
const LOOK: Duration = Duration::from_millis(200);

/// No input may take longer than so many looks, twenty seconds. Generous, since a build machine may be busy; an endless loop
/// takes longer still.
const LOOKS_MAX: u32 = 100;

/// Enough to shrink an input of a few kilobytes to what matters.
const SHRINK_TRIES: usize = 20_000;

#[derive(Default)]
struct Options {
    target: Option<&'static Target>,
    seconds: Option<u64>,
    inputs: Option<u64>,
    seed: Option<u64>,
    input: Option<String>,
}

fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}\n{USAGE}\ntargets:");
            TARGETS.iter().for_each(|target| eprintln!("  {:8} {}", target.name, target.what));
            return ExitCode::from(2);
        }
    };
    match fuzz(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peerset-fuzz: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        let number = |text: String| text.parse().map_err(|_| format!("{text:?} is no number"));
        match word.as_str() {
            "--seconds" => options.seconds = Some(number(value()?)?),
            "--inputs" => options.inputs = Some(number(value()?)?),
            "--seed" => options.seed = Some(number(value()?)?),
            "--input" => options.input = Some(value()?),
            name => {
                let target = TARGETS.iter().find(|target| target.name == name);
                options.target = Some(target.ok_or_else(|| format!("no target {name:?}"))?);
            }
        }
    }
    if options.input.is_some() && options.target.is_none() {
        return Err("--input needs a target".to_owned());
    }
    Ok(options)
}

fn fuzz(options: &Options) -> Result<(), String> {
    if let (Some(target), Some(path)) = (options.target, &options.input) {
        let input = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
        check(target, &input).map_err(|crash| crash.to_string())?;
        println!("{}: {path} does no harm", target.name);
        return Ok(());
    }
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    let budget = match (options.inputs, options.seconds) {
        (Some(inputs), _) => Budget::Inputs(inputs),
        (None, seconds) => Budget::Time(Duration::from_secs(seconds.unwrap_or(10))),
    };
    for target in TARGETS.iter().filter(|target| options.target.is_none_or(|only| only.name == target.name)) {
        smoke(target, seed, budget)?;
    }
    Ok(())
}

/// Runs one target on a thread of its own, so that this one can see it hang.
fn smoke(target: &'static Target, seed: u64, budget: Budget) -> Result<(), String> {
    let corpus =
        corpus::load(target.name).map_err(|error| format!("the corpus of {}: {error}", target.name))?;
    let watchdog = Watchdog::default();
    let (finished, outcome) = sync_channel(1);
    let begins = watchdog.clone();
    let worker = std::thread::spawn(move || {
        let found = run(target, &corpus, seed, budget, |input| begins.begins(input));
        // The other end is gone only if this process is already ending.
        drop(finished.send(found));
    });
    let found = loop {
        match outcome.recv_timeout(LOOK) {
            Ok(found) => break found,
            Err(RecvTimeoutError::Timeout) => {
                if let Some(input) = watchdog.overdue(LOOKS_MAX) {
                    let what = format!("{} takes over {:?}", target.name, LOOK * LOOKS_MAX);
                    return Err(explain(target, seed, &input, &what));
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(format!("the runner of {} panicked", target.name));
            }
        }
    };
    worker.join().map_err(|_| format!("the runner of {} panicked", target.name))?;
    match found {
        Ok(report) => {
            println!("{}: {} inputs, nothing found (seed {seed})", target.name, report.inputs);
            Ok(())
        }
        Err(crash) => Err(found_crash(target, seed, &crash)),
    }
}

fn found_crash(target: &Target, seed: u64, crash: &Crash) -> String {
    let input = shrink::shrink(target, &crash.input, SHRINK_TRIES);
    let what = format!("{} panicked: {}", target.name, crash.message);
    let smaller = format!("{what}\n  {} bytes, from {} found", input.len(), crash.input.len());
    explain(target, seed, &input, &smaller)
}

/// What a person needs: the input to read, the file it is in, and the command to see it again.
fn explain(target: &Target, seed: u64, input: &[u8], what: &str) -> String {
    let kept = match artifact::keep(target, input) {
        Ok(path) => format!("kept; replay with\n    {}", artifact::replay(target, &path)),
        Err(error) => format!("it could not be kept: {error}"),
    };
    let shown = input[..input.len().min(2000)].escape_ascii();
    format!(
        "{what}\n  input: \"{shown}\"\n  found by --seed {seed}; {kept}\n  once mended, move it to fuzz/corpus/{}/ under a name that says what it is",
        target.name
    )
}
