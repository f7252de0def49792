//! The pools of a config, opened and looked at, while everything goes on as it is.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use peerset_cluster::Watch;
use peerset_route::Table;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::proxy::config::{PoolConfig, ProxyConfig};
use crate::proxy::pool::{Pool, Settings, Tallies, Tally};
use crate::source::{self, Sources};

/// How long a plan waits for sources that have not answered yet.
const FIRST_SNAPSHOT_LIMIT: Duration = Duration::from_secs(3);

/// What a config asks for. Dropping it changes nothing.
pub(in crate::proxy) struct Prepared {
    pub(super) table: Table,
    /// In the order of the table's pools.
    pub(super) pools: Vec<Opened>,
    /// What is probably not meant, for people.
    pub(super) warnings: Vec<String>,
    /// Settings that wait for a restart, by name.
    pub(super) waiting: Vec<&'static str>,
}

/// A pool, and what it was made of.
#[derive(Clone)]
pub(super) struct Opened {
    pub(super) pool: Arc<Pool>,
    /// All that was said of it but secrets of a registry: a reload keeps pools that did not change.
    identity: String,
    config: PoolConfig,
    sources: Arc<Sources>,
}

impl Opened {
    /// Follows the pool's source from the set on that it was made of. `changed` is called for each further one.
    pub(super) fn follow(&self, changed: impl Fn() + Send + 'static) -> JoinHandle<()> {
        tokio::spawn(self.pool.clone().follow(self.sources.watch(), changed))
    }
}

impl Prepared {
    /// Opens what is not open yet. Pools that are `open` just so go on as they are, and sources that they have are kept, so
    /// that what is known stays known. New sources are waited for, for a while: requests had better not find a pool that is
    /// not known yet.
    pub(super) async fn of(
        config: ProxyConfig,
        open: &[Opened],
        tallies: &Tallies,
    ) -> anyhow::Result<Prepared> {
        let table = config.table()?;
        let mut pools: Vec<Option<Opened>> = Vec::new();
        // All at the same time: one that does not answer must not hold up the others.
        let mut making = JoinSet::new();
        for (at, pool) in config.pools.into_iter().enumerate() {
            let identity = format!("{pool:?}");
            let same = |open: &&Opened| open.identity == identity && open.config.zookeeper == pool.zookeeper;
            pools.push(open.iter().find(same).cloned());
            if pools[at].is_some() {
                continue;
            }
            let alike = open
                .iter()
                .find(|open| open.config.urls == pool.urls && open.config.zookeeper == pool.zookeeper);
            let sources = match alike {
                Some(alike) => alike.sources.clone(),
                None => Arc::new(
                    source::open_all(&pool.name, &pool.urls, &pool.zookeeper)
                        .with_context(|| format!("the pool {} cannot be opened", pool.name))?,
                ),
            };
            let before = open.iter().find(|open| open.config.name == pool.name);
            let (alike, before) = (alike.map(|open| open.pool.clone()), before.map(|open| open.pool.clone()));
            let tally = tallies.of(&pool.name);
            making.spawn(async move { (at, make(pool, identity, sources, tally, alike, before).await) });
        }
        while let Some(made) = making.join_next().await {
            let (at, made) = made.context("opening a pool failed")?;
            pools[at] = Some(made?);
        }
        let pools = pools.into_iter().flatten().collect();
        Ok(Prepared { table, pools, warnings: config.warnings, waiting: Vec::new() })
    }
}

/// `alike` is the pool of the same sources until now, `before` the one of the same name.
async fn make(
    config: PoolConfig,
    identity: String,
    sources: Arc<Sources>,
    tally: Arc<Tally>,
    alike: Option<Arc<Pool>>,
    before: Option<Arc<Pool>>,
) -> anyhow::Result<Opened> {
    let mut watch: Watch = sources.watch();
    if timeout(FIRST_SNAPSHOT_LIMIT, watch.answer()).await.is_err() {
        let trouble = sources.trouble().unwrap_or_else(|| "no reason is known".to_owned());
        tracing::warn!(
            pool = %config.name, %trouble,
            "the source has not answered yet; going on without the pool's servers"
        );
    }
    let settings = Settings {
        pool: config.name.as_str().into(),
        server: config.server.clone(),
        spec: config.spec.clone(),
        owner_down: config.owner_down,
        meta: config.meta,
        stale_in_use: alike.map(|pool| pool.settings.stale_in_use.clone()).unwrap_or_default(),
    };
    let pool = Pool::new(settings, tally, &sources, &watch, before.as_deref()).await?;
    Ok(Opened { pool: Arc::new(pool), identity, config, sources })
}
