//! `cargo xtask fuzz`: the fuzz targets for longer than the smoke run of `cargo xtask test`.

use crate::shell::{cargo, find_program, run as run_shown};
use anyhow::Result;

/// Hands its arguments to the runner of the package `peerset-fuzz`, built with optimization and every check.
///
/// The folder of its own keeps those artifacts apart from the ordinary debug build, which would otherwise be rebuilt in
/// turn.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let mut runner = cargo(&["run", "--package", "peerset-fuzz", "--target-dir", "target/fuzz"]);
    runner.args(["--config", "profile.dev.opt-level=2", "--"]).args(arguments);
    if !arguments.contains(&"--seconds") && !arguments.contains(&"--input") {
        runner.args(["--seconds", "60"]);
    }
    run_shown(&mut runner)?;
    println!("\nThis runner mutates without looking at coverage. {}", with_coverage());
    Ok(())
}

fn with_coverage() -> &'static str {
    if find_program("cargo-fuzz").is_some() {
        "With coverage, on nightly:\n  cargo +nightly fuzz run --features libfuzzer parser target/corpus/parser fuzz/corpus/parser"
    } else {
        "For one that does: `cargo install cargo-fuzz`, a nightly toolchain, and fuzz/README.md."
    }
}
