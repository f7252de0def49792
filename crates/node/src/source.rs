//! The source that a discovery URL names.
//!
//! Connections to ZooKeeper are in clear unless `--zk-tls-ca` is given, for which the program is built with its feature
//! `zookeeper-tls`. Credentials are sent over them as they are, so keep those in clear within a network that is trusted.
//! An ensemble that answers is believed: one that came back without its data says that a set is absent, and absent it is.

use std::sync::Arc;
use std::time::Duration;

use peerset_cluster::{Discover, DiscoveryUrl, FileSource, Scheme, Select, StaticSource, Union, Watch};
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
    #[error("`{0}` selects members: remove everything from `?` on; --named and --shard say what to register")]
    Choosy(String),
}

/// How to look at a set, as far as its source leaves a choice.
#[derive(Debug, Clone, Default)]
pub(crate) struct Look {
    /// Holds removals back for so long.
    pub(crate) hold_removals: Option<Duration>,
    /// Which members, by what they say of themselves.
    pub(crate) statuses: Statuses,
    /// The session with ZooKeeper.
    pub(crate) zookeeper: ZookeeperConfig,
}

impl Look {
    /// How long the ensemble keeps what this process registered without hearing from it.
    pub(crate) fn with_session_timeout(mut self, timeout: Duration) -> Look {
        self.zookeeper.session_timeout = timeout;
        self
    }
}

/// An open source, which may know why it does not answer.
pub(crate) struct Source {
    url: DiscoveryUrl,
    discover: Arc<dyn Discover>,
    /// The same source, if it is in ZooKeeper.
    set: Option<Serverset>,
}

/// Opens a source. Has to be called on the runtime that will drive it.
pub(crate) fn open(url: &DiscoveryUrl, look: &Look) -> Result<Source, SourceError> {
    let mut set = None;
    let opened = match url {
        DiscoveryUrl::Static(list) => shared(StaticSource::new(&list.items)),
        DiscoveryUrl::File(file) => shared(FileSource::open(&file.path)),
        DiscoveryUrl::Zk(_) | DiscoveryUrl::Serverset(_) => {
            let mut config = ServersetConfig::default();
            config.hold_removals = look.hold_removals;
            config.statuses = look.statuses;
            let opened = Serverset::from_url(url, look.zookeeper.clone(), config);
            set = opened.as_ref().ok().cloned();
            shared(opened)
        }
        other => return Err(SourceError::NoSource(other.to_string())),
    };
    let discover = opened.map_err(|error| SourceError::Open(url.to_string(), error))?;
    Ok(Source { url: url.clone(), discover, set })
}

impl Source {
    pub(crate) fn url(&self) -> &DiscoveryUrl {
        &self.url
    }

    pub(crate) fn watch(&self) -> Watch {
        self.discover.watch()
    }

    /// Why there is no answer, if that is known.
    pub(crate) fn trouble(&self) -> Option<String> {
        trouble(self.set.as_ref()?)
    }

    /// Returns with the reason when the registry answers that the set may not be read; else never.
    pub(crate) async fn refused(&self) -> String {
        if let Some(set) = &self.set {
            let mut problems = set.problems_watch();
            loop {
                if let Some(refusal) = refusal(set) {
                    return refusal;
                }
                if problems.changed().await.is_err() {
                    break;
                }
            }
        }
        std::future::pending().await
    }
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

/// Whether the URL can be opened, as far as it tells by itself: nobody is asked.
pub(crate) fn can_open(url: &DiscoveryUrl) -> Result<(), SourceError> {
    let unusable = |error| SourceError::Open(url.to_string(), error);
    match url {
        DiscoveryUrl::Static(list) => {
            StaticSource::new(&list.items).map(drop).map_err(|error| unusable(error.into()))
        }
        DiscoveryUrl::File(_) => Ok(()),
        DiscoveryUrl::Zk(zk) => set_path(zk.path.clone()).map_err(unusable),
        DiscoveryUrl::Serverset(set) => set_path(set.path()).map_err(unusable),
        other => Err(SourceError::NoSource(other.to_string())),
    }
}

fn set_path(path: String) -> Result<(), BoxedError> {
    ServersetPath::new(path).map(drop).map_err(|error| OpenError::from(error).into())
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The sources of one pool, which may know why they do not answer.
pub(crate) struct Sources {
    discover: Arc<dyn Discover>,
    each: Vec<Source>,
}

impl Sources {
    pub(crate) fn watch(&self) -> Watch {
        self.discover.watch()
    }

    /// Why there is no answer of some of them, if that is known.
    pub(crate) fn trouble(&self) -> Option<String> {
        let troubles: Vec<String> = self.each.iter().filter_map(Source::trouble).collect();
        (!troubles.is_empty()).then(|| troubles.join("; "))
    }
}

/// Opens several as one for a proxy: their union, in which each keeps its own last set when it fails. A member that a
/// registry loses for a moment stays, since taking it out and in moves keys twice.
pub(crate) fn open_all(
    name: &str,
    urls: &[DiscoveryUrl],
    zookeeper: &ZookeeperConfig,
) -> Result<Sources, SourceError> {
    let zookeeper = zookeeper.clone();
    let look = Look { hold_removals: Some(Stabilizer::HOLD), zookeeper, ..Look::default() };
    let each = urls.iter().map(|url| open(url, &look)).collect::<Result<Vec<_>, _>>()?;
    let all: Vec<_> = each.iter().map(|source| source.discover.clone()).collect();
    let discover = match <[_; 1]>::try_from(all) {
        Ok([one]) => one,
        Err(several) => {
            let union = Union::new(name, several);
            Arc::new(union.map_err(|error| SourceError::Open(name.to_owned(), error.into()))?)
        }
    };
    Ok(Sources { discover, each })
}

/// Why a set that was opened so does not answer, if that is known.
pub(crate) fn trouble(set: &Serverset) -> Option<String> {
    refusal(set).or_else(|| Some(set.trouble()?.to_string()))
}

/// Why the registry does not let us read the set, if it does not.
fn refusal(set: &Serverset) -> Option<String> {
    let (path, trouble, problems) = (set.path().to_string(), set.trouble()?, set.problems());
    // There may be something wrong with a set that is read all the same, and trouble with the connection alone.
    let refused = problems.iter().any(|problem| problem.node == path && *problem.reason == *trouble);
    refused.then(|| format!("the set {path} cannot be read: {trouble}"))
}

/// Why a source that was opened so cannot be reached, if that is known.
pub(crate) fn no_connection(url: &DiscoveryUrl, look: &Look) -> Option<String> {
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
    set_path(path).map_err(|error| SourceError::Open(url.to_string(), error))
}
