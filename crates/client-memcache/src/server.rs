//! One server: its lanes, its health, and the tasks that keep both.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use peerset_cluster::Endpoint;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tracing::{Instrument, Span};

use crate::ServerConfig;
use crate::counters::{Counters, Counting, add};
use crate::error::{Down, Error};
use crate::handshake::Dialect;
use crate::health::{Admission, Failure, Health};
use crate::lane::{Answer, Dialler, Driver, Ending, Exchange, Lane, Ready, Request};
use crate::operation::Operation;

/// A server as this client knows it. Dropping it closes its connections; futures of its requests keep it alive.
#[derive(Debug)]
pub(crate) struct Server {
    shared: Arc<Shared>,
    keepers: Vec<AbortHandle>,
}

#[derive(Debug)]
struct Shared {
    lanes: Box<[Arc<Lane>]>,
    health: Mutex<Health>,
    /// Something went wrong since the last reply: the next one has to be told to the health, any other need not.
    unforgiven: AtomicBool,
    counting: Arc<Counting>,
    /// Entered for what is said about the server, not for what is done: a driver has no use for it at every turn. As wide as
    /// the loudest of it, so that who hears that also hears of whom; with no parent, since the server outlives whatever its
    /// client was built in.
    span: Span,
    /// Changes when the server goes down or comes back, so that all keepers look.
    down: watch::Sender<Option<Down>>,
}

impl Server {
    /// A server to which nothing is connected yet.
    pub(crate) fn new(endpoint: &Endpoint, config: &Arc<ServerConfig>, runtime: &Handle) -> Server {
        let counting = Arc::new(Counting::default());
        let lane = |_| Arc::new(Lane::new(endpoint.clone(), config.clone(), counting.clone()));
        let lanes: Box<[_]> = (0..config.connections).map(lane).collect();
        let health = Mutex::new(Health::new(config.health.clone(), fastrand::u64(..)));
        let down = watch::Sender::new(None);
        let unforgiven = AtomicBool::new(false);
        let span = tracing::warn_span!(parent: None, "memcached", server = %endpoint);
        let shared = Arc::new(Shared { lanes, health, unforgiven, counting, span, down });
        let keeper = |lane: &Arc<Lane>| runtime.spawn(shared.clone().keep(Kept(lane.clone()))).abort_handle();
        let keepers = shared.lanes.iter().map(keeper).collect();
        Server { shared, keepers }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.shared.lanes[0].endpoint
    }

    pub(crate) fn counters(&self) -> Counters {
        self.shared.counting.read()
    }

    /// Whether it is ejected.
    pub(crate) fn is_down(&self) -> bool {
        self.shared.health().is_ejected()
    }

    /// How many requests wait.
    pub(crate) fn waiting(&self) -> usize {
        self.shared.lanes.iter().map(|lane| lane.waiting()).sum()
    }

    /// Waits until the first connection is made, or the server turns out to be down.
    pub(crate) async fn connect(&self) -> Result<(), Error> {
        Ready::new(&self.shared.lanes[0]).await
    }

