//! The flags of `peerset watch`.

use std::path::PathBuf;

use clap::Args;
use peerset_cluster::DiscoveryUrl;
use peerset_discover_zookeeper::Statuses;

use super::auth::Auth;
use super::units::Period;
use crate::output::Format;
use crate::source::Look;
use crate::watch::WatchSettings;

const EXAMPLES: &str = "\
Examples:
  peerset watch serverset://zk1:2181,zk2:2181/prod/cache
  peerset watch zk://zk1:2181/discovery/prod/cache?endpoint=admin --once
  peerset watch file:/etc/peerset/servers --format json

Lines: HOST:PORT[@WEIGHT][=NAME] of each member, or after one of these words:
  empty     the set is there and has no members
  absent    the source says that there is no such set
  stale     the source cannot be reached; the members are the last it told
  pending   the source has not answered yet";

/// Show who is there, one line a change.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WatchArgs {
    /// The set: static:HOST:PORT,…, file:PATH, zk://HOST:PORT,…/PATH or serverset://HOST:PORT,…/ENV/SERVICE
    #[arg(value_name = "URL")]
    url: DiscoveryUrl,

    /// How to write the set; JSON has one object a line
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Print the first answer and end
    #[arg(long)]
    once: bool,

    /// How long to wait for the first answer; then end with exit status 1 [default: for ever]
    #[arg(long, value_name = "TIME", requires = "once")]
    timeout: Option<Period>,

    /// Show members that are gone for so long, as `peerset proxy` does for 10s: who is back by then was never gone
    #[arg(long, value_name = "TIME")]
    hold_removals: Option<Period>,

    /// Show members of every status, not only those that say they are alive
    #[arg(long)]
    all: bool,

    /// Who to be to ZooKeeper, `digest:USER:PASSWORD`; other processes see a command line, so rather use --auth-file
    #[arg(long, value_name = "SCHEME:SECRET")]
    auth: Vec<Auth>,

    /// The same, read from the first line of a file. Sent in clear: this program has no TLS to ZooKeeper
    #[arg(long, value_name = "FILE")]
    auth_file: Option<PathBuf>,
}

impl WatchArgs {
    /// What is asked for.
    pub(crate) fn settings(self) -> anyhow::Result<WatchSettings> {
        let mut look = Look {
            hold_removals: self.hold_removals.map(|Period(hold)| hold).filter(|hold| !hold.is_zero()),
            statuses: if self.all { Statuses::All } else { Statuses::Alive },
            ..Look::default()
        };
        look.zookeeper.credentials = Auth::all(self.auth, self.auth_file.as_deref())?;
        let limit = self.timeout.map(|Period(limit)| limit).filter(|limit| !limit.is_zero());
        Ok(WatchSettings { url: self.url, format: self.format, once: self.once, limit, look })
    }
}
