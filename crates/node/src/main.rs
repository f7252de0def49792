//! `peerset`: a memcached-compatible cache node, and who owns which key.

mod admin;
mod cli;
mod daemon;
mod front;
mod keys;
mod locate;
mod output;
mod placement;
mod pool;
mod proxy;
mod serve;
mod source;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use cli::{Cli, Command};

/// Exit status for a command line or config file that is wrong.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_max_level(cli.log)
        .with_target(false)
        .init();
    match cli.command {
        None => {
            // A closed stdout is the reader's choice.
            let _ = Cli::command().print_help();
            ExitCode::SUCCESS
        }
        Some(Command::Check(arguments)) => match arguments.read() {
            Err(error) => fail(&error, USAGE),
            Ok(meaning) => finish(meaning.print()),
        },
        Some(Command::Locate(arguments)) => finish(locate::run(&arguments)),
        Some(Command::Placement(arguments)) => finish(placement::run(&arguments)),
        Some(Command::Serve(arguments)) => match arguments.settings() {
            Err(error) => fail(&error, USAGE),
            Ok(settings) => finish(serve::run(&settings)),
        },
        Some(Command::Proxy(arguments)) => match arguments.settings() {
            Err(error) => fail(&error, USAGE),
            Ok((settings, config)) => finish(proxy::run(&settings, &config)),
        },
    }
}

fn finish(result: anyhow::Result<()>) -> ExitCode {
    result.map_or_else(|error| fail(&error, 1), |()| ExitCode::SUCCESS)
}

fn fail(error: &anyhow::Error, status: u8) -> ExitCode {
    // Nobody is left to tell if stderr is gone.
    let _ = writeln!(std::io::stderr(), "peerset: {error:#}");
    ExitCode::from(status)
}
