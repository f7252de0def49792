//! A pool: the servers that a discovery source names, as they are now.
//!
//! One task a pool follows the source and builds a [`View`] for each new set, off the serving threads; the workers are
//! woken and adopt it once its new servers have been connected to.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use peerset_client_memcache::ServerConfig;
use peerset_cluster::{Endpoint, Snapshot, State, Watch};
use peerset_placement::Spec;
use peerset_route::{Fleet, OwnerDown};

use super::counters::ServerCounters;

/// How often host names are looked up again.
const LOOKUP_EVERY: Duration = Duration::from_secs(15);

/// How long a new set waits for the addresses of its host names.
const LOOKUP_LIMIT: Duration = Duration::from_secs(2);

/// What one pool is asked to do.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The pool's name in the config.
    pub(crate) pool: Arc<str>,
    /// How its servers are treated.
    pub(crate) server: ServerConfig,
    /// Who owns a key.
    pub(crate) spec: Spec,
    /// What is answered for an owner that is down.
    pub(crate) owner_down: OwnerDown,
    /// Whether servers that know meta commands are sent them.
    pub(crate) meta: bool,
    /// Some client marks items stale: reading them as `mg` would take the win of who is to renew them. Outlives reloads.
    pub(super) stale_in_use: Arc<AtomicBool>,
}

/// A server, for as long as any set has it.
#[derive(Debug)]
pub(crate) struct Server {
    /// Its endpoint as text.
    pub(crate) label: Arc<str>,
    pub(crate) endpoint: Endpoint,
    /// Of its host name, if it has one.
    addresses: Mutex<Vec<SocketAddr>>,
}

impl Server {
    fn new(endpoint: Endpoint) -> Server {
        Server {
            label: endpoint.to_string().into(),
            addresses: Mutex::new(endpoint.socket_addr().into_iter().collect()),
            endpoint,
        }
    }

    /// One for tests, whose name has these addresses.
    #[cfg(test)]
    pub(super) fn at(addresses: Vec<SocketAddr>) -> Server {
        let endpoint = "name:11211".parse().expect("an endpoint");
        Server { addresses: Mutex::new(addresses), ..Server::new(endpoint) }
    }

    /// Where to connect to after so many addresses were found not to work.
    pub(super) fn address(&self, passed_over: usize) -> io::Result<SocketAddr> {
        let addresses = lock(&self.addresses);
        match passed_over.checked_rem(addresses.len()) {
            Some(at) => Ok(addresses[at]),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "the host name has no address")),
        }
    }

    /// How many addresses there are.
    pub(super) fn address_count(&self) -> usize {
        lock(&self.addresses).len()
    }

    fn has_name(&self) -> bool {
        self.endpoint.socket_addr().is_none() && matches!(self.endpoint, Endpoint::Tcp { .. })
    }

    /// Looks the host name up; what was found before stays if that fails.
    async fn look_up(&self) {
        match tokio::net::lookup_host(&*self.label).await {
            Ok(found) => {
                let found: Vec<SocketAddr> = found.collect();
                if !found.is_empty() {
                    *lock(&self.addresses) = found;
                }
            }
            Err(error) => tracing::warn!(server = %self.label, %error, "the host name cannot be looked up"),
        }
    }
}

/// The servers of a pool at one moment.
#[derive(Debug)]
pub(crate) struct View {
    /// Greater for each later view.
    pub(crate) number: u64,
    /// Who owns what.
    pub(crate) fleet: Fleet,
    /// In the fleet's order.
    pub(crate) servers: Vec<Arc<Server>>,
    /// The set it was made of.
    pub(crate) snapshot: Snapshot,
}

