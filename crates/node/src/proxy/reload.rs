//! From config to plan, at the start and whenever the file changes.
//!
//! What a config asks for is prepared beside all else that goes on, and taken as a whole or not at all.

mod config_watch;
mod preparation;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use super::config::ProxyConfig;
use super::plan::Plan;
use super::pool::Tallies;
use crate::cli::proxy::{ProxyArgs, ProxySettings};
use config_watch::ConfigWatch;
use preparation::{Opened, Prepared};

/// Makes plans, keeps what follows the sources of their pools, and hears of changes.
pub(super) struct Reloader {
    /// As the proxy was started.
    args: ProxyArgs,
    running: ProxySettings,
    tallies: Arc<Tallies>,
    watch: ConfigWatch,
    /// At most one at a time.
    preparing: JoinSet<anyhow::Result<Prepared>>,
    followers: Vec<Follower>,
    changed: Arc<Notify>,
}

/// A pool and what follows its source.
struct Follower {
    opened: Opened,
    task: JoinHandle<()>,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Reloader {
    pub(super) fn new(args: &ProxyArgs, running: &ProxySettings, tallies: &Arc<Tallies>) -> Reloader {
        Reloader {
            args: args.clone(),
            running: running.clone(),
            tallies: tallies.clone(),
            watch: ConfigWatch::new(running.config.clone()),
            preparing: JoinSet::new(),
            followers: Vec::new(),
            changed: Arc::new(Notify::new()),
        }
    }

    /// The plan to begin with.
    pub(super) async fn first_plan(&mut self, config: &ProxyConfig) -> anyhow::Result<Plan> {
        let prepared = Prepared::of(config.clone(), &[], &self.tallies).await?;
        Ok(self.adopt(prepared, None))
    }

    /// Returns when a pool has a new view.
    pub(super) fn pools_changed(&self) -> impl Future<Output = ()> + use<> {
        let changed = self.changed.clone();
        async move { changed.notified().await }
    }

    /// Returns when the config file was to be read again, and what it asks for is prepared, or cannot be.
    ///
    /// # Cancel safety
    /// Safe: what has begun goes on.
    pub(super) async fn prepared(&mut self) -> anyhow::Result<Prepared> {
        loop {
            if let Some(done) = self.preparing.join_next().await {
                return done.context("preparing a plan failed")?;
            }
            self.watch.changed().await;
            tracing::info!("reading the config file again");
            let open: Vec<Opened> = self.followers.iter().map(|follower| follower.opened.clone()).collect();
            let (args, running) = (self.args.clone(), self.running.clone());
            let tallies = self.tallies.clone();
            self.preparing.spawn(async move {
                let (settings, config) = args.settings()?.settings;
                let waiting = settings.differing(&running);
                Ok(Prepared { waiting, ..Prepared::of(config, &open, &tallies).await? })
            });
        }
    }

    /// The plan that another config came to, in place of the one before.
    pub(super) fn next_plan(&mut self, prepared: Prepared, before: &Plan) -> Plan {
        for warning in &prepared.warnings {
            tracing::warn!("{warning}");
        }
        if !prepared.waiting.is_empty() {
            let keys = prepared.waiting.join(", ");
            tracing::warn!(%keys, "these settings of [proxy] have changed and wait for a restart");
        }
        self.adopt(prepared, Some(before))
    }

    /// Tells people of a plan that is followed from now on: who waits for this line may rely on it.
    pub(super) fn tell(&self, plan: &Plan, before: &Plan) {
        let kept = plan.pools.iter().filter(|pool| before.pools.iter().any(|old| Arc::ptr_eq(old, pool)));
        tracing::info!(
            file = %self.running.config.as_deref().unwrap_or(Path::new("")).display(),
            pools = plan.pools.len(), unchanged = kept.count(), "config read again"
        );
    }

    fn adopt(&mut self, prepared: Prepared, before: Option<&Plan>) -> Plan {
        let mut known = std::mem::take(&mut self.followers);
        let mut pools = Vec::new();
        for opened in prepared.pools {
            pools.push(opened.pool.clone());
            let same = |follower: &Follower| Arc::ptr_eq(&follower.opened.pool, &opened.pool);
            let follower = match known.iter().position(same) {
                Some(at) => known.swap_remove(at),
                None => {
                    let changed = self.changed.clone();
                    Follower { task: opened.follow(move || changed.notify_one()), opened }
                }
            };
            self.followers.push(follower);
        }
        Plan::new(prepared.table, pools, self.running.front.threads, before)
    }
}
