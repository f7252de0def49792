//! The source that a discovery URL names.

use std::sync::Arc;
use std::time::Duration;

use peerset_cluster::{Discover, DiscoveryUrl, FileSource, Scheme, Select, StaticSource, Union};
use peerset_discover_zookeeper::{
    OpenError, Serverset, ServersetConfig, ServersetPath, Stabilizer, Statuses, Zookeeper, ZookeeperConfig,
};

type BoxedError = Box<dyn std::error::Error + Send + Sync>;

/// A URL that this version cannot follow, or not as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    #[error(
        "this version has no source for `{0}`: write the servers as static:HOST:PORT,…, file:PATH, \
         zk://HOST:PORT,…/PATH or serverset://HOST:PORT,…/ENV/SERVICE"
    )]
    NoSource(String),
    #[error("`{0}` cannot be used")]
    Open(String, #[source] BoxedError),
    #[error(
        "nobody can register in `{url}`: {why}; write zk://HOST:PORT,…/PATH or serverset://HOST:PORT,…/ENV/SERVICE, \
         which take registrations"
    )]
    ReadOnly { url: String, why: &'static str },
    #[error("`{0}` chooses among members: take the part from `?` on away, and give --named or --shard")]
    Choosy(String),
}

/// How to look at a set, as far as its source leaves a choice.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    /// Holds removals back for so long.
    pub(crate) hold_removals: Option<Duration>,
    /// Which members, by what they say of themselves.
    pub(crate) statuses: Statuses,
    /// The session with ZooKeeper.
    pub(crate) zookeeper: ZookeeperConfig,
}

impl Default for Look {
    fn default() -> Self {
        let zookeeper = ZookeeperConfig::default();
        let timeout = zookeeper.session_timeout;
        Look { hold_removals: None, statuses: Statuses::default(), zookeeper }.with_session_timeout(timeout)
    }
}

impl Look {
    /// How long the ensemble keeps what this process registered without hearing from it.
    pub(crate) fn with_session_timeout(mut self, timeout: Duration) -> Look {
        self.zookeeper.session_timeout = timeout;
        // An ensemble that comes back counts down anew: several attempts have to fit in, or members vanish for nothing.
        self.zookeeper.retry_max = timeout / 4;
        self
    }
}

/// Opens a source. Has to be called on the runtime that will drive it.
pub(crate) fn open(url: &DiscoveryUrl, look: &Look) -> Result<Arc<dyn Discover>, SourceError> {
    let opened = match url {
        DiscoveryUrl::Static(list) => shared(StaticSource::new(&list.items)),
        DiscoveryUrl::File(file) => shared(FileSource::open(&file.path)),
        DiscoveryUrl::Zk(_) | DiscoveryUrl::Serverset(_) => {
            let mut config = ServersetConfig::default();
            config.hold_removals = look.hold_removals;
            config.statuses = look.statuses;
            shared(Serverset::from_url(url, look.zookeeper.clone(), config))
        }
        other => return Err(SourceError::NoSource(other.to_string())),
    };
    opened.map_err(|error| SourceError::Open(url.to_string(), error))
}

/// Any source and any error, as those who follow a URL see them.
fn shared<S, E>(opened: Result<S, E>) -> Result<Arc<dyn Discover>, BoxedError>
where
    S: Discover + 'static,
    E: Into<BoxedError>,
{
    match opened {
        Ok(source) => Ok(Arc::new(source)),
        Err(error) => Err(error.into()),
    }
}

/// Opens several as one for a proxy: their union, in which each keeps its own last set when it fails. A member that a
/// registry loses for a moment stays, since taking it out and in moves keys twice.
pub(crate) fn open_all(name: &str, urls: &[DiscoveryUrl]) -> Result<Arc<dyn Discover>, SourceError> {
    let look = Look { hold_removals: Some(Stabilizer::HOLD), ..Look::default() };
    if let [one] = urls {
        return open(one, &look);
    }
    let sources = urls.iter().map(|url| open(url, &look)).collect::<Result<Vec<_>, _>>()?;
    match Union::new(name, sources) {
        Ok(union) => Ok(Arc::new(union)),
        Err(error) => Err(SourceError::Open(name.to_owned(), error.into())),
    }
}

/// Why a source that was opened so cannot be reached, if that is known.
pub(crate) fn trouble(url: &DiscoveryUrl, look: &Look) -> Option<String> {
    let servers = match url {
        DiscoveryUrl::Zk(url) => &url.servers,
        DiscoveryUrl::Serverset(url) => &url.servers,
        _ => return None,
    };
    // The session that the source uses: there is one for equal servers and settings.
    Some(Zookeeper::connect(servers, look.zookeeper.clone()).ok()?.trouble()?.to_string())
}

/// Opens the set in which members are to be registered, and shows all of it.
pub(crate) fn open_to_register(
    url: &DiscoveryUrl,
    look: &Look,
    mut config: ServersetConfig,
) -> Result<Serverset, SourceError> {
    can_register(url)?;
    config.statuses = Statuses::All;
    Serverset::from_url(url, look.zookeeper.clone(), config)
        .map_err(|error| SourceError::Open(url.to_string(), error.into()))
}

/// Whether members can be registered there, as far as the URL tells.
pub(crate) fn can_register(url: &DiscoveryUrl) -> Result<(), SourceError> {
    let (path, select) = match url {
        DiscoveryUrl::Zk(zk) => (zk.path.clone(), &zk.select),
        DiscoveryUrl::Serverset(set) => (set.path(), &set.select),
        other => {
            let why = match other.scheme() {
                Scheme::Static => "its list is what the URL says",
                Scheme::File => "its members are the lines of a file",
                Scheme::Etcd | Scheme::Etcds | Scheme::Gossip => "this version cannot write there",
                _ => "it can only be read",
            };
            return Err(SourceError::ReadOnly { url: other.to_string(), why });
        }
    };
    if *select != Select::default() {
        return Err(SourceError::Choosy(url.to_string()));
    }
    let path = ServersetPath::new(path);
    path.map(drop).map_err(|error| SourceError::Open(url.to_string(), OpenError::from(error).into()))
}
