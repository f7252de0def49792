//! The flags of `peerset watch`, their twins in the config file, and what both come to.

use std::path::PathBuf;

use clap::Args;
use peerset_cluster::DiscoveryUrl;
use peerset_discover_zookeeper::Statuses;
use serde::Deserialize;

use super::auth::{self, Auth, AuthFileError};
use super::flags::{About, Flags, text};
use super::units::Period;
use super::zk_tls::{ZkTls, ZkTlsError};
use crate::output::Format;
use crate::source::{self, Look, SourceError};
use crate::watch::WatchSettings;

pub(super) const EXAMPLES: &str = "\
Examples:
  peerset watch serverset://zk1:2181,zk2:2181/prod/cache
  peerset watch zk://zk1:2181/discovery/prod/cache?endpoint=admin --once
  peerset watch file:/etc/peerset/servers --format json

A line has HOST:PORT[@WEIGHT][=NAME] for each member, after one of these words
unless all is well:
  empty     the set exists and has no members
  absent    the source says that there is no such set
  stale     the source cannot be reached; these were its members (--format json
            says since when)
  pending   the source has not answered yet

Config file (--config FILE):
  [watch]
  url = \"serverset://zk1:2181,zk2:2181/prod/cache\"
  format = \"json\"";

/// Every setting, as a flag and as a key of the config file's `[watch]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct WatchFlags {
    /// The set: static:HOST:PORT,…, file:PATH, zk://HOST:PORT,…/PATH or serverset://HOST:PORT,…/ENV/SERVICE
    #[arg(value_name = "URL")]
    #[serde(deserialize_with = "text")]
    url: Option<DiscoveryUrl>,

    /// How to write the set; JSON is one object on each line [default: text]
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Print the first answer and exit
    #[arg(long)]
    once: bool,

    /// With --once: how long to wait for the answer before exiting with status 1 [default: forever]
    #[arg(long, value_name = "TIME")]
    timeout: Option<Period>,

    /// Keep showing a member for this long after it has gone, in case it comes back, as `peerset proxy` does for 10s
    #[arg(long, value_name = "TIME")]
    hold_removals: Option<Period>,

    /// Show members of every status, not only those that are alive
    #[arg(long)]
    all: bool,

    /// Credentials for ZooKeeper, digest:USER:PASSWORD. Other processes can see the command line, so prefer --auth-file
    #[arg(long, value_name = "SCHEME:SECRET")]
    auth: Vec<Auth>,

    /// A file whose first line holds such credentials. They are sent unencrypted without --zk-tls-ca
    #[arg(long, value_name = "FILE")]
    auth_file: Option<PathBuf>,

    #[command(flatten)]
    #[serde(flatten)]
    zk_tls: ZkTls,
}

/// Settings that are missing or do not go together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchSettingsError {
    #[error("there is no URL: it says which set to watch, such as serverset://zk1:2181,zk2:2181/prod/cache")]
    NoUrl,
    #[error("--timeout needs --once: a set is watched for as long as it may take")]
    TimeoutWithoutOnce,
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Auth(#[from] AuthFileError),
    #[error(transparent)]
    Tls(#[from] ZkTlsError),
}

impl About for WatchSettingsError {
    fn about(&self) -> &[&'static str] {
        match self {
            WatchSettingsError::NoUrl | WatchSettingsError::Source(_) => &["url"],
            WatchSettingsError::TimeoutWithoutOnce => &["timeout", "once"],
            WatchSettingsError::Auth(_) => &["auth-file"],
            WatchSettingsError::Tls(error) => error.about(),
        }
    }

    fn is_missing(&self) -> bool {
        matches!(self, WatchSettingsError::NoUrl)
    }
}

impl Flags for WatchFlags {
    const TABLE: &'static str = "watch";
    type Settings = WatchSettings;
    type Error = WatchSettingsError;

    fn over(self, other: WatchFlags) -> WatchFlags {
        let (auth, auth_file) = auth::over((self.auth, self.auth_file), (other.auth, other.auth_file));
        WatchFlags {
            url: self.url.or(other.url),
            format: self.format.or(other.format),
            once: self.once || other.once,
            timeout: self.timeout.or(other.timeout),
            hold_removals: self.hold_removals.or(other.hold_removals),
            all: self.all || other.all,
            auth,
            auth_file,
            zk_tls: self.zk_tls.over(other.zk_tls),
        }
    }

    fn settings(self) -> Result<WatchSettings, WatchSettingsError> {
        let url = self.url.ok_or(WatchSettingsError::NoUrl)?;
        source::can_open(&url)?;
        if self.timeout.is_some() && !self.once {
            return Err(WatchSettingsError::TimeoutWithoutOnce);
        }
        let mut look = Look {
            hold_removals: self.hold_removals.map(|Period(hold)| hold).filter(|hold| !hold.is_zero()),
            statuses: if self.all { Statuses::All } else { Statuses::Alive },
            ..Look::default()
        };
        look.zookeeper.credentials = Auth::all(self.auth, self.auth_file.as_deref())?;
        self.zk_tls.encrypt(&mut look.zookeeper)?;
        let limit = self.timeout.map(|Period(limit)| limit).filter(|limit| !limit.is_zero());
        let format = self.format.unwrap_or_default();
        Ok(WatchSettings { url, format, once: self.once, limit, look })
    }
}
