//! The commands below `peerset placement`.

pub(crate) mod diff;
pub(crate) mod list;
pub(crate) mod shares;

use clap::{Args, Subcommand};

use super::flags::Configured;

pub(super) const EXAMPLES: &str = "\
Examples:
  peerset placement list
  peerset placement shares --pool static:a:11211@2,b:11211 --placement ketama
  peerset placement diff --from static:a:1,b:1 --to static:a:1,b:1,c:1";

/// `peerset placement`, which does nothing by itself.
#[derive(Debug, Args)]
pub(crate) struct PlacementArgs {
    #[command(subcommand)]
    pub(crate) command: PlacementCommand,
}

/// What it can show.
#[derive(Debug, Subcommand)]
pub(crate) enum PlacementCommand {
    /// List the placements, who uses them and how each was verified
    #[command(after_help = list::EXAMPLES)]
    List(Configured<list::ListFlags>),
    /// Show what share of all keys each server owns
    #[command(after_help = shares::EXAMPLES)]
    Shares(Box<Configured<shares::SharesFlags>>),
    /// Show which keys move, from whom to whom, when the servers or the placement change
    #[command(after_help = diff::EXAMPLES)]
    Diff(Box<Configured<diff::DiffFlags>>),
}
