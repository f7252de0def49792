//! The flags of `peerset placement diff`.

use std::path::PathBuf;

use clap::Args;
use peerset_cluster::DiscoveryUrl;
use peerset_placement::Spec;
use serde::Deserialize;

use crate::cli::flags::{Flags, text};
use crate::cli::servers::{ServersError, pool};
use crate::cli::zk_tls::ZkTls;
use crate::output::Format;
use crate::placement::DiffSettings;

pub(super) const EXAMPLES: &str = "\
Examples:
  peerset placement diff --from static:a:1,b:1 --to static:a:1,b:1,c:1
  peerset placement diff --from file:old.txt --to file:new.txt \\
      --from-placement ketama --keys keys.txt --list
  peerset placement diff --from file:servers.txt --to file:servers.txt \\
      --from-placement twemproxy --to-placement ketama

Config file (--config FILE):
  [placement.diff]
  from = \"file:/etc/peerset/servers\"";

/// Every setting, as a flag and as a key of the config file's `[placement.diff]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct DiffFlags {
    /// The servers before the change: `static:HOST:PORT[@WEIGHT][=NAME],…`, file:PATH, zk://… or serverset://…
    #[arg(long, value_name = "URL")]
    #[serde(deserialize_with = "text")]
    from: Option<DiscoveryUrl>,

    /// The servers after it
    #[arg(long, value_name = "URL")]
    #[serde(deserialize_with = "text")]
    to: Option<DiscoveryUrl>,

    /// Credentials for ZooKeeper: a file whose first line is digest:USER:PASSWORD. They are sent unencrypted without --zk-tls-ca
    #[arg(long, value_name = "FILE")]
    auth_file: Option<PathBuf>,

    /// How keys are placed before the change, see `peerset placement list` [default: rendezvous]
    #[arg(long, value_name = "NAME")]
    #[serde(deserialize_with = "text")]
    from_placement: Option<Spec>,

    /// How keys are placed after it [default: as before]
    #[arg(long, value_name = "NAME")]
    #[serde(deserialize_with = "text")]
    to_placement: Option<Spec>,

    /// Real keys, one on each line; - is standard input. Without them the answer is about the whole key space: exact
    /// for rings, otherwise estimated from 100,000 made-up keys
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,

    /// Also list every one of --keys that moves, as `KEY<TAB>FROM<TAB>TO`
    #[arg(long)]
    list: bool,

    /// How to write the result [default: text]
    #[arg(long, value_enum)]
    format: Option<Format>,

    #[command(flatten)]
    #[serde(flatten)]
    zk_tls: ZkTls,
}

impl Flags for DiffFlags {
    const TABLE: &'static str = "placement.diff";
    type Settings = DiffSettings;
    type Error = ServersError;

    fn over(self, other: DiffFlags) -> DiffFlags {
        DiffFlags {
            from: self.from.or(other.from),
            to: self.to.or(other.to),
            auth_file: self.auth_file.or(other.auth_file),
            from_placement: self.from_placement.or(other.from_placement),
            to_placement: self.to_placement.or(other.to_placement),
            keys: self.keys.or(other.keys),
            list: self.list || other.list,
            format: self.format.or(other.format),
            zk_tls: self.zk_tls.over(other.zk_tls),
        }
    }

    fn settings(self) -> Result<DiffSettings, ServersError> {
        let auth_file = self.auth_file.as_deref();
        if self.list && self.keys.is_none() {
            return Err(ServersError::NothingToList);
        }
        let from_placement = self.from_placement.unwrap_or_default();
        Ok(DiffSettings {
            from: pool("from", self.from, auth_file, &self.zk_tls)?,
            to: pool("to", self.to, auth_file, &self.zk_tls)?,
            to_placement: self.to_placement.unwrap_or_else(|| from_placement.clone()),
            from_placement,
            keys: self.keys,
            list: self.list,
            format: self.format.unwrap_or_default(),
        })
    }
}
