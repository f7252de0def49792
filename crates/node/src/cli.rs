//! The command line: one module a command, and the units its values are written in.
//!
//! Every flag of a command has a twin of the same name in the command's table of the `--config` file; a flag that is
//! given wins over the file, the file over the default.

pub(crate) mod auth;
pub(crate) mod check;
pub(crate) mod config_file;
pub(crate) mod flags;
pub(crate) mod front;
pub(crate) mod locate;
pub(crate) mod placement;
pub(crate) mod proxy;
pub(crate) mod register;
pub(crate) mod serve;
pub(crate) mod servers;
pub(crate) mod units;
pub(crate) mod watch;
pub(crate) mod zk_tls;

use clap::{Parser, Subcommand};

use flags::Configured;

/// What is logged unless something else is said.
pub(crate) const LOG_DEFAULT: tracing::Level = tracing::Level::INFO;

/// What `peerset --help` ends with.
const EXAMPLES: &str = "\
Examples:
  peerset serve           a memcached-compatible cache on 127.0.0.1:11211
  peerset serve --help    all settings of a node, with examples
  peerset proxy --pool static:a:11211,b:11211
                          one address in front of several memcached
  peerset register --help keep a server in a registry while it works
  peerset watch serverset://zk1:2181/prod/cache
                          the members of a set, one line for each change
  peerset check FILE      what a config file means, or what is wrong in it
  peerset locate --pool static:a:11211,b:11211 user:1
                          which server owns a key
  peerset placement list  the placements and who uses them";

/// Knows which servers are up, decides who owns a key, and reaches them fast.
///
/// Sizes are written 64mb or 1gb (powers of 1024), times 250ms, 5s or 1m. Every flag of a command can stand in a config
/// file too, in the table of the command's name: listen = "…" below [serve] is --listen. Errors go to stderr; the exit
/// status is 2 for a wrong command line or config file and 1 for any other failure.
#[derive(Debug, Parser)]
#[command(name = "peerset", version, after_help = EXAMPLES, max_term_width = 110)]
pub(crate) struct Cli {
    /// What to log to stderr: error, warn, info, debug or trace [default: info]
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(crate) log: Option<tracing::Level>,

    /// The command
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a cache node that speaks memcached, with nothing else installed
    #[command(after_help = serve::EXAMPLES)]
    Serve(Box<Configured<serve::ServeFlags>>),
    /// Check a config file, and say in words what it means
    ///
    /// Prints what each command would do with the file, and warns of what is probably not meant. Reads the files that are
    /// named, but asks no server. Exits with status 2 if the file has mistakes, each shown with its line and column, or
    /// configures nothing.
    #[command(after_help = check::EXAMPLES)]
    Check(check::CheckArgs),
    /// Put one memcached address in front of a fleet
    #[command(after_help = proxy::EXAMPLES)]
    Proxy(Box<proxy::ProxyArgs>),
    /// Keep a server registered while it works
    ///
    /// Checks the server at once and then every second: registers it while the check succeeds, and removes it while the
    /// check fails. Runs until SIGTERM or SIGINT, then removes the server. Keeps trying while the registry cannot be
    /// reached, and replaces a lost session.
    #[command(after_help = register::EXAMPLES)]
    Register(Box<Configured<register::RegisterFlags>>),
    /// Show the members of a set, one line for each change
    ///
    /// The first line comes with the source's first answer; until then stderr says what is being waited for. A slow
    /// reader skips to the newest set. Runs until standard output is closed, or until SIGTERM or SIGINT.
    #[command(after_help = watch::EXAMPLES)]
    Watch(Box<Configured<watch::WatchFlags>>),
    /// Say which server owns each key
    ///
    /// Prints `KEY<TAB>HOST:PORT` for each key, in the order given. Where there are no servers it prints `-` and exits with
    /// status 1. Warns of keys that memcached would refuse: longer than 250 bytes, or with spaces or control characters.
    #[command(after_help = locate::EXAMPLES)]
    Locate(Box<Configured<locate::LocateFlags>>),
    /// Show placements: who uses them, each server's share, which keys move
    #[command(after_help = placement::EXAMPLES)]
    Placement(placement::PlacementArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
