//! From config to plan, at the start and whenever the file changes.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use peerset_cluster::{Discover, DiscoveryUrl};
use peerset_discover_zookeeper::Credentials;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval};

use super::config::{PoolConfig, ProxyConfig};
use super::plan::{Plan, Shared};
use super::pool::{Pool, Settings};
use crate::cli::config_file::ConfigFile;
use crate::cli::proxy::ProxySettings;
use crate::source;

/// How long a plan waits for sources that have not answered yet.
const FIRST_SNAPSHOT_LIMIT: Duration = Duration::from_secs(3);

/// How often the config file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Makes plans, keeps what follows the sources of their pools, and hears of changes.
pub(super) struct Reloader {
    file: Option<PathBuf>,
    seen: Option<Stamp>,
    hangup: Option<Signal>,
    /// When the file is looked at. Kept, so that pools that change all the time do not put it off.
    looks: Interval,
    workers: usize,
    plans: u64,
    followers: Vec<Follower>,
    changed: Arc<Notify>,
}

/// A pool and what follows its source.
struct Follower {
    pool: Arc<Pool>,
    urls: Vec<DiscoveryUrl>,
    discover_as: Vec<Credentials>,
    source: Arc<dyn Discover>,
    task: JoinHandle<()>,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// By which a change of the file is noticed, also where it is replaced by one as long and as old.
#[derive(PartialEq, Eq, Clone, Copy)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    inode: u64,
    changed: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Option<Stamp> {
        let metadata = fs::metadata(path).ok()?;
        Some(Stamp {
            modified: metadata.modified().ok(),
            bytes: metadata.len(),
            inode: metadata.ino(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

impl Reloader {
    pub(super) fn new(settings: &ProxySettings, workers: usize) -> Reloader {
        // With a pool of the flags there is nothing in the file that can change while the proxy runs.
        let file = settings.config.clone().filter(|_| settings.pool.is_none());
        Reloader {
            seen: file.as_deref().and_then(Stamp::of),
            file,
            hangup: signal(SignalKind::hangup()).ok(),
            looks: tokio::time::interval(LOOK_EVERY),
            workers,
            plans: 0,
            followers: Vec::new(),
            changed: Arc::new(Notify::new()),
        }
    }

    /// A plan for a config. Pools that the last plan has just so go on as they are, and sources that it has are kept, so
    /// that what is known stays known. New sources are waited for, for a while: requests had better not find a pool that
    /// is not known yet.
    pub(super) async fn plan(&mut self, config: &ProxyConfig) -> anyhow::Result<Plan> {
        let table = config.table()?;
        let mut pools = Vec::new();
        let mut fresh = Vec::new();
        let give_up = Instant::now() + FIRST_SNAPSHOT_LIMIT;
        for pool in &config.pools {
            let identity = format!("{pool:?}");
            if let Some(kept) = self.followers.iter().find(|kept| kept.pool.identity == identity) {
                pools.push(kept.pool.clone());
                continue;
            }
            let before = self
                .followers
                .iter()
                .find(|follower| follower.urls == pool.urls && follower.discover_as == pool.discover_as);
            let source = match before {
                Some(follower) => follower.source.clone(),
                None => source::open_all(&pool.name, &pool.urls, &pool.discover_as)
                    .with_context(|| format!("the pool {} cannot be opened", pool.name))?,
            };
            let mut watch = source.watch();
            let answered = watch.wait_for(|snapshot| snapshot.state().is_answered());
            if tokio::time::timeout_at(give_up, answered).await.is_err() {
                tracing::warn!(pool = %pool.name, "the source has not answered yet; going on without the pool's servers");
            }
            let settings = settings(pool, before.map(|follower| &*follower.pool));
            let made = Arc::new(Pool::new(settings, identity, &watch).await?);
            fresh.push((made.clone(), pool.urls.clone(), pool.discover_as.clone(), source, watch));
            pools.push(made);
        }
        // Nothing can fail from here on.
        for (pool, urls, discover_as, source, watch) in fresh {
            let changed = self.changed.clone();
            // The pool was made of what this watch has seen.
            let following = pool.clone().follow(watch, move || changed.notify_one());
            self.followers.push(Follower { pool, urls, discover_as, source, task: tokio::spawn(following) });
        }
        self.followers.retain(|follower| pools.iter().any(|pool| Arc::ptr_eq(&follower.pool, pool)));
        self.plans += 1;
        Ok(Plan::new(self.plans, table, pools, self.workers))
    }

    /// Returns when a pool has a new view.
    pub(super) fn pools_changed(&self) -> impl Future<Output = ()> + use<> {
        let changed = self.changed.clone();
        async move { changed.notified().await }
    }

    /// Returns when the config file is to be read again: it changed, or somebody sent SIGHUP.
    pub(super) async fn file_changed(&mut self) -> PathBuf {
        loop {
            let hangup = async {
                match &mut self.hangup {
                    Some(signal) => signal.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = hangup => {
                    if let Some(file) = &self.file {
                        self.seen = Stamp::of(file);
                        return file.clone();
                    }
                    tracing::info!("SIGHUP: there is no config file of pools and routes to read again");
                }
                _ = self.looks.tick() => {
                    let Some(file) = &self.file else { continue };
                    let now = Stamp::of(file);
                    // A file that is away for a moment is being replaced.
                    if now.is_some() && now != self.seen {
                        self.seen = now;
                        return file.clone();
                    }
                }
            }
        }
    }

    /// Reads the file again.
    pub(super) async fn reload(&mut self, file: &Path, shared: &Shared) -> anyhow::Result<Plan> {
        let read = ConfigFile::read(file)?;
        read.flags::<crate::cli::proxy::ProxyFlags>("proxy")?;
        let config = read.proxy()?.context("the file has no [pools] any more")?;
        let plan = self.plan(&config).await?;
        let kept = shared
            .plan()
            .pools
            .iter()
            .filter(|pool| plan.pools.iter().any(|new| Arc::ptr_eq(new, pool)))
            .count();
        config.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        tracing::info!(
            file = %file.display(), pools = plan.pools.len(), unchanged = kept,
            "config read again (what [proxy] says of listeners and threads needs a restart)"
        );
        Ok(plan)
    }
}

/// What a pool is asked to do; `before` is the pool of the same servers until now.
fn settings(pool: &PoolConfig, before: Option<&Pool>) -> Settings {
    Settings {
        pool: pool.name.as_str().into(),
        server: pool.server.clone(),
        spec: pool.spec.clone(),
        owner_down: pool.owner_down,
        meta: pool.meta,
        stale_in_use: before.map(|pool| pool.settings.stale_in_use.clone()).unwrap_or_default(),
    }
}
