//! The command line: one module a command, and the units its values are written in.
//!
//! Every flag of a command (`--log`, which is of the program, apart) has a twin of the same name in the command's table of the `--config` file; a flag that is
//! given wins over the file, the file over the default.

pub(crate) mod auth;
pub(crate) mod check;
pub(crate) mod config_file;
pub(crate) mod front;
pub(crate) mod proxy;
pub(crate) mod register;
pub(crate) mod serve;
pub(crate) mod units;
pub(crate) mod watch;

use clap::{Parser, Subcommand};

use crate::{locate, placement};

/// What `peerset --help` ends with.
const EXAMPLES: &str = "\
Examples:
  peerset serve           a memcached-compatible cache on 127.0.0.1:11211
  peerset serve --help    all settings of a node, with examples
  peerset proxy --pool static:a:11211,b:11211
                          one address in front of several memcached
  peerset register --help put a server into a registry while it works
  peerset watch serverset://zk1:2181/prod/cache
                          who is there, one line a change
  peerset check FILE      what a config file means, or what is wrong in it
  peerset locate --pool static:a:11211,b:11211 user:1
  peerset placement list  the placements and who uses them";

/// Knows which servers are up, decides who owns a key, and reaches them fast.
///
/// Sizes are written 64mb or 1gb (powers of 1024), times 250ms, 5s or 1m. Errors go to stderr; the exit status is 2 for
/// a wrong command line or config file and 1 for any other failure.
#[derive(Debug, Parser)]
#[command(name = "peerset", version, after_help = EXAMPLES, max_term_width = 110)]
pub(crate) struct Cli {
    /// What to log to stderr: error, warn, info, debug or trace
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info")]
    pub(crate) log: tracing::Level,

    /// The command
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a cache node that speaks memcached, with nothing else installed
    Serve(Box<serve::ServeArgs>),
    /// Check a config file, and say in words what it means
    Check(Box<check::CheckArgs>),
    /// Put one memcached address in front of a fleet
    Proxy(Box<proxy::ProxyArgs>),
    /// Register a server while it works, take it out while it does not
    ///
    /// Checks the server at once and then every second. Ends with SIGTERM or SIGINT, which takes the server out. While
    /// the registry cannot be reached this keeps trying; a session that was lost is replaced.
    Register(Box<register::RegisterArgs>),
    /// Show who is there, one line a change
    ///
    /// The first line comes with the source's first answer; while there is none, stderr says so. A reader that is slow
    /// gets the newest set and misses those between. Ends when standard output is closed, and with SIGTERM or SIGINT.
    Watch(Box<watch::WatchArgs>),
    /// Say which server owns each key
    Locate(Box<locate::LocateArgs>),
    /// Show placements: who uses them, each server's share, which keys move
    Placement(Box<placement::PlacementArgs>),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
