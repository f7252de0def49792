//! What a proxy's flags come to.

use std::fs;
use std::path::{Path, PathBuf};

use peerset_client_memcache::ConfigError;
use peerset_client_memcache::tls::{Roots, TlsConfig, TlsError, TlsOptions};
use peerset_placement::BuildError;
use peerset_proto_memcache::Limits;
use tracing::Level;

use super::{ProxyFlags, Whole};
use crate::cli::LOG_DEFAULT;
use crate::cli::auth::{Auth, AuthFileError};
use crate::cli::flags::About;
use crate::cli::front::{FrontError, FrontSettings, HttpAddress, listen_or_default};
use crate::cli::units::{Period, Size};
use crate::cli::zk_tls::ZkTlsError;
use crate::daemon::HttpSettings;
use crate::front::{self, ListenAddress};
use crate::proxy::config::{PoolConfig, ProxyConfig, credentials};
use crate::source::{self, SourceError};

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
    /// What is logged, as the command line or the file says.
    pub(crate) log: Option<Level>,
}

/// Settings that do not go together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxySettingsError {
    #[error("there is no pool: give --pool static:HOST:PORT,… or --config FILE with [pools.NAME]")]
    NoPool,
    #[error("--pool names servers, and so do the [pools] of the config file: remove one of them")]
    TwoPools,
    #[error("--{} goes with --pool, not with [pools]: {}", .0[0], instead(.0[0]))]
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
    ZkTls(#[from] ZkTlsError),
    #[error("--auth-file: {0}")]
    Password(String),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("--pool")]
    Placement(#[from] BuildError),
    #[error(transparent)]
    Front(#[from] FrontError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Pool(#[from] ConfigError),
}

/// What to do about a setting of the flags' pool where the file has pools.
fn instead(flag: &str) -> &'static str {
    match flag {
        "tls-ca" => "write tls = { ca = \"FILE\" } in [pools.NAME] instead",
        "mode" => "leave it out",
        _ => "write it in [pools.NAME] instead",
    }
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
            ProxySettingsError::ZkTls(error) => error.about(),
            ProxySettingsError::Password(_) => &["auth-file"],
            ProxySettingsError::Tls(_) => &["tls-ca", "tls"],
            ProxySettingsError::Placement(_) => &["pool", "placement"],
            ProxySettingsError::Front(error) => error.about(),
            ProxySettingsError::Pool(ConfigError::Prefix) => &["prefix"],
            ProxySettingsError::NoPool | ProxySettingsError::Pool(_) => &[],
        }
    }

    fn is_missing(&self) -> bool {
        matches!(self, ProxySettingsError::NoPool)
    }
}

impl ProxyFlags {
    /// These settings complete, with the pools and routes of a file or those of the flags.
    pub(in crate::cli) fn settings(
        self,
        file: Option<&Path>,
        pools: Option<ProxyConfig>,
    ) -> Result<Whole, ProxySettingsError> {
        let own = self.pool()?;
        let config = match (own, pools) {
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
            log: None,
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
            ("prefix", self.prefix.is_some()),
            ("auth-file", self.auth_file.is_some()),
            ("tls", self.tls),
            ("tls-ca", self.tls_ca.is_some()),
            ("mode", self.mode.is_some()),
        ];
        let flag = given.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag);
        flag.or_else(|| self.zk_tls.given().next().map(|(flag, _)| flag))
    }

    /// The pool that the flags describe.
    fn pool(&self) -> Result<Option<PoolConfig>, ProxySettingsError> {
        if self.pool.is_empty() {
            return Ok(None);
        }
        self.pool.iter().try_for_each(source::can_open)?;
        let mut pool = PoolConfig::new("default", self.pool.clone());
        pool.zookeeper.credentials = Auth::all(Vec::new(), self.discover_auth_file.as_deref())?;
        self.zk_tls.encrypt(&mut pool.zookeeper)?;
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
        self.credentials(&mut pool)?;
        pool.server.prefix = self.prefix.clone().unwrap_or_default().into();
        pool.server.check()?;
        pool.check_placement()?;
        Ok(Some(pool))
    }

    /// How the pool's servers and the proxy know each other.
    fn credentials(&self, pool: &mut PoolConfig) -> Result<(), ProxySettingsError> {
        let mut secrets = Vec::new();
        if let Some(path) = &self.auth_file {
            let (auth, password) = credentials::read_auth_file(path).map_err(ProxySettingsError::Password)?;
            pool.server.auth = Some(auth);
            secrets.push(Some(password.into_bytes()));
        }
        if self.tls || self.tls_ca.is_some() {
            let mut options = TlsOptions::default();
            if let Some(path) = &self.tls_ca {
                options.roots = Roots::File(path.clone());
                secrets.push(fs::read(path).ok());
            }
            pool.server.tls = Some(TlsConfig::new(&options)?);
        }
        pool.secrets = credentials::digest(&secrets);
        Ok(())
    }
}

impl ProxySettings {
    /// The settings that differ from others, by their names in the config file.
    pub(crate) fn differing(&self, other: &ProxySettings) -> Vec<&'static str> {
        let threads = |of: &ProxySettings| (!of.front.elastic).then_some(of.front.threads);
        let log = |of: &ProxySettings| of.log.unwrap_or(LOG_DEFAULT);
        let (ours, theirs) = (&self.front, &other.front);
        let all = [
            ("listen", self.listen != other.listen),
            ("http", self.http != other.http),
            ("max-item", self.max_item != other.max_item),
            ("buffer-memory", self.buffer_memory != other.buffer_memory),
            ("max-conns", ours.max_conns != theirs.max_conns),
            ("threads", threads(self) != threads(other)),
            ("idle-timeout", ours.idle_timeout != theirs.idle_timeout),
            ("stall-timeout", ours.stall_timeout != theirs.stall_timeout),
            ("log", log(self) != log(other)),
        ];
        all.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
    }

    /// Bounds on what clients may send.
    pub(crate) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.value_bytes_max = usize::try_from(self.max_item.0).unwrap_or(usize::MAX);
        limits
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use peerset_testkit::TempDir;

    use super::*;
    use crate::cli::{Cli, Command};

    /// The settings of a proxy with these flags and this table `[proxy]`.
    fn settings(flags: &[&str], table: &str) -> ProxySettings {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, format!("[proxy]\npool = 'static:a:1'\n{table}")).unwrap();
        let line = [&["peerset", "proxy", "--config", path.to_str().unwrap()], flags].concat();
        let Cli { log, command: Some(Command::Proxy(args)) } = Cli::try_parse_from(line).unwrap() else {
            panic!()
        };
        let (settings, _) = args.logging(log).settings().unwrap().settings;
        settings
    }

    #[test]
    fn what_differs_is_named_unless_a_flag_says_it() {
        #[track_caller]
        fn check(flags: &[&str], before: &str, after: &str, expected: &[&str]) {
            assert_eq!(settings(flags, after).differing(&settings(flags, before)), expected);
        }
        check(&[], "", "max-item = '2mb'\nidle-timeout = '1h'", &["max-item", "idle-timeout"]);
        check(&["--max-item", "2mb"], "", "max-item = '3mb'", &[]);
        check(&[], "", "log = 'debug'", &["log"]);
        check(&[], "log = 'warn'", "", &["log"]);
        check(&[], "", "log = 'info'", &[]);
        check(&["--log", "warn"], "", "log = 'debug'", &[]);
    }
}
