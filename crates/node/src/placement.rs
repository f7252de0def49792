//! `peerset placement`: the placements there are, each server's share, and what a change moves.

mod diff;
mod list;
mod shares;

use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
Examples:
  peerset placement list
  peerset placement shares --pool static:a:11211@2,b:11211 --placement ketama
  peerset placement diff --from static:a:1,b:1 --to static:a:1,b:1,c:1";

/// Show placements: who uses them, each server's share, which keys move in a change.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PlacementArgs {
    #[command(subcommand)]
    command: PlacementCommand,
}

#[derive(Debug, Subcommand)]
enum PlacementCommand {
    /// List the placements, who uses them and how each was verified
    List(list::ListArgs),
    /// Show the share of all keys that each server owns
    Shares(Box<shares::SharesArgs>),
    /// Show which keys move, from whom to whom, when servers or the placement change
    Diff(Box<diff::DiffArgs>),
}

/// Runs the command.
pub(crate) fn run(arguments: &PlacementArgs) -> anyhow::Result<()> {
    match &arguments.command {
        PlacementCommand::List(arguments) => list::run(arguments),
        PlacementCommand::Shares(arguments) => shares::run(arguments),
        PlacementCommand::Diff(arguments) => diff::run(arguments),
    }
}
