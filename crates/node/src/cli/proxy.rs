//! The flags of `peerset proxy`, their twins in the config file, and what both come to.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use peerset_cluster::DiscoveryUrl;
use peerset_placement::Spec;
use peerset_proto_memcache::Limits;
use peerset_route::OwnerDown;
use serde::{Deserialize, Deserializer};

use super::auth::{Auth, AuthFileError};
use super::config_file::ConfigFile;
use super::front::{FrontError, FrontSettings, HttpAddress, count, listen_or_default, one_or_several};
use super::units::{Period, Size};
use crate::daemon::HttpSettings;
use crate::front::{self, ListenAddress};
use crate::proxy::config::{PoolConfig, ProxyConfig};
use crate::source::{self, SourceError};

const EXAMPLES: &str = "\
Examples:
  peerset proxy --pool static:10.0.0.1:11211,10.0.0.2:11211
  peerset proxy --pool file:/etc/peerset/servers --placement twemproxy --listen 0.0.0.0:11211
  peerset proxy --pool serverset://zk1:2181,zk2:2181/prod/cache --placement mcset
  peerset proxy --config /etc/peerset/proxy.toml
  kill -HUP $(pidof peerset)      reads the config file again, as does changing it

Config file (--config FILE; `peerset check FILE` explains it):
  [proxy]
  listen = [\"0.0.0.0:11211\"]
  [pools.east]
  discover = \"file:/etc/peerset/east\"
  [pools.west]
  discover = \"static:10.1.0.1:11211,10.1.0.2:11211\"
  [routes]
  failover = [\"east\", \"west\"]";

/// Put one memcached address in front of a fleet, and follow its topology live.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ProxyArgs {
    /// Read settings, pools and routes from this TOML file; flags win over its table proxy
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    flags: ProxyFlags,
}

/// Every setting, as a flag and as a key of the config file's `[proxy]`.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct ProxyFlags {
    /// Where the servers are, a discovery URL: static:HOST:PORT,…, file:PATH, zk://… or serverset://…; several
    /// are one pool
    #[arg(long, value_name = "URL")]
    #[serde(deserialize_with = "urls")]
    pool: Vec<DiscoveryUrl>,

    /// Who to be to ZooKeeper, for sets that not everybody may read: a file whose first line is digest:USER:PASSWORD. Sent
    /// in clear, as this program has no TLS to ZooKeeper
    #[arg(long, value_name = "FILE")]
    discover_auth_file: Option<PathBuf>,

    /// What is done with keys: shard gives each to the server that owns it [default: shard]
    #[arg(long, value_enum, value_name = "MODE")]
    mode: Option<Mode>,

    /// How keys are placed on the servers of --pool, see `peerset placement list` [default: rendezvous]
    #[arg(long, value_name = "NAME")]
    #[serde(deserialize_with = "text")]
    placement: Option<Spec>,

    /// How long a server of --pool may be silent while it owes an answer; then it is down until it speaks [default: 500ms]
    #[arg(long, value_name = "TIME")]
    timeout: Option<Period>,

    /// How long connecting to a server of --pool may take [default: 500ms]
    #[arg(long, value_name = "TIME")]
    connect_timeout: Option<Period>,

    /// What is answered for keys of a server that is down: miss, error, or next to ask another [default: miss]
    #[arg(long, value_name = "POLICY")]
    #[serde(deserialize_with = "text")]
    owner_down: Option<OwnerDown>,

    /// Connections lost in a row until a server of --pool is taken for down [default: 3]
    #[arg(long, value_name = "COUNT", value_parser = count)]
    eject_after: Option<NonZeroUsize>,

    /// Address to take requests on, HOST:PORT or unix:PATH; may be given several times [default: 127.0.0.1:11211]
    #[arg(long, value_name = "ADDRESS")]
    #[serde(deserialize_with = "one_or_several")]
    listen: Vec<ListenAddress>,

    /// Largest value passed on [default: 1mb]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    max_item: Option<Size>,

    /// Memory for large requests under way and replies that cannot be sent yet [default: 256mb]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    buffer_memory: Option<Size>,

    /// Client connections at one time; a further one is told so and closed [default: 1024]
    #[arg(long, value_name = "COUNT", value_parser = count)]
    max_conns: Option<NonZeroUsize>,

    /// Threads that serve requests [default: as many as the load needs, up to one for each core]
    #[arg(long, value_name = "COUNT", value_parser = count)]
    threads: Option<NonZeroUsize>,

    /// Close a client connection on which nothing came or went for so long; 0 means never [default: 0]
    #[arg(long, value_name = "TIME")]
    idle_timeout: Option<Period>,

    /// Close a client connection that takes none of its waiting replies for so long [default: 30s]
    #[arg(long, value_name = "TIME")]
    stall_timeout: Option<Period>,

    /// Address of the admin pages (/metrics, /api/members, …), or `off` [default: 127.0.0.1:7980]
    #[arg(long, value_name = "ADDRESS|off")]
    http: Option<HttpAddress>,
}

