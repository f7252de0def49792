//! One set of members: the source to watch and the backend to register in.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use peerset_cluster::{
    BoxFuture, Closed, Discover, DiscoveryUrl, Member, Membership, Register, RegisterError, SourceName,
    Watch, channel,
};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::follow::Followed;
use crate::register::Registrar;
use crate::session::Ensemble;
use crate::view::{Outlets, View};
use crate::{OpenError, Problem, ServersetConfig, ServersetPath, Zookeeper, ZookeeperConfig};

/// A serverset: the members under one znode.
///
/// | the ensemble | the set |
/// |---|---|
/// | has not answered yet | pending; [`trouble`](Self::trouble) says why and names the servers that were tried |
/// | has the znode | ready, with all members that are selected |
/// | has no such znode | absent, until somebody makes it, parents and all |
/// | cannot be reached, or refuses to show it | stale with the last set, pending if there was none; [`trouble`](Self::trouble) says why |
/// | has a child that is no member | ready without it; see [`problems`](Self::problems); it is read again after 0.1 to 10 s |
///
/// - **Identity**: a member's id is its address, unless it was registered by this library under another id: the names of
///   znodes change with every registration. Two znodes of one id are one member, the newest that is alive.
/// - **Weights**: a member's own times those that `vector_*` znodes give it, by address, znode name or shard; −1 drains,
///   which is weight 0 here. Vectors are followed even when they are changed in place.
/// - **Revision**: the transaction that last added or removed a child. It does not move with a vector's content.
/// - **Cost**: every set is followed once per session, however often it is opened. A join costs one list of names and one
///   read, many joins at once one list; a member of a usual size takes about 750 bytes (`cargo xtask bench zookeeper`
///   measures it), and 8 more for every opening.
/// - Clones are handles to the same source. It is closed with the last handle and membership, and then takes its
///   memberships' znodes away in the background.
#[derive(Clone)]
pub struct Serverset {
    open: Arc<Open>,
}

struct Open {
    source: SourceName,
    path: ServersetPath,
    config: ServersetConfig,
    /// None once closed.
    held: Mutex<Option<Held>>,
    shown: Watch,
    /// Pending until somebody registers.
    everybody: Watch,
    problems: watch::Receiver<Arc<[Problem]>>,
    viewer: AbortHandle,
    /// Tells the viewer that somebody registers.
    registering: watch::Sender<bool>,
    /// Tells registrars to end.
    closing: watch::Sender<bool>,
}

/// What is shared with others and kept alive by an open set.
#[derive(Clone)]
struct Held {
    zookeeper: Arc<Ensemble>,
    set: Arc<Followed>,
}

impl Serverset {
    /// Opens the set of a `zk://` or `serverset://` URL, with its endpoint name and shard, over the session for its
    /// servers that this process may have already; see [`Zookeeper`]. What the URL selects replaces what `config` does.
    ///
    /// # Errors
    /// The URL is for another source, a server is a Unix socket, the path cannot be a set's, or there is no tokio
    /// runtime. That nobody answers is no error.
    pub fn from_url(
        url: &DiscoveryUrl,
        session: ZookeeperConfig,
        config: ServersetConfig,
    ) -> Result<Self, OpenError> {
        let (servers, path, select) = match url {
            DiscoveryUrl::Zk(url) => (&url.servers, url.path.clone(), &url.select),
            DiscoveryUrl::Serverset(url) => (&url.servers, url.path(), &url.select),
            other => return Err(OpenError::Scheme { scheme: other.scheme() }),
        };
        let path = ServersetPath::new(path)?;
        let config = ServersetConfig { select: select.clone(), ..config };
        // Called as people wrote it, so that a set has one name in their logs.
        Ok(Zookeeper::connect(servers, session)?.open(SourceName::new(&url.to_string()), path, config))
    }

    pub(crate) fn open(
        zookeeper: Arc<Ensemble>,
        source: SourceName,
        path: ServersetPath,
        config: ServersetConfig,
    ) -> Self {
        let limits = &zookeeper.config().limits;
        let (publisher, shown) = channel(source.clone(), limits.clone());
        let (everyone, everybody) = channel(source.clone(), limits.clone());
        let (registering, registers) = watch::channel(false);
        let (reports, problems) = watch::channel(Arc::default());
        let outlets =
            Outlets { shown: publisher, everybody: everyone, registering: registers, problems: reports };
        let set = zookeeper.follow(&path);
        let view = View::new(path.to_string(), config.clone(), set.listings(), outlets);
        let viewer = zookeeper.runtime().spawn(view.run()).abort_handle();
        let closing = watch::channel(false).0;
        let held = Mutex::new(Some(Held { zookeeper, set }));
        let open =
            Open { source, path, config, held, shown, everybody, registering, problems, viewer, closing };
        Serverset { open: Arc::new(open) }
    }

    /// Where the set is.
    pub fn path(&self) -> &ServersetPath {
        &self.open.path
    }

    /// Why the set cannot be read at the moment: there is no connection, or the ensemble refuses to show it, to these
    /// credentials say. None while it is followed. A member that is skipped is no trouble but a
    /// [problem](Self::problems).
    pub fn trouble(&self) -> Option<Arc<str>> {
        let held = self.open.held.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let refusal = || held.set.listings().borrow().refusal.clone();
        held.zookeeper.links().borrow().trouble().or_else(refusal)
    }

    /// The znodes that were skipped at the last look, sorted, at most 100 of them; or why the set cannot be read.
    pub fn problems(&self) -> Arc<[Problem]> {
        self.open.problems.borrow().clone()
    }

    /// Follows [`problems`](Self::problems): the receiver wakes when they change.
    pub fn problems_watch(&self) -> watch::Receiver<Arc<[Problem]>> {
        self.open.problems.clone()
    }
}

impl Discover for Serverset {
    fn source(&self) -> SourceName {
        self.open.source.clone()
    }

    fn watch(&self) -> Watch {
        self.open.shown.clone()
    }

    fn close(&self) {
        self.open.close();
    }
}

impl Register for Serverset {
    /// The member's id may be anything; if it is not the text of its endpoint, it is carried in the znode's metadata.
    fn create_membership(&self, member: Member) -> BoxFuture<'_, Result<Membership, RegisterError>> {
        Box::pin(async { self.create(member) })
    }
}

impl Serverset {
    fn create(&self, member: Member) -> Result<Membership, RegisterError> {
        let open = &self.open;
        let held = open.held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(Held { zookeeper, set }) = held else {
            return Err(Closed { source_name: open.source.clone() }.into());
        };
        let config = zookeeper.config().clone();
        let (membership, intent) = Membership::new(member, open.everybody.clone(), config.limits.clone())?;
        let id = membership.id().clone();
        let Some((claim, turn)) = set.claim(&id) else {
            return Err(RegisterError::IdTaken { id, source_name: open.source.clone() });
        };
        open.registering.send_if_modified(|registering| !std::mem::replace(registering, true));
        let registrar = Registrar::new(id, &config, open.config.access, open.path.clone(), zookeeper.links());
        // Owned by the membership: it ends, having taken the znode away, when that is dropped or the set closed.
        zookeeper.runtime().spawn(registrar.run(intent, turn, open.closing.subscribe()));
        Ok(membership.keeping(claim).keeping(self.clone()))
    }
}

impl Open {
    /// Lets go of what is shared; the last one to do so ends the following and the session.
    fn close(&self) {
        self.viewer.abort();
        self.closing.send_replace(true);
        self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Serverset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serverset")
            .field("source", &self.open.source)
            .field("newest", &self.open.shown.borrow())
            .finish_non_exhaustive()
    }
}
