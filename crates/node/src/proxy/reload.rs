//! From config to plan, at the start and whenever the file changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::config::{PoolConfig, ProxyConfig};
use super::plan::{Plan, Shared};
use super::pool::{Pool, Settings};
use crate::cli::config_file::ConfigFile;
use crate::cli::proxy::ProxySettings;
use crate::source;

/// How often the config file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Makes plans, keeps what follows the sources of their pools, and hears of changes.
pub(super) struct Reloader {
    file: Option<PathBuf>,
    seen: Option<Stamp>,
    hangup: Option<Signal>,
    workers: usize,
    plans: u64,
    followers: Vec<(Arc<Pool>, JoinHandle<()>)>,
    changed: Arc<Notify>,
}

/// By which a change of the file is noticed.
#[derive(PartialEq, Eq, Clone, Copy)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Stamp> {
        let metadata = fs::metadata(path).ok()?;
        Some(Stamp { modified: metadata.modified().ok(), bytes: metadata.len() })
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
            workers,
            plans: 0,
            followers: Vec::new(),
            changed: Arc::new(Notify::new()),
        }
    }

    /// A plan for a config. Pools that the last plan has just so go on as they are.
    pub(super) fn plan(&mut self, config: &ProxyConfig) -> anyhow::Result<Plan> {
        let table = config.table()?;
        let mut pools = Vec::new();
        let mut fresh = Vec::new();
        for pool in &config.pools {
            let identity = format!("{pool:?}");
            match self.followers.iter().find(|(kept, _)| kept.sources == identity) {
                Some((kept, _)) => pools.push(kept.clone()),
                None => {
                    let (pool, watch, source) = open(pool, identity)
                        .with_context(|| format!("the pool {} cannot be opened", pool.name))?;
                    fresh.push((pool.clone(), watch, source));
                    pools.push(pool);
                }
            }
        }
        // Nothing can fail from here on.
        for (pool, watch, source) in fresh {
            let changed = self.changed.clone();
            let followed = pool.clone();
            let task = tokio::spawn(async move {
                followed.follow(watch, || changed.notify_one()).await;
                drop(source);
            });
            self.followers.push((pool, task));
        }
        self.followers.retain(|(pool, task)| {
            let used = pools.iter().any(|other| Arc::ptr_eq(pool, other));
            if !used {
                task.abort();
            }
            used
        });
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
                () = tokio::time::sleep(LOOK_EVERY) => {
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
    pub(super) fn reload(&mut self, file: &Path, shared: &Shared) -> anyhow::Result<Plan> {
        let read = ConfigFile::read(file)?;
        read.flags::<crate::cli::proxy::ProxyFlags>("proxy")?;
        let config = read.proxy()?.context("the file has no [pools] any more")?;
        let plan = self.plan(&config)?;
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

type Opened = (Arc<Pool>, peerset_cluster::Watch, Arc<dyn peerset_cluster::Discover>);

fn open(pool: &PoolConfig, identity: String) -> anyhow::Result<Opened> {
    let source = source::open_all(&pool.name, &pool.urls)?;
    let watch = source.watch();
    let settings = Settings {
        pool: pool.name.as_str().into(),
        server: pool.server.clone(),
        spec: pool.spec.clone(),
        owner_down: pool.owner_down,
        meta: pool.meta,
    };
    let pool = Pool::new(settings, identity, &watch)?;
    Ok((Arc::new(pool), watch, source))
}
