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
use super::config_file::{ConfigError, ConfigFile};
use super::flags::{About, Ready, blame, text};
use super::front::{FrontError, FrontSettings, HttpAddress, count, listen_or_default, one_or_several};
use super::units::{Period, Size};
use crate::daemon::HttpSettings;
use crate::front::{self, ListenAddress};
use crate::proxy::config::{PoolConfig, ProxyConfig};
use crate::source::{self, SourceError, chain};

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
  failover = [\"east\", \"west\"]";

/// A proxy's flags, and the config file with more of them and with pools and routes.
#[derive(Debug, Args)]
pub(crate) struct ProxyArgs {
    /// Read settings, pools and routes from this TOML file; flags win over its [proxy]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    flags: ProxyFlags,
}

/// Every setting, as a flag and as a key of the config file's `[proxy]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct ProxyFlags {
    /// Where the servers are: static:HOST:PORT,…, file:PATH, zk://… or serverset://…; may be given several times, all
    /// for the one pool
    #[arg(long, value_name = "URL")]
    #[serde(deserialize_with = "urls")]
    pool: Vec<DiscoveryUrl>,

    /// Credentials for ZooKeeper: a file whose first line is digest:USER:PASSWORD. They are sent unencrypted
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
    #[error("--pool names servers, and so do the [pools] of the config file: remove one of them")]
    TwoPools,
    #[error("--{} goes with --pool, not with [pools]: write it in [pools.NAME] instead", .0[0])]
    NoFlagPool([&'static str; 2]),
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
    #[error("{}", chain(.0))]
    Source(#[from] SourceError),
    #[error(transparent)]
    Pool(#[from] peerset_client_memcache::ConfigError),
}

impl About for ProxySettingsError {
    fn about(&self) -> &[&'static str] {
        match self {
            ProxySettingsError::TwoPools | ProxySettingsError::Source(_) => &["pool"],
            ProxySettingsError::NoFlagPool(flags) => flags,
            ProxySettingsError::ItemRange(_) => &["max-item"],
            ProxySettingsError::TooLittleMemory(..) => &["buffer-memory", "max-item"],
            ProxySettingsError::Zero(flag) => std::slice::from_ref(flag),
            ProxySettingsError::Auth(_) => &["discover-auth-file"],
            ProxySettingsError::Front(error) => error.about(),
            ProxySettingsError::NoPool | ProxySettingsError::Pool(_) => &[],
        }
    }

    fn is_missing(&self) -> bool {
        matches!(self, ProxySettingsError::NoPool)
    }
}

/// What a proxy begins with: its settings, and pools and routes.
pub(crate) type Whole = (ProxySettings, ProxyConfig);

impl ProxyArgs {
    /// What the flags, the config file and the defaults come to.
    pub(crate) fn settings(self) -> anyhow::Result<Ready<Whole>> {
        let Some(path) = &self.config else {
            return Ok(Ready { settings: self.flags.settings(None, None)?, log: None });
        };
        let file = ConfigFile::read(path)?;
        let (written, pools) = ConfigError::both(file.flags::<ProxyFlags>("proxy"), file.proxy())?;
        let settings = self.flags.over(written.clone()).settings(Some(path), pools.clone());
        let alone = || written.settings(Some(path), pools).err();
        let settings = settings.map_err(|error| blame(error, &file, "proxy", alone()))?;
        Ok(Ready { settings, log: file.log("proxy") })
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
    ) -> Result<Whole, ProxySettingsError> {
        let own = self.pool()?;
        let config = match (own.clone(), pools) {
            (None, None) => return Err(ProxySettingsError::NoPool),
            (Some(_), Some(_)) => return Err(ProxySettingsError::TwoPools),
            (Some(pool), None) => ProxyConfig::single(pool),
            (None, Some(config)) => match self.of_pool() {
                Some(flag) => return Err(ProxySettingsError::NoFlagPool([flag, "pool"])),
                None => config,
            },
        };
        let max_item = self.max_item.unwrap_or(Size(1 << 20));
        let buffer_memory = self.buffer_memory.unwrap_or(Size((256 << 20).max(max_item.0 * 8)));
        if !(1024..=1 << 30).contains(&max_item.0) {
            return Err(ProxySettingsError::ItemRange(max_item));
        }
        if buffer_memory.0 / 4 < max_item.0 {
            return Err(ProxySettingsError::TooLittleMemory(buffer_memory, max_item));
        }
        let front = FrontSettings {
            threads: self.threads,
            max_conns: self.max_conns,
            idle_timeout: self.idle_timeout,
            stall_timeout: self.stall_timeout,
        };
        let settings = ProxySettings {
            listen: listen_or_default(self.listen),
            front: front.check()?,
            http: HttpAddress::settings(self.http),
            max_item,
            buffer_memory,
            config: file.map(Path::to_path_buf),
            pool: own,
        };
        Ok((settings, config))
    }

    /// A setting that is about the pool of the flags, if one was given.
    fn of_pool(&self) -> Option<&'static str> {
        let given = [
            ("discover-auth-file", self.discover_auth_file.is_some()),
            ("placement", self.placement.is_some()),
            ("timeout", self.timeout.is_some()),
            ("connect-timeout", self.connect_timeout.is_some()),
            ("owner-down", self.owner_down.is_some()),
            ("eject-after", self.eject_after.is_some()),
            ("mode", self.mode.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }

    /// The pool that the flags describe.
    fn pool(&self) -> Result<Option<PoolConfig>, ProxySettingsError> {
        if self.pool.is_empty() {
            return Ok(None);
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
