//! The flags of `peerset proxy`, their twins in the config file, and what both come to.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use peerset_cluster::DiscoveryUrl;
use peerset_placement::Spec;
use peerset_route::OwnerDown;
use serde::{Deserialize, Deserializer};
use tracing::Level;

use super::config_file::{ConfigError, ConfigFile};
use super::flags::{Ready, blame, text};
use super::front::{HttpAddress, count, one_or_several};
use super::units::{Period, Size};
use super::zk_tls::ZkTls;
use crate::front::ListenAddress;
use crate::proxy::config::ProxyConfig;
pub(crate) use settings::ProxySettings;

mod settings;

pub(super) const EXAMPLES: &str = "\
Examples:
  peerset proxy --pool static:10.0.0.1:11211,10.0.0.2:11211
  peerset proxy --pool file:/etc/peerset/servers --placement twemproxy \\
      --listen 0.0.0.0:11211
  peerset proxy --pool serverset://zk1:2181/prod/cache --placement mcset
  peerset proxy --config /etc/peerset/proxy.toml
  kill -HUP $(pidof peerset)    reads the config file again, as changing it does

Config file (--config FILE; `peerset check FILE` explains it):
  [proxy]
  listen = [\"0.0.0.0:11211\"]
  [pools.east]
  discover = \"file:/etc/peerset/east\"
  [pools.west]
  discover = \"static:10.1.0.1:11211,10.1.0.2:11211\"
  [routes]
  failover = [\"east\", \"west\"]

[pools.NAME] takes every setting of --pool above but --mode, --tls-ca as
tls = { ca = \"FILE\" }, and client certificates, retry times, queue lengths and
more";

/// A proxy's flags, and the config file with more of them and with pools and routes.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProxyArgs {
    /// Read settings, pools and routes from this TOML file; flags win over its table `[proxy]`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    flags: ProxyFlags,

    /// What `--log` says, which is a flag of all commands.
    #[arg(skip)]
    log: Option<Level>,
}

/// Every setting, as a flag and as a key of the config file's `[proxy]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct ProxyFlags {
    /// Where the servers are: static:HOST:PORT,…, file:PATH, zk://… or serverset://…; may be given several times, all
    /// for the one pool
    #[arg(long, value_name = "URL")]
    #[serde(deserialize_with = "urls")]
    pool: Vec<DiscoveryUrl>,

    /// Credentials for ZooKeeper: a file whose first line is digest:USER:PASSWORD. They are sent unencrypted without --zk-tls-ca
    #[arg(long, value_name = "FILE")]
    discover_auth_file: Option<PathBuf>,

    /// How keys are distributed: shard sends each to the server that owns it [default: shard]
    #[arg(long, value_enum, value_name = "MODE")]
    mode: Option<Mode>,

    /// How keys are placed on the servers of --pool, see `peerset placement list`; options follow a colon [default: rendezvous]
    #[arg(long, value_name = "NAME")]
    #[serde(deserialize_with = "text")]
    placement: Option<Spec>,

    /// How long a server of --pool may take to answer before it counts as down [default: 500ms]
    #[arg(long, value_name = "TIME")]
    timeout: Option<Period>,

    /// How long connecting to a server of --pool may take before it counts as down [default: 500ms]
    #[arg(long, value_name = "TIME")]
    connect_timeout: Option<Period>,

    /// What to answer for keys of a server that is down: miss, error, or next to ask the next owner [default: miss]
    #[arg(long, value_name = "POLICY")]
    #[serde(deserialize_with = "text")]
    owner_down: Option<OwnerDown>,

    /// How many lost connections in a row it takes for a server of --pool to count as down [default: 3]
    #[arg(long, value_name = "COUNT", value_parser = count)]
    eject_after: Option<NonZeroUsize>,

    /// Text to put before every key on the servers of --pool
    #[arg(long, value_name = "TEXT")]
    #[serde(deserialize_with = "text")]
    prefix: Option<String>,

    /// Log in to the servers of --pool: a file whose first line is USER:PASSWORD
    #[arg(long, value_name = "FILE")]
    auth_file: Option<PathBuf>,

    /// Speak TLS with the servers of --pool, whose certificates this system has to trust
    #[arg(long)]
    tls: bool,

    /// Speak TLS with the servers of --pool, whose certificates have to be signed by one in this PEM file
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,

    /// Address to listen on, HOST:PORT or unix:PATH; may be given several times [default: 127.0.0.1:11211]
    #[arg(long, value_name = "ADDRESS")]
    #[serde(deserialize_with = "one_or_several")]
    listen: Vec<ListenAddress>,

    /// Largest value accepted [default: 1mb]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    max_item: Option<Size>,

    /// Memory for large requests in progress and for replies that clients have not read yet [default: 256mb]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    buffer_memory: Option<Size>,

    /// Client connections at any one time; a further one gets an error and is closed [default: 1024]
    #[arg(long, value_name = "COUNT", value_parser = count)]
    max_conns: Option<NonZeroUsize>,

    /// Threads that serve requests [default: as many as the load needs, at most one per core]
    #[arg(long, value_name = "COUNT", value_parser = count)]
    threads: Option<NonZeroUsize>,

    /// Close a client connection that has been idle for this long; 0 means never [default: 0]
    #[arg(long, value_name = "TIME")]
    idle_timeout: Option<Period>,

    /// Close a client connection that has read none of its waiting replies for this long [default: 30s]
    #[arg(long, value_name = "TIME")]
    stall_timeout: Option<Period>,

    /// Address of the admin pages (/metrics, /api/members, …), or off [default: 127.0.0.1:7980]
    #[arg(long, value_name = "ADDRESS|off")]
    http: Option<HttpAddress>,

    #[command(flatten)]
    #[serde(flatten)]
    zk_tls: ZkTls,
}

/// What a proxy does with keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    /// Send each key to the one server that owns it
    Shard,
}

