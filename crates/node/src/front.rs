//! The front: listeners, connections and the turn every ready connection gets, whatever is spoken on it.
//!
//! One thread accepts and hands each connection to the worker that has fewest, among as many as the load needs
//! (`staffing`). A worker owns its connections, one
//! poller and two buffers; it takes every socket the poller reports, reads once, lets the [`Service`] answer all
//! requests that arrived, and writes once. So a pipelined batch costs one read and one write however many requests it
//! holds, an idle connection owns no buffer at all, and whole requests are answered without a copy or an allocation.
//!
//! Why not a task for each connection: waking a task costs about as much as answering a request. Why one acceptor and
//! not a listening socket for each worker: the kernel spreads few connections unevenly, and one place that counts keeps
//! `max_conns` exact.
//!
//! - **Bounds**: connections by [`Config::max_conns`]; unsent output of one connection by [`OUTPUT_HIGH`] plus one
//!   reply (then its input is no longer read, and after [`Config::stall_timeout`] without progress it is closed);
//!   unparsed input by what the service says it needs. What exceeds a worker's own buffers is asked of
//!   [`Service::reserve`] first.
//! - **Draining**: listeners close, what has arrived is answered and sent, idle connections close, what they asked for
//!   without waiting for it is done, and after [`DRAIN_LIMIT`] the rest is given up.

mod acceptor;
mod address;
mod budget;
mod buffers;
mod connection;
mod counters;
mod sharing;
mod staffing;
mod stream;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mio::Registry;
use tokio::sync::Notify;

pub(crate) use address::{BoundListener, ListenAddress, keep_alive, listen_tcp};
pub(crate) use budget::{Budget, Share};
pub(crate) use counters::{Counter, FrontCounters, WorkerCounters};
pub(crate) use stream::Stream;

/// A reply batch past this many bytes is sent before more requests are answered.
pub(crate) const OUTPUT_HIGH: usize = 128 * 1024;

/// How long draining waits for requests that have arrived in part and replies that are not read.
pub(crate) const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// The time, read once a turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// For time-outs.
    pub(crate) instant: Instant,
    /// In unix seconds, for what expires.
    pub(crate) unix: u32,
}

impl Now {
    /// Reads the clocks.
    pub(crate) fn read() -> Now {
        Now { instant: Instant::now(), unix: unix_now() }
    }
}

/// A connection of a worker, for as long as the worker has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Client(usize);

#[cfg(test)]
impl Client {
    /// One for tests.
    pub(crate) fn numbered(number: usize) -> Client {
        Client(number)
    }
}

/// Tokens from here on are a service's own; those below are its worker's connections.
pub(crate) const TOKENS_OWN: usize = 1 << 32;

/// Unix time in whole seconds.
pub(crate) fn unix_now() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // The last second is left out: the store takes it for "never".
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX).min(u32::MAX - 1)
}

/// What is spoken on the connections of one worker.
///
/// One that knows every answer appends it in [`process`](Service::process). One that has to ask others gets the poller by
/// [`attach`](Service::attach), is told what became ready, and names the connections that have replies at the
/// [end of the turn](Service::end_turn); until then it [owes](Service::owes) them.
pub(crate) trait Service: Send + 'static {
    /// What one connection remembers between requests.
    type Session: Send;
    /// Holds bytes of the memory budget until it is dropped.
    type Reservation: Send;

    /// A connection was accepted.
    fn open(&mut self, local: Option<SocketAddr>) -> Self::Session;

    /// Answers the requests at the front of `input` by appending to `output`, in order, until one is incomplete or
    /// `output` exceeds [`OUTPUT_HIGH`].
    fn process(
        &mut self,
        client: Client,
        session: &mut Self::Session,
        input: &[u8],
        output: &mut Vec<u8>,
        now: Now,
    ) -> Turn;

    /// Asks for memory for what one connection keeps. None, for [`Purpose::Request`] only, means that the budget is spent
    /// just now; replies exist already, and are kept from becoming too many by [`Next::Wait`].
    fn reserve(&mut self, purpose: Purpose, bytes: usize, now: u32) -> Option<Self::Reservation>;

    /// Whether memory for this purpose is nearly spent, so that who holds it and does nothing has to go sooner.
    fn is_scarce(&self, purpose: Purpose) -> bool;

    /// The poller of its worker, for sockets of its own under tokens from [`TOKENS_OWN`] on.
    fn attach(&mut self, _registry: Registry) {}

    /// Somebody woke the workers: see what is new.
    fn woken(&mut self, _now: Now) {}

    /// Something happened to the socket it registered under this token. That its input has ended, perhaps behind bytes
    /// that are still to be read, is told once.
    fn ready(&mut self, _token: usize, _read_closed: bool, _now: Now) {}

    /// Everything that was ready had its turn: whatever was gathered for other sockets is sent now. Adds the connections
    /// for which replies have come, and those that it held and that can go on.
    fn end_turn(&mut self, _now: Now, _answered: &mut Vec<Client>) {}

    /// Appends the replies that have come for a connection.
    fn collect(&mut self, _session: &mut Self::Session, _output: &mut Vec<u8>) {}

    /// Whether replies to this connection are still to come, or to be collected.
    fn owes(&self, _session: &Self::Session) -> bool {
        false
    }

    /// Whether something that connections asked for is still under way, though they may not wait for it.
    fn is_busy(&self) -> bool {
        false
    }

    /// How long the worker may sleep if nothing happens.
    fn patience(&self) -> Option<Duration> {
        None
    }

    /// A connection is gone.
    fn close(&mut self, _session: Self::Session) {}
}

