//! The flags of `peerset locate`, their twins in the config file, and what both come to.

use std::path::PathBuf;

use clap::Args;
use peerset_cluster::DiscoveryUrl;
use peerset_placement::Spec;
use serde::Deserialize;

use super::flags::{Flags, text};
use super::servers::{ServersError, pool};
use super::zk_tls::ZkTls;
use crate::locate::LocateSettings;
use crate::output::Format;

pub(super) const EXAMPLES: &str = "\
Examples:
  peerset locate --pool static:a:11211,b:11211 user:1 user:2
  peerset locate --pool file:servers.txt --placement ketama --keys keys.txt
  peerset locate --pool serverset://zk1:2181/prod/cache user:1
  peerset locate --pool static:a:1,b:1 --placement twemproxy:tag={} '{7}:name'

Config file (--config FILE):
  [locate]
  pool = \"file:/etc/peerset/servers\"
  placement = \"ketama\"";

/// Every setting, as a flag and as a key of the config file's `[locate]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct LocateFlags {
    /// The servers: `static:HOST:PORT[@WEIGHT][=NAME],…`, file:PATH, zk://… or serverset://…
    #[arg(long, value_name = "URL")]
    #[serde(deserialize_with = "text")]
    pool: Option<DiscoveryUrl>,

    /// Credentials for ZooKeeper: a file whose first line is digest:USER:PASSWORD. They are sent unencrypted without --zk-tls-ca
    #[arg(long, value_name = "FILE")]
    auth_file: Option<PathBuf>,

    /// How keys are placed, see `peerset placement list`; options follow a colon [default: rendezvous]
    #[arg(long, value_name = "NAME")]
    #[serde(deserialize_with = "text")]
    placement: Option<Spec>,

    /// Read keys from this file, one on each line; - is standard input
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,

    /// How to write the result; JSON is one object on each line [default: text]
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// The keys
    #[arg(value_name = "KEY")]
    key: Vec<String>,

    #[command(flatten)]
    #[serde(flatten)]
    zk_tls: ZkTls,
}

impl Flags for LocateFlags {
    const TABLE: &'static str = "locate";
    type Settings = LocateSettings;
    type Error = ServersError;

    fn over(self, other: LocateFlags) -> LocateFlags {
        // Who names keys wants to know of these, not of those that a file has besides.
        let keys_given = !self.key.is_empty() || self.keys.is_some();
        let (key, keys) = if keys_given { (self.key, self.keys) } else { (other.key, other.keys) };
        LocateFlags {
            pool: self.pool.or(other.pool),
            auth_file: self.auth_file.or(other.auth_file),
            placement: self.placement.or(other.placement),
            keys,
            format: self.format.or(other.format),
            key,
            zk_tls: self.zk_tls.over(other.zk_tls),
        }
    }

    fn settings(self) -> Result<LocateSettings, ServersError> {
        let pool = pool("pool", self.pool, self.auth_file.as_deref(), &self.zk_tls)?;
        if self.key.is_empty() && self.keys.is_none() {
            return Err(ServersError::NoKeys);
        }
        Ok(LocateSettings {
            pool,
            placement: self.placement.unwrap_or_default(),
            key: self.key,
            keys: self.keys,
            format: self.format.unwrap_or_default(),
        })
    }
}