    /// Asks the server. Small requests all take the first connection, since the more go together, the less each costs;
    /// bulky ones the least busy.
    #[inline]
    pub(crate) fn ask<R: Request>(&self, request: R) -> Exchange<'_, R> {
        let lanes = &self.shared.lanes;
        let lane = if lanes.len() > 1 && request.is_bulky() { self.least_busy() } else { 0 };
        Exchange::new(lanes, lane, request)
    }

    #[cold]
    fn least_busy(&self) -> usize {
        // Of equally busy ones the first, so that no connection is made before all others are in use.
        let lanes = self.shared.lanes.iter().enumerate();
        lanes.min_by_key(|(_, lane)| lane.load()).map_or(0, |(at, _)| at)
    }

    /// Asks about a key, and gives the caller's answer.
    #[inline]
    pub(crate) async fn answer<O: Operation>(&self, operation: O) -> Result<O::Answer, Error> {
        let answer = self.ask(operation).await?;
        operation.decode(answer, self)
    }

    /// What is put before every key.
    pub(crate) fn prefix(&self) -> &[u8] {
        &self.shared.lanes[0].config.prefix
    }

    /// A reply was no answer to its request after all, which only the caller could see.
    pub(crate) fn misbehaved(&self, how: crate::error::Misbehaviour) -> Error {
        // On which connection is no longer known, so that none of them is trusted.
        self.shared.fail(&self.shared.lanes, None, Failure::Garbage, Down::Misbehaved(how));
        Error::PeerMisbehaved { endpoint: self.endpoint().clone(), source: how }
    }

    /// An item that is there, and too long for this client.
    pub(crate) fn too_long(&self, bytes: u64) -> Error {
        let bytes_max = self.shared.lanes[0].config.limits.value_bytes_max;
        Error::ItemTooLong { endpoint: self.endpoint().clone(), bytes, bytes_max }
    }

    /// An answer of the server that is an error.
    pub(crate) fn refused(&self, text: String) -> Error {
        Error::Refused { endpoint: self.endpoint().clone(), text: text.into() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.keepers.iter().for_each(AbortHandle::abort);
        // Not left to the keepers, whose end takes as long as their runtime likes.
        self.shared.lanes.iter().for_each(|lane| lane.give_up());
    }
}

/// No connection could be made where another lane has one.
struct Aside(Failure);

/// A lane that has a keeper. Without one nobody would ever answer its callers, so it is given up with its keeper: aborted,
/// panicked, or gone with its runtime, even before it began.
struct Kept(Arc<Lane>);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

impl Shared {
    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connects a lane when that is wanted, and probes while the server is down. Never ends; it is aborted.
    async fn keep(self: Arc<Self>, kept: Kept) {
        let lane = &kept.0;
        let mut down = self.down.subscribe();
        let mut own = Health::new(lane.config.health.clone(), fastrand::u64(..));
        let is_first = Arc::ptr_eq(lane, &self.lanes[0]);
        let mut dialler = Dialler::default();
        loop {
            let is_down = down.borrow_and_update().is_some();
            // One of them probes, so that there is one probe at a time however long it takes.
            let rests = if is_down { !is_first } else { !lane.is_wanted() };
            if rests {
                tokio::select! {
                    () = lane.wanted.notified() => {}
                    _ = down.changed() => {}
                }
                continue;
            }
            let admission = self.health().admits(Instant::now().into_std());
            match admission {
                Admission::Refuse { until } => {
                    let wait = tokio::time::sleep_until(Instant::from_std(until));
                    tokio::select! {
                        () = wait => {}
                        _ = down.changed() => {}
                    }
                }
                Admission::Ask | Admission::Probe => {
                    let connected = self.connect(lane, &mut dialler, admission == Admission::Probe).await;
                    let now = Instant::now().into_std();
                    own.admits(now); // the dial was its probe, if it was down
                    if let Err(Aside(failure)) = connected {
                        own.failed(failure, now);
                        let until = Instant::from_std(own.ejected_until().unwrap_or(now));
                        tokio::select! {
                            () = tokio::time::sleep_until(until) => {}
                            _ = down.changed() => {}
                        }
                        lane.step_back();
                    } else {
                        own.probed();
                        own.succeeded();
                    }
                }
            }
        }
    }

    /// One connection from its beginning to its end. Without one the server is down, unless another lane has one: a server
    /// that takes no more connections is not ejected for that, and the lane stands aside.
    async fn connect(
        self: &Arc<Self>,
        lane: &Arc<Lane>,
        dialler: &mut Dialler,
        probe: bool,
    ) -> Result<(), Aside> {
        match dialler.dial(&lane.endpoint, &lane.config).instrument(self.span.clone()).await {
            Ok(dialled) => {
                add(&self.counting.connections, 1);
                let Dialect { version, meta, .. } = &dialled.dialect;
                self.span.in_scope(|| tracing::debug!(version, meta, "connected"));
                if probe {
                    self.back();
                }
                let Some(epoch) = lane.open(dialled.link()) else { return Ok(()) };
                let shared = self.clone();
                let driver = Driver::new(lane.clone(), epoch, dialled, move || shared.replied());
                let ending = driver.await;
                self.span.in_scope(|| tracing::debug!(?ending, "closed"));
                self.end(lane, epoch, ending);
            }
            Err(cause) => {
                add(&self.counting.connect_failures, 1);
                self.span.in_scope(|| tracing::debug!(%cause, "not connected"));
                if let Some(other) = self.lanes.iter().position(|other| other.is_open()) {
                    lane.step_aside(other);
                    return Err(Aside(cause.failure()));
                }
                self.fail(std::slice::from_ref(lane), None, cause.failure(), cause);
            }
        }
        Ok(())
    }

