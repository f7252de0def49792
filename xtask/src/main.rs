//! What developers and CI run, as `cargo xtask COMMAND`.
//!
//! One file a command. `test` is the README's test command and everything CI does; the other commands are its steps, or
//! what one wants between two runs of it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its terminal")]

mod bench;
mod fuzz;
mod setup;
mod shell;
mod test;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask COMMAND

  setup                     install what the tests need (root, or sudo without a password, for system packages)
  test [--only STEP] [--from STEP]
                            everything CI runs; `cargo xtask test --list` names the steps
  tidy                      the rules of the repository: which crate may use which, names, documents, links
  bench NAME [ARGS]         build peerset for release and run a bench: `cargo xtask bench --help` lists them
  fuzz [TARGET] [--seconds N] [--seed N]
                            run the fuzz targets for longer than `test` does (default 60 s each)
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

fn run(arguments: &[String]) -> anyhow::Result<()> {
    shell::enter_workspace()?;
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["help" | "-h" | "--help", ..] => {
            print!("{USAGE}");
            Ok(())
        }
        ["setup"] => setup::run(),
        ["test", rest @ ..] => test::run(rest),
        ["tidy"] => tidy::run(),
        ["bench", rest @ ..] => bench::run(rest),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        [command @ ("setup" | "tidy"), ..] => Err(usage(format!("{command} takes no arguments"))),
        [unknown, ..] => Err(usage(format!("no command {unknown:?}\n\n{USAGE}"))),
    }
}

/// The command line was wrong: exit status 2, where a failed step is 1.
#[derive(Debug)]
struct Usage(String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

fn usage(message: impl Into<String>) -> anyhow::Error {
    Usage(message.into()).into()
}
