//! `cargo xtask test`: the README's test command, and all that CI runs.
//!
//! Cheap steps come first, so that a forgotten `cargo fmt` costs a second and not minutes. The first failure ends the run
//! and says what to do.

use crate::shell::{cargo, run as run_shown, run_noting};
use crate::{setup, tidy, usage};
use anyhow::{Context as _, Result};
use std::time::{Duration, Instant};

struct Step {
    name: &'static str,
    what: &'static str,
    /// Runs it, and returns what the closing line should repeat: counts of tests, say.
    run: fn() -> Result<Vec<String>>,
    /// What to do when it fails.
    fix: &'static str,
}

const STEPS: &[Step] = &[
    Step {
        name: "setup",
        what: "what the tests need is installed",
        run: || setup::run().map(|()| Vec::new()),
        fix: "install what it names, or run `cargo xtask setup` as root",
    },
    Step {
        name: "fmt",
        what: "formatting",
        run: || silent(&["fmt", "--all", "--check"]),
        fix: "run `cargo fmt --all`",
    },
    Step {
        name: "tidy",
        what: "rules of the repository",
        run: || tidy::run().map(|()| Vec::new()),
        fix: "each problem above names its file, rule and remedy",
    },
    Step {
        name: "clippy",
        what: "lints, with warnings denied",
        run: || silent(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]),
        fix: "run `cargo clippy --workspace --all-targets` and heed it; an exception is #[expect(.., reason)]",
    },
    Step {
        name: "test",
        what: "unit, property, integration and real-server tests",
        run: || {
            // Property tests draw their cases from this seed rather than a new one: CI says the same of the same code.
            let mut nextest = cargo(&["nextest", "run", "--workspace"]);
            // What servers and shells say in errors is compared, and they say it in the language of the machine.
            run_noting(nextest.env("PROPTEST_RNG_SEED", "1").env("LC_ALL", "C.UTF-8"), is_summary)
        },
        fix: "run one again with `cargo nextest run -p PACKAGE NAME`; seeds are in its output",
    },
    Step {
        name: "features",
        what: "lints and tests of what is off by default",
        run: || {
            let lints = ["clippy", "--all-targets", "--quiet"];
            silent(&[&lints[..], ZOOKEEPER_TLS, &["--", "-D", "warnings"]].concat())?;
            run_noting(&mut cargo(&[&["nextest", "run", "tls"], ZOOKEEPER_TLS].concat()), is_summary)
        },
        fix: "run it again with the command above",
    },
    Step {
        name: "doctest",
        what: "examples in the documentation",
        run: || {
            let ran_some =
                |line: &str| line.starts_with("test result:") && !line.contains(" 0 passed; 0 failed");
            run_noting(&mut cargo(&["test", "--workspace", "--doc", "--quiet"]), ran_some)
        },
        fix: "run one again with `cargo test --doc -p PACKAGE`",
    },
    Step {
        name: "doc",
        what: "documentation, with warnings denied",
        run: || {
            let mut doc = cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
            run_shown(doc.env("RUSTDOCFLAGS", "-D warnings")).map(|()| Vec::new())
        },
        fix: "mend the links and code blocks it names",
    },
    Step {
        name: "fuzz",
        what: "a few thousand inputs for every fuzz target",
        run: || {
            // The same inputs each time, on machines of any speed: CI says the same of the same code. `cargo xtask fuzz`
            // takes a new seed and goes on for a time.
            let words = ["--inputs", "5000", "--seed", "1"];
            let mut runner = cargo(&["run", "--quiet", "--package", "peerset-fuzz", "--"]);
            run_noting(runner.args(words), |line| line.contains(" inputs, nothing found"))
        },
        fix: "the lines above name the input, and the command that replays it",
    },
];

/// The one feature that is off by default: the program's turns on the library's, so that one build has both. It adds about
/// 150 s of CPU to a run, a third of which is aws-lc.
const ZOOKEEPER_TLS: &[&str] = &[
    "--package",
    "peerset-discover-zookeeper",
    "--package",
    "peerset-node",
    "--features",
    "peerset-node/zookeeper-tls",
];

/// The line of nextest that counts.
fn is_summary(line: &str) -> bool {
    line.trim_start().starts_with("Summary [")
}

/// Runs the steps that `--only` and `--from` select, all without them.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    if matches!(arguments, ["--list"]) {
        for step in STEPS {
            println!("{:8} {}", step.name, step.what);
        }
        return Ok(());
    }
    let steps = select(arguments)?;
    let start = Instant::now();
    let mut noted = Vec::new();
    let mut times = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        println!("==> {}/{} {}: {}", index + 1, steps.len(), step.name, step.what);
        let begun = Instant::now();
        let lines = (step.run)().with_context(|| format!("step {} failed: {}", step.name, step.fix))?;
        println!("    {}: ok in {}", step.name, seconds(begun.elapsed()));
        noted.extend(lines.into_iter().map(|line| format!("  {}: {line}\n", step.name)));
        times.push(format!("{} {}", step.name, seconds(begun.elapsed())));
    }
    print!("\n{}", noted.concat());
    let total = seconds(start.elapsed());
    println!(
        "cargo xtask test: {} of {} steps passed in {total} ({})",
        steps.len(),
        STEPS.len(),
        times.join(", ")
    );
    Ok(())
}

fn select(arguments: &[&str]) -> Result<&'static [Step]> {
    let position = |name: &str| {
        let names = || STEPS.iter().map(|step| step.name).collect::<Vec<_>>().join(", ");
        STEPS
            .iter()
            .position(|step| step.name == name)
            .ok_or_else(|| usage(format!("no step {name:?}; there are {}", names())))
    };
    match arguments {
        [] => Ok(STEPS),
        ["--only", name] => position(name).map(|at| &STEPS[at..=at]),
        ["--from", name] => position(name).map(|at| &STEPS[at..]),
        _ => Err(usage("usage: cargo xtask test [--list | --only STEP | --from STEP]")),
    }
}

fn silent(arguments: &[&str]) -> Result<Vec<String>> {
    run_shown(&mut cargo(arguments)).map(|()| Vec::new())
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_selected_by_name() {
        let check = |arguments: &[&str], expected: &[&str]| {
            let names: Vec<_> = select(arguments)
                .map(|steps| steps.iter().map(|step| step.name).collect())
                .unwrap_or_default();
            assert_eq!(names, expected, "{arguments:?}");
        };
        check(&["--only", "fmt"], &["fmt"]);
        check(&["--from", "doc"], &["doc", "fuzz"]);
        check(&["--only", "nonesuch"], &[]);
        check(&["fmt"], &[]);
        assert_eq!(select(&[]).unwrap().len(), STEPS.len());
    }
}