/// A pool and what is counted of it.
pub(crate) struct Pool {
    pub(crate) settings: Arc<Settings>,
    /// All that was said of it: a reload keeps pools that did not change.
    pub(crate) identity: String,
    view: Mutex<Arc<View>>,
    number: AtomicU64,
    /// How long the last view took to build, in microseconds.
    build_micros: AtomicU64,
    counters: Mutex<Vec<(Arc<str>, Weak<ServerCounters>)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    /// A pool with the set that its source has now.
    pub(crate) async fn new(settings: Settings, identity: String, watch: &Watch) -> anyhow::Result<Pool> {
        let snapshot = watch.borrow();
        let fleet = Fleet::build(&snapshot, &settings.spec)?;
        let servers: Vec<_> =
            fleet.servers().iter().map(|server| Arc::new(Server::new(server.endpoint.clone()))).collect();
        look_up_for_a_while(&settings.pool, &servers).await;
        // Clients that follow `config get cluster` take a greater number for a newer set, over restarts too.
        let number = u64::from(crate::front::unix_now());
        Ok(Pool {
            settings: Arc::new(settings),
            identity,
            view: Mutex::new(Arc::new(View { number, fleet, servers, snapshot })),
            number: AtomicU64::new(number),
            build_micros: AtomicU64::new(0),
            counters: Mutex::default(),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.settings.pool
    }

    /// The newest view.
    pub(crate) fn view(&self) -> Arc<View> {
        lock(&self.view).clone()
    }

    /// The number of the newest view.
    pub(crate) fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    /// How long the last change of the set took, from hearing of it to the new view.
    pub(crate) fn build_time(&self) -> Duration {
        Duration::from_micros(self.build_micros.load(Ordering::Relaxed))
    }

    /// Counters for one worker's connection to a server.
    pub(super) fn count(&self, label: &Arc<str>) -> Arc<ServerCounters> {
        let counters = Arc::new(ServerCounters::default());
        let mut all = lock(&self.counters);
        all.retain(|(_, kept)| kept.strong_count() > 0);
        all.push((label.clone(), Arc::downgrade(&counters)));
        counters
    }

    /// All counters, by server.
    pub(crate) fn counters(&self) -> BTreeMap<Arc<str>, Vec<Arc<ServerCounters>>> {
        let mut all: BTreeMap<Arc<str>, Vec<_>> = BTreeMap::new();
        for (label, counters) in &*lock(&self.counters) {
            if let Some(counters) = counters.upgrade() {
                all.entry(label.clone()).or_default().push(counters);
            }
        }
        all
    }

    /// Follows the source until it is closed. `changed` is called after each new view.
    pub(crate) async fn follow(self: Arc<Pool>, mut watch: Watch, changed: impl Fn()) {
        let mut lookups = tokio::time::interval_at(tokio::time::Instant::now() + LOOKUP_EVERY, LOOKUP_EVERY);
        let mut lookup: Option<tokio::task::JoinHandle<()>> = None;
        loop {
            tokio::select! {
                _ = async { lookup.as_mut().expect("asked only while there is one").await }, if lookup.is_some() => {
                    lookup = None;
                    continue;
                }
                snapshot = watch.changed() => match snapshot {
                    Ok(snapshot) => self.adopt(snapshot).await,
                    Err(_) => return,
                },
                _ = lookups.tick(), if lookup.is_none() => {
                    let servers = self.view().servers.clone();
                    // A slow resolver must not hold up new sets.
                    lookup = Some(tokio::spawn(async move { look_up(&servers).await }));
                    continue;
                }
            }
            changed();
        }
    }

    async fn adopt(&self, snapshot: Snapshot) {
        let started = Instant::now();
        let before = self.view();
        let spec = self.settings.spec.clone();
        let building = tokio::task::spawn_blocking(move || (Fleet::build(&snapshot, &spec), snapshot));
        let (fleet, snapshot) = match building.await {
            Ok((Ok(fleet), snapshot)) => (fleet, snapshot),
            Ok((Err(error), _)) => {
                tracing::error!(pool = %self.name(), %error, "the new set cannot be used; the last one stays");
                return;
            }
            Err(error) => {
                tracing::error!(pool = %self.name(), %error, "building a ring failed; the last one stays");
                return;
            }
        };
        let known: BTreeMap<&str, &Arc<Server>> =
            before.servers.iter().map(|server| (&*server.label, server)).collect();
        let servers: Vec<Arc<Server>> = fleet
            .servers()
            .iter()
            .map(|server| match known.get(&*server.endpoint.to_string()) {
                Some(known) => (*known).clone(),
                None => Arc::new(Server::new(server.endpoint.clone())),
            })
            .collect();
        let built = started.elapsed();
        let fresh: Vec<_> =
            servers.iter().filter(|server| !known.contains_key(&*server.label)).cloned().collect();
        look_up_for_a_while(self.name(), &fresh).await;
        if log_worthy(&before, &fleet) {
            tracing::info!(pool = %self.name(), servers = fleet.len(), state = ?fleet.state(), "pool changed");
        }
        let number = before.number + 1;
        *lock(&self.view) = Arc::new(View { number, fleet, servers, snapshot });
        self.build_micros.store(u64::try_from(built.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.number.store(number, Ordering::Release);
    }
}

fn log_worthy(before: &View, after: &Fleet) -> bool {
    let of = |fleet: &Fleet| fleet.servers().iter().map(|server| server.endpoint.clone()).collect::<Vec<_>>();
    before.fleet.state() != after.state() || of(&before.fleet) != of(after)
}

async fn look_up_for_a_while(pool: &str, servers: &[Arc<Server>]) {
    if tokio::time::timeout(LOOKUP_LIMIT, look_up(servers)).await.is_err() {
        tracing::warn!(%pool, "looking up host names takes long; going on without them");
    }
}

async fn look_up(servers: &[Arc<Server>]) {
    let mut lookups = tokio::task::JoinSet::new();
    for server in servers.iter().filter(|server| server.has_name()) {
        let server = server.clone();
        lookups.spawn(async move { server.look_up().await });
    }
    while lookups.join_next().await.is_some() {}
}

impl View {
    /// Why nothing can be asked of it; none if it has servers.
    pub(super) fn unusable(&self) -> Option<&'static str> {
        if !self.servers.is_empty() {
            return None;
        }
        Some(match self.fleet.state() {
            State::Pending => "pending: its source has not answered yet",
            State::Absent => "absent: its source does not know it",
            State::Stale { .. } => "stale and empty",
            _ => "empty",
        })
    }
}
