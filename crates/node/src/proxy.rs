//! `peerset proxy`: one memcached address in front of a fleet.
//!
//! ```text
//!  clients ─► front ─► service ─► table: which pool ─► lanes: which server ─► upstream ─► servers
//!                         ▲                             ▲
//!                       flight ◄──── desk ◄─────────────┼────── replies, by order
//!                       (order of replies)              │
//!                          main thread: pool ─► View ───┘ of each new set, by waking the workers
//! ```
//!
//! Workers serve clients and own a connection to every server; nothing is shared between them on the way of a request.
//! The main thread follows the sources of all pools and the config file, builds rings, and hands workers what is new.

pub(crate) mod config;
mod counters;
mod desk;
mod exchange;
mod flight;
mod lanes;
mod past;
mod pending;
mod plan;
mod pool;
mod reload;
mod service;
mod stats;
mod topology;
mod translate;
mod upstream;
mod wire;

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::admin;
use crate::cli::proxy::{ProxyArgs, ProxySettings};
use crate::daemon::{self, Stop};
use crate::front::{BoundListener, Budget, Front, FrontCounters, ListenAddress};
use config::ProxyConfig;
pub(crate) use counters::{CommandCounters, LATENCY_BOUNDS, Latency, RouteCounters, ServerCounters};
pub(crate) use plan::{Plan, Shared};
use pool::Tallies;
pub(crate) use pool::{Pool, View};
use reload::Reloader;
use topology::Topology;

/// What all threads of a proxy share.
pub(crate) struct Proxy {
    pub(crate) settings: ProxySettings,
    pub(crate) front: Arc<FrontCounters>,
    pub(crate) shared: Arc<Shared>,
    /// Memory for requests that have arrived in part.
    requests: Budget,
    /// Memory for replies that clients do not take.
    replies: Budget,
    /// What clients of ElastiCache are told.
    topology: Topology,
    started: Instant,
    draining: AtomicBool,
    seed: u64,
}

impl Proxy {
    /// Whether it is on its way out.
    pub(crate) fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Time since the start.
    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Bytes of replies that one worker may hold for requests that wait for others.
    fn reply_bytes_max(&self) -> usize {
        usize::try_from(self.settings.buffer_memory.0 / 4).unwrap_or(usize::MAX)
            / self.settings.front.threads.max(1)
    }

    /// Bytes of values that a worker may hold for multi-gets that are not complete.
    fn values_bytes_max(&self) -> usize {
        usize::try_from(self.settings.buffer_memory.0 / 2).unwrap_or(usize::MAX)
    }

    /// Differs between workers and processes, so that they do not all try servers that are down in the same moment.
    fn seed(&self, worker: usize) -> u64 {
        self.seed.wrapping_add(worker as u64)
    }
}

/// Runs a proxy until SIGTERM or SIGINT, then drains it.
pub(crate) fn run(args: &ProxyArgs, settings: &ProxySettings, config: &ProxyConfig) -> anyhow::Result<()> {
    daemon::raise_descriptor_limit(&settings.front, settings.listen.len() + upstream_connections(settings))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(serve(args, settings, config));
    // Does not wait for a drain that a second signal cut short.
    runtime.shutdown_background();
    result
}

/// Room for connections to servers: who has more of them than clients gets them by a higher limit.
fn upstream_connections(settings: &ProxySettings) -> usize {
    settings.front.threads * 256
}

async fn serve(args: &ProxyArgs, settings: &ProxySettings, config: &ProxyConfig) -> anyhow::Result<()> {
    let threads = settings.front.threads;
    let listeners = settings.listen.iter().map(BoundListener::bind).collect::<Result<Vec<_>, _>>()?;
    let addresses = listeners.iter().map(BoundListener::address).collect::<io::Result<Vec<_>>>()?;
    let http = daemon::bind_http(settings.http).await?;
    let mut stop = Stop::listen()?;
    let tallies = Arc::new(Tallies::default());
    let mut reloader = Reloader::new(args, settings, &tallies);
    // Who connects meanwhile waits in the listeners' queues.
    let plan = tokio::select! {
        plan = reloader.first_plan(config) => plan?,
        () = stop.signalled() => return Ok(()),
    };

    let half = usize::try_from(settings.buffer_memory.0 / 2).unwrap_or(usize::MAX);
    let proxy = Arc::new(Proxy {
        settings: settings.clone(),
        front: Arc::new(FrontCounters::new(threads)),
        shared: Arc::new(Shared::new(plan, threads, tallies)),
        requests: Budget::new(half),
        replies: Budget::new(half / 2),
        topology: Topology::new(crate::front::unix_now()),
        started: Instant::now(),
        draining: AtomicBool::new(false),
        seed: RandomState::new().hash_one(0),
    });
    proxy.topology.follow(&proxy.shared.plan());
    let front = Front::start(&settings.front, listeners, &proxy.front, |worker| {
        service::ProxyService::new(proxy.clone(), worker)
    })
    .context("cannot start the workers")?;
    daemon::print_banner(&banner(&proxy, config, &addresses, http.as_ref()));
    let pages = http.map(|listener| daemon::serve_pages(listener, admin::proxy_router(proxy.clone())));

    loop {
        let before = proxy.shared.plan();
        tokio::select! {
            () = stop.signalled() => break,
            () = front.failed() => anyhow::bail!("a thread that serves requests has ended (the log says why); start again"),
            () = reloader.pools_changed() => {}
            prepared = reloader.prepared() => match prepared {
                Ok(prepared) => proxy.shared.follow(reloader.next_plan(prepared, &before)),
                Err(error) => {
                    tracing::error!("the config file cannot be used, the old settings stay:\n{error:#}");
                    continue;
                }
            },
        }
        let plan = proxy.shared.plan();
        proxy.topology.follow(&plan);
        front.wake();
        if plan.number != before.number {
            reloader.tell(&plan, &before);
        }
    }

    proxy.draining.store(true, Ordering::Relaxed);
    daemon::drain(front, pages, stop).await
}

/// Where the proxy is, one address a line for programs, and what to try for people.
fn banner(
    proxy: &Proxy,
    config: &ProxyConfig,
    addresses: &[ListenAddress],
    http: Option<&tokio::net::TcpListener>,
) -> String {
    let mut lines = vec![format!(
        "peerset {}: a proxy for memcached, {}{} threads",
        env!("CARGO_PKG_VERSION"),
        if proxy.settings.front.elastic { "up to " } else { "" },
        proxy.settings.front.threads,
    )];
    let plan = proxy.shared.plan();
    for pool in &plan.pools {
        lines.push(format!(
            "pool {}: {}, {}",
            pool.name(),
            servers(pool.view().servers.len()),
            pool.settings.spec
        ));
    }
    lines.extend(config.warnings.iter().map(|warning| format!("warning: {warning}")));
    lines.extend(addresses.iter().map(|address| format!("listening on {address}")));
    lines.extend(http.and_then(|http| http.local_addr().ok()).map(|address| format!("http on {address}")));
    if let Some(ListenAddress::Tcp(address)) =
        addresses.iter().find(|address| matches!(address, ListenAddress::Tcp(_)))
    {
        lines.push(format!(
            "try: printf 'set greeting 0 0 5\\r\\nhello\\r\\nget greeting\\r\\nquit\\r\\n' | curl -s telnet://{address}"
        ));
    }
    lines.join("\n") + "\n"
}

fn servers(count: usize) -> String {
    match count {
        1 => "1 server".to_owned(),
        _ => format!("{count} servers"),
    }
}