    /// Tells everybody who waits how a connection ended, unless somebody else has closed it before.
    fn end(&self, lane: &Arc<Lane>, epoch: u64, ending: Ending) {
        let endpoint = lane.endpoint.clone();
        match ending {
            // Requests that came in just now are parked no more, and try again.
            Ending::Quiet => {
                add(&self.counting.lost, lane.close(Some(epoch), &Error::Lost { endpoint }, None));
            }
            Ending::Failed(failure, cause) => {
                self.fail(std::slice::from_ref(lane), Some(epoch), failure, cause);
            }
        }
    }

    /// Something went wrong, once, and these lanes' connections are of no use; with an epoch, only if that connection is
    /// there still.
    fn fail(&self, lanes: &[Arc<Lane>], epoch: Option<u64>, failure: Failure, cause: Down) {
        // All of it under this lock, so that what lanes know is never older than the health of their server.
        let mut health = self.health();
        if epoch.is_some_and(|epoch| !lanes.iter().all(|lane| lane.is_at(epoch))) {
            return;
        }
        let was = health.is_ejected();
        health.failed(failure, Instant::now().into_std());
        self.unforgiven.store(true, Ordering::Relaxed);
        let is = health.is_ejected();
        self.counting.ejections.store(health.ejections(), Ordering::Relaxed);
        let endpoint = self.lanes[0].endpoint.clone();
        let (error, counter) = match &cause {
            Down::Timeout(limit) => (Error::Timeout { endpoint, limit: *limit }, &self.counting.timeouts),
            Down::Misbehaved(source) => {
                (Error::PeerMisbehaved { endpoint, source: *source }, &self.counting.misbehaved)
            }
            _ => (Error::Lost { endpoint }, &self.counting.lost),
        };
        if !is {
            lanes.iter().for_each(|lane| add(counter, lane.close(None, &error, None)));
            return;
        }
        if !was {
            self.span.in_scope(|| tracing::warn!(%cause, "server is down"));
        }
        // One connection that hangs is known to all: the others are not left to find out for themselves.
        self.lanes.iter().for_each(|lane| add(counter, lane.close(None, &error, Some(cause.clone()))));
        self.down.send_replace(Some(cause));
    }

    /// A request was replied to, on whichever connection.
    fn replied(&self) {
        if self.unforgiven.load(Ordering::Relaxed) {
            let mut health = self.health();
            health.succeeded();
            // An ejected server is not forgiven by the late reply to an old request.
            self.unforgiven.store(health.is_ejected(), Ordering::Relaxed);
        }
    }

    /// A probe succeeded.
    fn back(&self) {
        let mut health = self.health();
        health.probed();
        self.span.in_scope(|| tracing::info!("server is back"));
        self.down.send_replace(None);
        self.lanes.iter().for_each(|lane| lane.idle());
    }
}

/// How long a server may take at most until it is known whether it can be used.
pub(crate) fn settle_time(config: &ServerConfig) -> Duration {
    config.connect_timeout.saturating_add(Duration::from_millis(100))
}

/// What a caller hears of an answer that is no answer to its question. The reader has checked the kind, so this is only
/// an error line, a value that is too long, or a mistake of ours.
pub(crate) fn unexpected(server: &Server, answer: Answer) -> Error {
    match answer {
        Answer::Refused(text) => server.refused(text),
        Answer::TooLong(bytes) => server.too_long(bytes),
        other => {
            debug_assert!(false, "{other:?} passed the reader");
            server.misbehaved(crate::error::Misbehaviour::Kind)
        }
    }
}
