//! `cargo xtask bench`: the benches against the program as users run it.

use crate::shell::{cargo, run as run_shown};
use anyhow::Result;

/// Builds `peerset` for release, since the benches start it as a process of its own, then runs the bench.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let asks_for_help = arguments.is_empty() || arguments.iter().any(|word| matches!(*word, "-h" | "--help"));
    if !asks_for_help {
        run_shown(&mut cargo(&["build", "--release", "--package", "peerset-node"]))?;
    }
    let words: &[&str] = if arguments.is_empty() { &["--help"] } else { arguments };
    run_shown(cargo(&["run", "--release", "--package", "peerset-bench", "--"]).args(words))
}