fn urls<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<DiscoveryUrl>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a discovery URL in quotes, or a list of them")]
    enum Urls {
        One(String),
        Several(Vec<String>),
    }
    let texts = match Urls::deserialize(deserializer)? {
        Urls::One(text) => vec![text],
        Urls::Several(texts) => texts,
    };
    texts.iter().map(|text| text.parse().map_err(serde::de::Error::custom)).collect()
}

/// What a proxy begins with: its settings, and pools and routes.
pub(crate) type Whole = (ProxySettings, ProxyConfig);

impl ProxyArgs {
    /// With what `--log` says.
    pub(crate) fn logging(self, log: Option<Level>) -> ProxyArgs {
        ProxyArgs { log, ..self }
    }

    /// What the flags, the config file and the defaults come to.
    pub(crate) fn settings(&self) -> anyhow::Result<Ready<Whole>> {
        let Some(path) = &self.config else {
            return Ok(Ready { settings: self.flags.clone().settings(None, None)?, log: self.log });
        };
        let file = ConfigFile::read(path)?;
        let (written, pools) = ConfigError::both(file.flags::<ProxyFlags>("proxy"), file.proxy())?;
        let settings = self.flags.clone().over(written.clone()).settings(Some(path), pools.clone());
        let alone = || written.settings(Some(path), pools).err();
        let (settings, pools) = settings.map_err(|error| blame(error, &file, "proxy", alone()))?;
        let log = self.log.or_else(|| file.log("proxy"));
        Ok(Ready { settings: (ProxySettings { log, ..settings }, pools), log })
    }
}

impl ProxyFlags {
    fn over(self, other: ProxyFlags) -> ProxyFlags {
        let first = |ours: Vec<_>, theirs: Vec<_>| if ours.is_empty() { theirs } else { ours };
        ProxyFlags {
            pool: if self.pool.is_empty() { other.pool } else { self.pool },
            discover_auth_file: self.discover_auth_file.or(other.discover_auth_file),
            mode: self.mode.or(other.mode),
            placement: self.placement.or(other.placement),
            timeout: self.timeout.or(other.timeout),
            connect_timeout: self.connect_timeout.or(other.connect_timeout),
            owner_down: self.owner_down.or(other.owner_down),
            eject_after: self.eject_after.or(other.eject_after),
            prefix: self.prefix.or(other.prefix),
            auth_file: self.auth_file.or(other.auth_file),
            tls: self.tls || other.tls,
            tls_ca: self.tls_ca.or(other.tls_ca),
            listen: first(self.listen, other.listen),
            max_item: self.max_item.or(other.max_item),
            buffer_memory: self.buffer_memory.or(other.buffer_memory),
            max_conns: self.max_conns.or(other.max_conns),
            threads: self.threads.or(other.threads),
            idle_timeout: self.idle_timeout.or(other.idle_timeout),
            stall_timeout: self.stall_timeout.or(other.stall_timeout),
            http: self.http.or(other.http),
            zk_tls: self.zk_tls.over(other.zk_tls),
        }
    }
}
