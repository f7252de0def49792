//! What commands that look at servers once have in common: `--pool` and its kin, `--auth-file`, `--zk-tls-ca`,
//! `--keys`.

use std::path::Path;

use peerset_cluster::DiscoveryUrl;
use peerset_discover_zookeeper::ZookeeperConfig;

use super::auth::{Auth, AuthFileError};
use super::flags::About;
use super::zk_tls::{ZkTls, ZkTlsError};
use crate::pool::Pool;
use crate::source::{self, SourceError, chain};

/// Settings that are missing or do not go together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServersError {
    #[error("--{} is missing: it says where the servers are, such as static:10.0.0.1:11211,10.0.0.2:11211", .0[0])]
    NoServers([&'static str; 1]),
    #[error(
        "there are no keys: write them at the end, or --keys FILE with a key on each line (- is standard input)"
    )]
    NoKeys,
    #[error("--list needs --keys: it lists which of them move")]
    NothingToList,
    #[error("{}", chain(.1))]
    Source([&'static str; 1], SourceError),
    #[error(transparent)]
    Auth(#[from] AuthFileError),
    #[error(transparent)]
    Tls(#[from] ZkTlsError),
}

impl About for ServersError {
    fn about(&self) -> &[&'static str] {
        match self {
            ServersError::NoServers(flag) | ServersError::Source(flag, _) => flag,
            ServersError::NoKeys => &["keys"],
            ServersError::NothingToList => &["list", "keys"],
            ServersError::Auth(_) => &["auth-file"],
            ServersError::Tls(error) => error.about(),
        }
    }

    fn is_missing(&self) -> bool {
        matches!(self, ServersError::NoServers(_) | ServersError::NoKeys)
    }
}

/// The servers that a flag names.
pub(super) fn pool(
    flag: &'static str,
    url: Option<DiscoveryUrl>,
    auth_file: Option<&Path>,
    zk_tls: &ZkTls,
) -> Result<Pool, ServersError> {
    let url = url.ok_or(ServersError::NoServers([flag]))?;
    source::can_open(&url).map_err(|error| ServersError::Source([flag], error))?;
    let mut zookeeper = ZookeeperConfig::default();
    zookeeper.credentials = Auth::all(Vec::new(), auth_file)?;
    zk_tls.encrypt(&mut zookeeper)?;
    Ok(Pool { url, zookeeper })
}