/// What a proxy does with keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    /// Each key to the one server that owns it
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

/// A value that is written as text.
pub(super) fn text<'de, D: Deserializer<'de>, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    String::deserialize(deserializer)?.parse().map(Some).map_err(serde::de::Error::custom)
}

/// Settings of a proxy, complete and checked.
#[derive(Debug, Clone)]
pub(crate) struct ProxySettings {
    pub(crate) listen: Vec<ListenAddress>,
    pub(crate) front: front::Config,
    pub(crate) http: Option<HttpSettings>,
    pub(crate) max_item: Size,
    pub(crate) buffer_memory: Size,
    /// Read again when it changes.
    pub(crate) config: Option<PathBuf>,
    /// The pool of the flags; none if pools and routes are the file's.
    pub(crate) pool: Option<PoolConfig>,
}

/// Settings that do not go together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxySettingsError {
    #[error("there is no pool: give --pool static:HOST:PORT,… or --config FILE with [pools.NAME]")]
    NoPool,
    #[error("{file} has [pools], and --pool names another: take one of them away")]
    TwoPools { file: String },
    #[error("--{0} is for the pool of --pool: write it in [pools.NAME] instead")]
    NoFlagPool(&'static str),
    #[error("--max-item {0} is out of range: 1kb to 1gb")]
    ItemRange(Size),
    #[error("--buffer-memory {0} is less than four values of --max-item {1}")]
    TooLittleMemory(Size, Size),
    #[error("--{0} must be more than 0")]
    Zero(&'static str),
    #[error(transparent)]
    Auth(#[from] AuthFileError),
    #[error(transparent)]
    Front(#[from] FrontError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Pool(#[from] peerset_client_memcache::ConfigError),
}

impl ProxyArgs {
    /// The settings that the flags, the config file and the defaults come to, and the pools and routes to begin with.
    pub(crate) fn settings(self) -> anyhow::Result<(ProxySettings, ProxyConfig)> {
        let Some(path) = &self.config else { return self.flags.settings(None, None) };
        let file = ConfigFile::read(path)?;
        let flags = file.flags::<ProxyFlags>("proxy");
        let (flags, pools) = match (flags, file.proxy()) {
            (Ok(flags), Ok(pools)) => (flags, pools),
            (Err(error), Err(other)) => return Err(error.and(other).into()),
            (Err(error), _) | (_, Err(error)) => return Err(error.into()),
        };
        self.flags.over(flags).settings(Some(path), pools)
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
            listen: first(self.listen, other.listen),
            max_item: self.max_item.or(other.max_item),
            buffer_memory: self.buffer_memory.or(other.buffer_memory),
            max_conns: self.max_conns.or(other.max_conns),
            threads: self.threads.or(other.threads),
            idle_timeout: self.idle_timeout.or(other.idle_timeout),
            stall_timeout: self.stall_timeout.or(other.stall_timeout),
            http: self.http.or(other.http),
        }
    }

    /// These settings complete, with the pools and routes of a file or those of the flags.
    pub(super) fn settings(
        self,
        file: Option<&Path>,
        pools: Option<ProxyConfig>,
    ) -> anyhow::Result<(ProxySettings, ProxyConfig)> {
        let own = self.pool()?;
        let config = match (own.clone(), pools) {
            (None, None) => return Err(ProxySettingsError::NoPool.into()),
            (Some(_), Some(_)) => {
                let file = file.map(|path| path.display().to_string()).unwrap_or_default();
                return Err(ProxySettingsError::TwoPools { file }.into());
            }
            (Some(pool), None) => ProxyConfig::single(pool),
            (None, Some(config)) => config,
        };
        let max_item = self.max_item.unwrap_or(Size(1 << 20));
        let buffer_memory = self.buffer_memory.unwrap_or(Size((256 << 20).max(max_item.0 * 8)));
        if !(1024..=1 << 30).contains(&max_item.0) {
            return Err(ProxySettingsError::ItemRange(max_item).into());
        }
        if buffer_memory.0 / 4 < max_item.0 {
            return Err(ProxySettingsError::TooLittleMemory(buffer_memory, max_item).into());
        }
        let front = FrontSettings {
            threads: self.threads,
            max_conns: self.max_conns,
            idle_timeout: self.idle_timeout,
            stall_timeout: self.stall_timeout,
        };
        let settings = ProxySettings {
            listen: listen_or_default(self.listen),
            front: front.check().map_err(ProxySettingsError::from)?,
            http: HttpAddress::settings(self.http),
            max_item,
            buffer_memory,
            config: file.map(Path::to_path_buf),
            pool: own,
        };
        Ok((settings, config))
    }

    /// The pool that the flags describe.
    fn pool(&self) -> Result<Option<PoolConfig>, ProxySettingsError> {
        if self.pool.is_empty() {
            let given = [
                ("discover-auth-file", self.discover_auth_file.is_some()),
                ("placement", self.placement.is_some()),
                ("timeout", self.timeout.is_some()),
                ("connect-timeout", self.connect_timeout.is_some()),
                ("owner-down", self.owner_down.is_some()),
                ("eject-after", self.eject_after.is_some()),
                ("mode", self.mode.is_some()),
            ];
            return match given.into_iter().find(|(_, given)| *given) {
                Some((flag, _)) => Err(ProxySettingsError::NoFlagPool(flag)),
                None => Ok(None),
            };
        }
        self.pool.iter().try_for_each(source::can_open)?;
        let mut pool = PoolConfig::new("default", self.pool.clone());
        pool.discover_as = Auth::all(Vec::new(), self.discover_auth_file.as_deref())?;
        pool.spec = self.placement.clone().unwrap_or_default();
        pool.owner_down = self.owner_down.unwrap_or_default();
        if let Some(Period(timeout)) = self.timeout {
            pool.server.request_timeout = timeout;
        }
        if let Some(Period(timeout)) = self.connect_timeout {
            pool.server.connect_timeout = timeout;
        }
        if let Some(count) = self.eject_after {
            pool.server.health.eject_after = u32::try_from(count.get()).unwrap_or(u32::MAX);
        }
        for (flag, timeout) in
            [("timeout", pool.server.request_timeout), ("connect-timeout", pool.server.connect_timeout)]
        {
            if timeout.is_zero() {
                return Err(ProxySettingsError::Zero(flag));
            }
        }
        pool.server.check()?;
        Ok(Some(pool))
    }
}

impl ProxySettings {
    /// Bounds on what clients may send.
    pub(crate) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.value_bytes_max = usize::try_from(self.max_item.0).unwrap_or(usize::MAX);
        limits
    }
}
