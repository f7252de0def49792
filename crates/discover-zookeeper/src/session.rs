//! One session with an ensemble: connected, kept, and replaced only when the ensemble says that it is over.

use std::fmt;
use std::sync::Arc;

use peerset_cluster::{DiscoveryUrl, Endpoint, SourceName, ZkUrl};
use tokio::runtime::Handle;

use crate::{OpenError, Serverset, ServersetConfig, ServersetPath, ZookeeperConfig};

mod diagnosis;
mod ensemble;
mod keeper;
mod link;

pub(crate) use ensemble::Ensemble;
pub(crate) use link::{Link, Up, is_loss, next_up, no_longer};

/// A session with a ZooKeeper ensemble, from which any number of sets are opened.
///
/// Cloning gives another handle to the same session, and so does [`connect`](Self::connect) with the same servers and
/// settings in the same runtime: a process has one session per ensemble and identity, and one cache per set, however
/// many watch it. The session ends when the last handle, set and membership are gone.
///
/// - **Lost connection**: the servers are tried in random order, with backoff, for as long as it takes. Sets turn stale
///   meanwhile, and nothing is forgotten. For about 1.4 times the session's time-out the client library tries at its
///   own pace; [`ZookeeperConfig::retry_max`] bounds the waits after that.
/// - **Expiry**: decided by the ensemble alone. A session that could not be reached is tried again by its id, however
///   long that took, so that after an outage the ensemble knows this process's members as its own and they never show
///   twice. If the ensemble says it is over, so are its members, and a new session registers them again.
/// - **Cost**: one connection, a task, and one thread for all sessions of the process, the I/O thread of the client
///   library.
///
/// ```no_run
/// use peerset_cluster::Discover;
/// use peerset_discover_zookeeper::{Environment, ServersetConfig, ServersetPath, Zookeeper, ZookeeperConfig};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let servers = ["zk1:2181".parse()?, "zk2:2181".parse()?];
/// let zookeeper = Zookeeper::connect(&servers, ZookeeperConfig::default())?;
/// let path = ServersetPath::discovery(&Environment::Production, "cache")?;
/// let set = zookeeper.serverset(path, ServersetConfig::default());
/// let members = set.watch().answer().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Zookeeper {
    ensemble: Arc<Ensemble>,
}

impl Zookeeper {
    /// The session for these servers and settings: the one there is, or a new one that connects in the background.
    ///
    /// # Errors
    /// There is no server, one is a Unix socket, the session's time-out is out of bounds, or there is no tokio runtime.
    /// That nobody answers is no error: sets stay pending, and [`trouble`](Self::trouble) says why.
    pub fn connect(servers: &[Endpoint], config: ZookeeperConfig) -> Result<Self, OpenError> {
        let (runtime, servers) = Self::checked(servers, &config)?;
        Ok(Zookeeper { ensemble: ensemble::shared(&runtime, servers, config) })
    }

    /// A session of its own, shared with nobody who does not clone this handle: to appear as another process would.
    ///
    /// # Errors
    /// As for [`connect`](Self::connect).
    pub fn connect_alone(servers: &[Endpoint], config: ZookeeperConfig) -> Result<Self, OpenError> {
        let (runtime, servers) = Self::checked(servers, &config)?;
        Ok(Zookeeper { ensemble: Ensemble::start(&runtime, servers, config) })
    }

    /// Opens the set at `path`. Nothing is created there; a set that does not exist is absent until it does.
    pub fn serverset(&self, path: ServersetPath, config: ServersetConfig) -> Serverset {
        let servers = self.ensemble.servers().to_vec();
        let url = ZkUrl { servers, path: path.to_string(), select: config.select.clone() };
        self.open(SourceName::new(&DiscoveryUrl::Zk(url).to_string()), path, config)
    }

    /// The same under the name that its snapshots give for their source.
    pub(crate) fn open(&self, source: SourceName, path: ServersetPath, config: ServersetConfig) -> Serverset {
        Serverset::open(self.ensemble.clone(), source, path, config)
    }

    /// Whether there is a connection at the moment.
    pub fn is_connected(&self) -> bool {
        self.ensemble.links().borrow().up().is_some()
    }

    /// Why there is no connection, be it that the first is still being made, and which servers were tried; none while
    /// there is one.
    pub fn trouble(&self) -> Option<Arc<str>> {
        self.ensemble.links().borrow().trouble()
    }

    /// The session's number in hexadecimal, as the ensemble's own tools show it; none before the first connection.
    pub fn session_id(&self) -> Option<String> {
        self.ensemble.links().borrow().session().map(|id| format!("{id:#x}"))
    }

    fn checked(servers: &[Endpoint], config: &ZookeeperConfig) -> Result<(Handle, Vec<Endpoint>), OpenError> {
        let runtime = Handle::try_current().map_err(|_| OpenError::NoRuntime)?;
        let asked = config.session_timeout;
        if asked.as_millis() == 0 || asked > ZookeeperConfig::SESSION_TIMEOUT_MAX {
            return Err(OpenError::SessionTimeout { asked });
        }
        let mut servers = servers.to_vec();
        servers.sort();
        servers.dedup();
        #[cfg(feature = "tls")]
        if config.tls.is_some() {
            crate::Tls::check_servers(&servers)?;
        }
        match servers.iter().find(|server| server.host().is_none()) {
            Some(server) => Err(OpenError::UnixSocket { server: server.clone() }),
            None if servers.is_empty() => Err(OpenError::NoServers),
            None => Ok((runtime, servers)),
        }
    }
}

impl fmt::Debug for Zookeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zookeeper").field("ensemble", &self.ensemble).finish()
    }
}
