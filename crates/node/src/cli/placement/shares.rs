//! The flags of `peerset placement shares`.

use std::path::PathBuf;

use clap::Args;
use peerset_cluster::DiscoveryUrl;
use peerset_placement::Spec;
use serde::Deserialize;

use crate::cli::flags::{Flags, text};
use crate::cli::servers::{ServersError, pool};
use crate::cli::zk_tls::ZkTls;
use crate::output::Format;
use crate::placement::SharesSettings;

pub(super) const EXAMPLES: &str = "\
Examples:
  peerset placement shares --pool static:a:11211@2,b:11211
  peerset placement shares --pool file:servers.txt --placement ketama
  peerset placement shares --pool serverset://zk1:2181/prod/cache --format json

Config file (--config FILE):
  [placement.shares]
  pool = \"file:/etc/peerset/servers\"";

/// Every setting, as a flag and as a key of the config file's `[placement.shares]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct SharesFlags {
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

    /// How to write the result [default: text]
    #[arg(long, value_enum)]
    format: Option<Format>,

    #[command(flatten)]
    #[serde(flatten)]
    zk_tls: ZkTls,
}

impl Flags for SharesFlags {
    const TABLE: &'static str = "placement.shares";
    type Settings = SharesSettings;
    type Error = ServersError;

    fn over(self, other: SharesFlags) -> SharesFlags {
        SharesFlags {
            pool: self.pool.or(other.pool),
            auth_file: self.auth_file.or(other.auth_file),
            placement: self.placement.or(other.placement),
            format: self.format.or(other.format),
            zk_tls: self.zk_tls.over(other.zk_tls),
        }
    }

    fn settings(self) -> Result<SharesSettings, ServersError> {
        Ok(SharesSettings {
            pool: pool("pool", self.pool, self.auth_file.as_deref(), &self.zk_tls)?,
            placement: self.placement.unwrap_or_default(),
            format: self.format.unwrap_or_default(),
        })
    }
}
