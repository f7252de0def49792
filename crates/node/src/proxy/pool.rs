//! A pool: the servers that a discovery source names, as they are now.
//!
//! One task a pool follows the source and builds a [`View`] for each new set, off the serving threads; the workers are
//! woken and adopt it once its new servers have been connected to.

mod server;
mod tally;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use peerset_client_memcache::ServerConfig;
use peerset_cluster::{Endpoint, Snapshot, State, Watch};
use peerset_placement::Spec;
use peerset_route::{Fleet, OwnerDown};

use crate::output;
use crate::source::Sources;
pub(crate) use server::Server;
use server::{look_up, look_up_for_a_while};
pub(super) use tally::Counted;
pub(crate) use tally::{Tallies, Tally};

/// How often host names are looked up again.
const LOOKUP_EVERY: Duration = Duration::from_secs(15);

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
    /// What was counted of its servers.
    pub(crate) tally: Arc<Tally>,
    /// Held by who follows them, so that what still looks at a pool that is gone does not keep them.
    sources: Weak<Sources>,
    view: Mutex<Arc<View>>,
    number: AtomicU64,
    /// How long the last view took to build, in microseconds.
    build_micros: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    /// A pool with the set that its source has now. `before` is the pool that it is to replace: of servers that both
    /// have it takes what is known of them.
    pub(crate) async fn new(
        settings: Settings,
        tally: Arc<Tally>,
        sources: &Arc<Sources>,
        watch: &Watch,
        before: Option<&Pool>,
    ) -> anyhow::Result<Pool> {
        let snapshot = watch.borrow();
        let fleet = Fleet::build(&snapshot, &settings.spec)?;
        let known = before.map(|pool| pool.view().servers.clone()).unwrap_or_default();
        let (servers, fresh) = servers(&fleet, &known);
        look_up_for_a_while(&settings.pool, &fresh).await;
        // Clients that follow `config get cluster` take a greater number for a newer set, over restarts too.
        let number = u64::from(crate::front::unix_now()).max(before.map_or(0, Pool::number) + 1);
        Ok(Pool {
            settings: Arc::new(settings),
            tally,
            sources: Arc::downgrade(sources),
            view: Mutex::new(Arc::new(View { number, fleet, servers, snapshot })),
            number: AtomicU64::new(number),
            build_micros: AtomicU64::new(0),
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

    /// Why the source does not answer, if it does not and that is known.
    pub(crate) fn trouble(&self) -> Option<String> {
        let state = self.view().fleet.state();
        let lost = !state.is_answered() || state.stale_since().is_some();
        lost.then(|| self.sources.upgrade()?.trouble()).flatten()
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
                    Ok(snapshot) if snapshot.same_as(&self.view().snapshot) => continue,
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
        let (servers, fresh) = servers(&fleet, &before.servers);
        let built = started.elapsed();
        look_up_for_a_while(self.name(), &fresh).await;
        self.tell(&before.fleet, &fleet);
        let number = before.number + 1;
        *lock(&self.view) = Arc::new(View { number, fleet, servers, snapshot });
        self.build_micros.store(u64::try_from(built.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.number.store(number, Ordering::Release);
    }

    /// Tells people of a new set, if they can see that it is another.
    fn tell(&self, before: &Fleet, after: &Fleet) {
        let of = |fleet: &Fleet| -> Vec<Endpoint> {
            fleet.servers().iter().map(|server| server.endpoint.clone()).collect()
        };
        if before.state() == after.state() && of(before) == of(after) {
            return;
        }
        let (pool, servers, state) = (self.name(), after.len(), output::state(after.state()));
        match after.state() {
            State::Stale { .. } => {
                let trouble = self.sources.upgrade().and_then(|sources| sources.trouble());
                let trouble = trouble.unwrap_or_else(|| "no reason is known".to_owned());
                tracing::warn!(pool, servers, %trouble, "the source of the pool is lost; its last set stays");
            }
            _ => tracing::info!(pool, servers, state, "pool changed"),
        }
    }
}

/// The servers of a fleet, in its order: those that are known, and new ones for the rest. The new ones again.
fn servers(fleet: &Fleet, known: &[Arc<Server>]) -> (Vec<Arc<Server>>, Vec<Arc<Server>>) {
    let known: HashMap<&str, &Arc<Server>> = known.iter().map(|server| (&*server.label, server)).collect();
    let mut fresh = Vec::new();
    let server = |endpoint: &Endpoint| match known.get(&*endpoint.to_string()) {
        Some(known) => (*known).clone(),
        None => {
            let server = Arc::new(Server::new(endpoint.clone()));
            fresh.push(server.clone());
            server
        }
    };
    let all = fleet.servers().iter().map(|server| &server.endpoint).map(server).collect();
    (all, fresh)
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