/// What a connection keeps bytes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The bytes of a large request that are still to come.
    Request,
    /// Bytes of a request that have been read already: they cannot be denied a place, only be kept few.
    Arrived,
    /// Replies that the peer does not take.
    Replies,
}

/// What became of the input a service was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Bytes at the front of the input that are dealt with.
    pub(crate) consumed: usize,
    /// What the service wants next.
    pub(crate) next: Next,
}

/// How a connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The rest of the input is an incomplete request: show it again once `bytes_min` more have arrived.
    Read { bytes_min: usize },
    /// Requests remain, but the output should be sent first.
    Flush,
    /// Requests remain that must wait until there is memory for their replies.
    Wait,
    /// Requests remain that must wait until the service names the connection: until some of the replies that are owed have
    /// come, or until it can go on otherwise.
    Hold,
    /// Send the output and what is owed, and close.
    Close,
}

/// Settings of the front. Checked where the command line is read.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// Worker threads.
    pub(crate) threads: usize,
    /// Whether fewer of them serve while the load is light or the machine has no core for them.
    pub(crate) elastic: bool,
    /// Connections at one time; a further one is told so and closed.
    pub(crate) max_conns: usize,
    /// A connection on which nothing moves for so long is closed; none means never.
    pub(crate) idle_timeout: Option<Duration>,
    /// A connection that takes none of its replies for so long is closed.
    pub(crate) stall_timeout: Duration,
}

/// Running threads and the way to stop them.
pub(crate) struct Front {
    stop: Arc<Stop>,
    #[cfg(test)]
    staff: Arc<staffing::Staff>,
    threads: Vec<JoinHandle<()>>,
}

/// Tells the acceptor and every worker to drain, and everybody else if one of them ends before.
struct Stop {
    draining: AtomicBool,
    /// Threads that are handing connections to others.
    handing_over: AtomicUsize,
    failed: Notify,
    wakers: Vec<Arc<mio::Waker>>,
}

impl Front {
    /// Starts the acceptor and the workers; `service` makes what each worker speaks, given its number.
    pub(crate) fn start<S: Service>(
        config: &Config,
        listeners: Vec<BoundListener>,
        counters: &Arc<FrontCounters>,
        mut service: impl FnMut(usize) -> S,
    ) -> io::Result<Front> {
        let staffing = staffing::Staffing::new(config, counters.clone());
        let mut workers = Vec::new();
        let mut inboxes = Vec::new();
        for number in 0..config.threads {
            let staff = staffing.staff();
            let (worker, inbox) =
                worker::Worker::new(number, config, counters.clone(), staff, service(number))?;
            workers.push(worker);
            inboxes.push(inbox);
        }
        let inboxes: Arc<[_]> = inboxes.into();
        #[cfg(test)]
        let staff = staffing.staff();
        let acceptor =
            acceptor::Acceptor::new(config, listeners, inboxes.clone(), staffing, counters.clone())?;

        let mut wakers = vec![acceptor.waker()];
        wakers.extend(workers.iter().map(worker::Worker::waker));
        let stop = Arc::new(Stop {
            draining: AtomicBool::new(false),
            handing_over: AtomicUsize::new(0),
            failed: Notify::new(),
            wakers,
        });

        let mut threads = Vec::new();
        for worker in workers {
            let inboxes = inboxes.clone();
            let name = format!("worker-{}", worker.number());
            threads.push(stop.spawn(name, move |stop| worker.run(stop, &inboxes))?);
        }
        threads.push(stop.spawn("acceptor".to_owned(), move |stop| acceptor.run(stop))?);
        Ok(Front {
            stop,
            #[cfg(test)]
            staff,
            threads,
        })
    }

    /// Returns if a thread of the front ends although nobody asked for it: connections are lost then, and more will be.
    ///
    /// # Cancel safety
    /// Safe: a failure is kept until it is heard.
    pub(crate) async fn failed(&self) {
        self.stop.failed.notified().await;
    }

    /// Interrupts every worker, so that its service looks for what is new.
    pub(crate) fn wake(&self) {
        self.stop.wake_all();
    }

    /// Drains and returns when every connection is closed.
    pub(crate) fn drain(self) {
        self.stop.draining.store(true, Ordering::SeqCst);
        self.stop.wake_all();
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the front panicked");
            }
        }
    }
}

impl Stop {
    /// Starts a thread whose end, by a panic too, is reported unless it was asked for.
    fn spawn(
        self: &Arc<Stop>,
        name: String,
        run: impl FnOnce(&Stop) + Send + 'static,
    ) -> io::Result<JoinHandle<()>> {
        struct Report(Arc<Stop>);
        impl Drop for Report {
            fn drop(&mut self) {
                if !self.0.draining() {
                    self.0.failed.notify_one();
                }
            }
        }
        let report = Report(self.clone());
        std::thread::Builder::new().name(name).spawn(move || run(&report.0))
    }

    fn wake_all(&self) {
        for waker in &self.wakers {
            if let Err(error) = waker.wake() {
                tracing::error!(%error, "a thread of the front could not be woken");
            }
        }
    }

    fn draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// To be held while connections are handed over. None once all drain: a worker that has ended takes no more.
    fn hand_over(&self) -> Option<HandingOver<'_>> {
        // Counted before looking, so that who drains sees the one or is seen by the other.
        self.handing_over.fetch_add(1, Ordering::SeqCst);
        let handing_over = HandingOver(self);
        (!self.draining()).then_some(handing_over)
    }

    /// Whether what is in the inboxes of those who drain is all that will ever be.
    fn all_handed_over(&self) -> bool {
        self.handing_over.load(Ordering::SeqCst) == 0
    }
}

struct HandingOver<'s>(&'s Stop);

impl Drop for HandingOver<'_> {
    fn drop(&mut self) {
        self.0.handing_over.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests;
