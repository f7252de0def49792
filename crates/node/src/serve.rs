//! `peerset serve`: a cache node.
//!
//! The workers of the [front](mod@crate::front) answer requests; the main thread runs everything that is not a request:
//! admin pages, signals, and the store's upkeep once a second.

mod buffer_memory;
mod classic;
mod counters;
mod meta;
mod session;
mod stats;

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use peerset_store::Store;
use tokio::net::TcpListener;

use buffer_memory::BufferMemory;
pub(crate) use counters::{CommandCounters, CommandCounts};

use crate::admin;
use crate::cli::serve::ServeSettings;
use crate::daemon::{self, Stop};
use crate::front::{BoundListener, Front, FrontCounters, ListenAddress, unix_now};

/// How often expired items are looked for.
const UPKEEP: Duration = Duration::from_secs(1);

/// Work done at a time, a fraction of a millisecond each, so that signals and pages do not wait.
const UPKEEP_STEPS: usize = 16;

/// The pause when that was not all: what thousands of expired items cost is spread out.
const UPKEEP_PAUSE: Duration = Duration::from_millis(10);

/// What all threads of a node share.
pub(crate) struct Node {
    pub(crate) settings: ServeSettings,
    pub(crate) store: Arc<Store>,
    pub(crate) front: Arc<FrontCounters>,
    buffers: BufferMemory,
    /// One set for each worker.
    commands: Box<[CommandCounters]>,
    /// What `stats reset` counts from.
    commands_at_reset: Mutex<CommandCounts>,
    /// The first TCP address, told to clients that ask over a unix socket.
    first_address: Option<SocketAddr>,
    started: Instant,
    draining: AtomicBool,
}

impl Node {
    /// Counts since the start.
    pub(crate) fn commands(&self) -> CommandCounts {
        CommandCounts::sum(&self.commands)
    }

    /// Counts since the last `stats reset`.
    pub(crate) fn commands_since_reset(&self) -> CommandCounts {
        let earlier = *self.commands_at_reset.lock().unwrap_or_else(PoisonError::into_inner);
        self.commands().since(&earlier)
    }

    /// Whether the node is on its way out.
    pub(crate) fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Time since the start.
    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Runs a node until SIGTERM or SIGINT, then drains it.
pub(crate) fn run(settings: &ServeSettings) -> anyhow::Result<()> {
    daemon::raise_descriptor_limit(&settings.front, settings.listen.len())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(serve(settings));
    // Does not wait for a drain that a second signal cut short.
    runtime.shutdown_background();
    result
}

async fn serve(settings: &ServeSettings) -> anyhow::Result<()> {
    // Unknown to peers, so that they cannot choose keys that collide.
    let seed = RandomState::new().hash_one(0);
    let mut config = peerset_store::Config::new(settings.memory.0, seed);
    config.item_bytes_max = u32::try_from(settings.max_item.0)?;
    config.parallelism = settings.front.threads;
    let store = Arc::new(Store::new(&config)?);
    let listeners = settings.listen.iter().map(BoundListener::bind).collect::<Result<Vec<_>, _>>()?;
    let addresses = listeners.iter().map(BoundListener::address).collect::<io::Result<Vec<_>>>()?;
    let http = daemon::bind_http(settings.http).await?;
    let mut stop = Stop::listen()?;

    let node = Arc::new(Node {
        settings: settings.clone(),
        buffers: BufferMemory::new(store.clone(), settings.memory.0, settings.max_item.0),
        store,
        front: Arc::new(FrontCounters::new(settings.front.threads)),
        commands: (0..settings.front.threads).map(|_| CommandCounters::default()).collect(),
        commands_at_reset: Mutex::default(),
        first_address: addresses.iter().find_map(|address| match address {
            ListenAddress::Tcp(address) => Some(*address),
            ListenAddress::Unix(_) => None,
        }),
        started: Instant::now(),
        draining: AtomicBool::new(false),
    });
    let front = Front::start(&settings.front, listeners, &node.front, |worker| {
        session::NodeService::new(node.clone(), worker)
    })
    .context("cannot start the workers")?;
    print_banner(&node, &addresses, http.as_ref())?;
    let pages = http.map(|listener| daemon::serve_pages(listener, admin::router(node.clone())));

    let mut upkeep = tokio::time::interval(UPKEEP);
    loop {
        tokio::select! {
            () = stop.signalled() => break,
            () = front.failed() => anyhow::bail!("a thread that serves requests has ended (the log says why); start again"),
            _ = upkeep.tick() => {
                let done = node.store.maintain(unix_now(), UPKEEP_STEPS);
                if done.more {
                    upkeep.reset_after(UPKEEP_PAUSE);
                }
            }
        }
    }

    node.draining.store(true, Ordering::Relaxed);
    daemon::drain(front, pages, stop).await
}

/// Tells on stdout where the node is, one address a line for programs, and what to try for people.
fn print_banner(node: &Node, addresses: &[ListenAddress], http: Option<&TcpListener>) -> anyhow::Result<()> {
    use std::fmt::Write as _;
    let mut banner = String::new();
    writeln!(
        banner,
        "peerset {}: a memcached-compatible cache, {} of memory, {}{} threads",
        env!("CARGO_PKG_VERSION"),
        node.settings.memory,
        if node.settings.front.elastic { "up to " } else { "" },
        node.settings.front.threads,
    )?;
    for address in addresses {
        writeln!(banner, "listening on {address}")?;
    }
    if let Some(http) = http {
        writeln!(banner, "http on {}", http.local_addr()?)?;
    }
    if let Some(address) = node.first_address {
        writeln!(
            banner,
            "try: printf 'set greeting 0 0 5\\r\\nhello\\r\\nget greeting\\r\\nquit\\r\\n' | curl -s telnet://{address}"
        )?;
    }
    daemon::print_banner(&banner);
    Ok(())
}
