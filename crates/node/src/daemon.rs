//! What every command that keeps running needs: signals, admin pages, open files.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::front::Front;
use crate::{admin, front};

/// File descriptors needed beside those of connections, workers and admin pages: standard streams, listeners, logs.
const DESCRIPTORS_SPARE: usize = 32;

/// A worker's poller and what wakes it.
const DESCRIPTORS_WORKER: usize = 3;

/// SIGTERM and SIGINT.
pub(crate) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    /// From now on they are waited for, and do not kill.
    pub(crate) fn listen() -> io::Result<Stop> {
        Ok(Stop { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Returns when one of them comes.
    ///
    /// # Cancel safety
    /// Safe: a signal is kept until it is heard.
    pub(crate) async fn signalled(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// How long what ends in the background may take for it: usual are milliseconds, on a busy machine a second or two.
const SETTLE_LIMIT: Duration = Duration::from_secs(3);

/// Waits a little until all tasks of this runtime have ended, once their handles are dropped: a session with a registry is
/// closed then, and not left there until it times out.
pub(crate) async fn settle() {
    let ended = async {
        while Handle::current().metrics().num_alive_tasks() > 0 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    if timeout(SETTLE_LIMIT, ended).await.is_err() {
        tracing::debug!("ended with work in the background");
    }
}

/// Where the admin pages are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HttpSettings {
    pub(crate) address: SocketAddr,
    /// Whether it was asked for; the default one gives way when it is taken, so that a second process on one machine
    /// starts without a flag.
    pub(crate) explicit: bool,
}

/// Opens the port of the admin pages.
pub(crate) async fn bind_http(settings: Option<HttpSettings>) -> anyhow::Result<Option<TcpListener>> {
    let Some(HttpSettings { address, explicit }) = settings else { return Ok(None) };
    match front::listen_tcp(address) {
        Ok(listener) => Ok(Some(TcpListener::from_std(listener)?)),
        Err(error) if explicit => Err(error).with_context(|| {
            format!("cannot open the admin pages on {address}: choose another --http or `--http off`")
        }),
        Err(error) => {
            tracing::warn!(%address, %error, "no admin pages: choose another address with --http");
            Ok(None)
        }
    }
}

/// Shows the admin pages until the task is aborted.
pub(crate) fn serve_pages(listener: TcpListener, pages: axum::Router) -> JoinHandle<io::Result<()>> {
    let listener = admin::BoundedListener::new(listener);
    tokio::spawn(axum::serve(listener, pages).into_future())
}

/// Finishes what is under way, then closes the pages; a second signal cuts it short.
pub(crate) async fn drain(
    front: Front,
    pages: Option<JoinHandle<io::Result<()>>>,
    mut stop: Stop,
) -> anyhow::Result<()> {
    tracing::info!("draining: no new connections, finishing what is under way");
    let drained = tokio::task::spawn_blocking(move || front.drain());
    tokio::select! {
        result = drained => result.context("draining failed")?,
        () = stop.signalled() => anyhow::bail!("stopped by a second signal before all was drained"),
    }
    if let Some(pages) = pages {
        pages.abort();
    }
    tracing::info!("drained");
    Ok(())
}

/// Makes sure that `front.max_conns` connections and `beside` other files can be open, raising the soft limit as far as
/// the hard one lets us.
pub(crate) fn raise_descriptor_limit(front: &front::Config, beside: usize) -> anyhow::Result<()> {
    let front::Config { max_conns, threads, .. } = *front;
    let beside = beside + threads * DESCRIPTORS_WORKER + admin::CONNECTIONS_MAX + DESCRIPTORS_SPARE;
    let wanted = max_conns.saturating_add(beside) as u64;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft >= wanted {
        return Ok(());
    }
    if setrlimit(Resource::RLIMIT_NOFILE, wanted, hard.max(wanted)).is_ok()
        || (hard >= wanted && setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok())
    {
        return Ok(());
    }
    anyhow::bail!(
        "--max-conns {max_conns} needs {wanted} open files, the limit is {hard}: \
         raise it (`ulimit -n {wanted}`, or LimitNOFILE in a systemd unit) or lower --max-conns"
    )
}

/// Tells on stdout where the process is. A closed stdout is no reason not to serve.
pub(crate) fn print_banner(banner: &str) {
    let mut stdout = io::stdout().lock();
    if let Err(error) = stdout.write_all(banner.as_bytes()).and_then(|()| stdout.flush()) {
        tracing::debug!(%error, "the banner was not printed");
    }
}
