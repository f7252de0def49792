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
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use cli::flags::Ready;
use cli::placement::PlacementCommand;
use cli::{Cli, Command, LOG_DEFAULT};
use source::SourceError;

/// Exit status for a command line or config file that is wrong.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let Cli { log, command } = Cli::parse();
    let Some(command) = command else {
        // A closed stdout is the reader's choice.
        let _ = Cli::command().print_help();
        return ExitCode::SUCCESS;
    };
    match command {
        Command::Serve(arguments) => start(log, arguments.settings(), serve::run),
        Command::Proxy(arguments) => {
            let arguments = arguments.logging(log);
            start(log, arguments.settings(), |(settings, config)| proxy::run(&arguments, settings, config))
        }
        Command::Register(arguments) => start(log, arguments.settings(), register::run),
        Command::Watch(arguments) => start(log, arguments.settings(), watch::run),
        Command::Locate(arguments) => start(log, arguments.settings(), locate::run),
        Command::Placement(arguments) => match arguments.command {
            PlacementCommand::List(arguments) => start(log, arguments.settings(), placement::list::run),
            PlacementCommand::Shares(arguments) => start(log, arguments.settings(), placement::shares::run),
            PlacementCommand::Diff(arguments) => start(log, arguments.settings(), placement::diff::run),
        },
        Command::Check(arguments) => match arguments.read() {
            Err(error) => fail(&error.into(), USAGE),
            Ok(meaning) => finish(meaning.print()),
        },
    }
}

/// Runs a command, if its settings are all right. `log` is what the command line says to log.
fn start<S>(
    log: Option<Level>,
    read: anyhow::Result<Ready<S>>,
    run: impl FnOnce(&S) -> anyhow::Result<()>,
) -> ExitCode {
    match read {
        Err(error) => fail(&error, USAGE),
        Ok(ready) => {
            log_to_stderr(log.or(ready.log).unwrap_or(LOG_DEFAULT));
            finish(run(&ready.settings))
        }
    }
}

/// Logs what is at least as weighty as `level`.
fn log_to_stderr(level: Level) {
    // The ZooKeeper client tells of every attempt to connect; what is worth a line of those is told by our own library.
    let quiet = if level > Level::INFO { level } else { Level::ERROR };
    let targets = Targets::new().with_default(level).with_target("zookeeper_client", quiet);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    tracing_subscriber::registry().with(lines.with_filter(targets)).init();
}

fn finish(result: anyhow::Result<()>) -> ExitCode {
    let status = |error: &anyhow::Error| {
        if error.is::<SourceError>() { USAGE } else { 1 }
    };
    result.map_or_else(|error| fail(&error, status(&error)), |()| ExitCode::SUCCESS)
}

fn fail(error: &anyhow::Error, status: u8) -> ExitCode {
    // Nobody is left to tell if stderr is gone.
    let _ = writeln!(std::io::stderr(), "peerset: {error:#}");
    ExitCode::from(status)
}
