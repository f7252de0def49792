//! `peerset`: a memcached-compatible cache node and proxy, who is there, and who owns which key.

mod admin;
mod answer;
mod cli;
mod daemon;
mod front;
mod keys;
mod locate;
mod output;
mod placement;
mod pool;
mod proxy;
mod register;
mod serve;
mod source;
mod watch;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use cli::auth::AuthFileError;
use cli::{Cli, Command};
use source::SourceError;

/// Exit status for a command line or config file that is wrong.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr(cli.log);
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
        Some(Command::Register(arguments)) => match arguments.settings() {
            Err(error) => fail(&error, USAGE),
            Ok(settings) => finish(register::run(&settings)),
        },
        Some(Command::Watch(arguments)) => match arguments.settings() {
            Err(error) => fail(&error, USAGE),
            Ok(settings) => finish(watch::run(&settings)),
        },
        Some(Command::Proxy(arguments)) => match arguments.settings() {
            Err(error) => fail(&error, USAGE),
            Ok((settings, config)) => finish(proxy::run(&settings, &config)),
        },
    }
}

/// Logs what is at least as weighty as `level`.
fn log_to_stderr(level: tracing::Level) {
    // The ZooKeeper client tells of every attempt to connect; what is worth a line of those is told by our own library.
    let quiet = if level > tracing::Level::INFO { level } else { tracing::Level::ERROR };
    let targets = Targets::new().with_default(level).with_target("zookeeper_client", quiet);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    tracing_subscriber::registry().with(lines.with_filter(targets)).init();
}

fn finish(result: anyhow::Result<()>) -> ExitCode {
    let status = |error: &anyhow::Error| {
        if error.is::<SourceError>() || error.is::<AuthFileError>() { USAGE } else { 1 }
    };
    result.map_or_else(|error| fail(&error, status(&error)), |()| ExitCode::SUCCESS)
}

fn fail(error: &anyhow::Error, status: u8) -> ExitCode {
    // Nobody is left to tell if stderr is gone.
    let _ = writeln!(std::io::stderr(), "peerset: {error:#}");
    ExitCode::from(status)
}
