//! What the handles of one session share, and which sessions this process has.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use peerset_cluster::Endpoint;
use tokio::runtime::{Handle, Id};
use tokio::sync::watch;

use super::{Link, keeper};
use crate::follow::Followed;
use crate::{ServersetPath, ZookeeperConfig};

/// One session. Its keeper ends when nobody holds this or a receiver of its links.
pub(crate) struct Ensemble {
    servers: Vec<Endpoint>,
    config: ZookeeperConfig,
    runtime: Handle,
    links: watch::Receiver<Link>,
    /// The sets that are followed, by path.
    sets: Mutex<HashMap<ServersetPath, Weak<Followed>>>,
}

/// The sessions that are shared. This is the one thing in the crate that belongs to the process: two parts of a program
/// that open the same URL know nothing of each other, and still must not double the load on the ensemble. A runtime is
/// part of the key, because a session lives on the one that it was begun on.
static SHARED: Mutex<Vec<(Id, Weak<Ensemble>)>> = Mutex::new(Vec::new());

/// The session with these servers and settings on this runtime.
pub(super) fn shared(runtime: &Handle, servers: Vec<Endpoint>, config: ZookeeperConfig) -> Arc<Ensemble> {
    let mut sessions = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    sessions.retain(|(_, session)| session.strong_count() > 0);
    let same = |session: &Arc<Ensemble>| session.servers == servers && session.config == config;
    let found = sessions
        .iter()
        .filter(|(id, _)| *id == runtime.id())
        .find_map(|(_, session)| session.upgrade().filter(same));
    found.unwrap_or_else(|| {
        let session = Ensemble::start(runtime, servers, config);
        sessions.push((runtime.id(), Arc::downgrade(&session)));
        session
    })
}

impl Ensemble {
    /// Begins a session; `servers` are sorted.
    pub(super) fn start(runtime: &Handle, servers: Vec<Endpoint>, config: ZookeeperConfig) -> Arc<Self> {
        let (sender, links) = watch::channel(keeper::connecting(&servers));
        // Ends by itself, having closed the session, when the last receiver is gone.
        runtime.spawn(keeper::keep(servers.clone(), config.clone(), sender));
        Arc::new(Ensemble { servers, config, runtime: runtime.clone(), links, sets: Mutex::default() })
    }

    /// The set at `path`, followed once however many look at it.
    pub(crate) fn follow(self: &Arc<Self>, path: &ServersetPath) -> Arc<Followed> {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(set) = sets.get(path).and_then(Weak::upgrade) {
            return set;
        }
        sets.retain(|_, set| set.strong_count() > 0);
        let set = Arc::new(Followed::start(self, path.clone()));
        sets.insert(path.clone(), Arc::downgrade(&set));
        set
    }

    pub(crate) fn servers(&self) -> &[Endpoint] {
        &self.servers
    }

    pub(crate) fn config(&self) -> &ZookeeperConfig {
        &self.config
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(crate) fn links(&self) -> watch::Receiver<Link> {
        self.links.clone()
    }
}

impl fmt::Debug for Ensemble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ensemble").field("servers", &self.servers).finish_non_exhaustive()
    }
}
