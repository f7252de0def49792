//! One connection's worth of a server: what callers and the task that drives the connection share.
//!
//! ```text
//!  callers ──► outbox (bytes) ──► driver ──► one write      Callers append under a short lock, and wake the driver
//!              queued (slots)     │                         only if it sleeps: many requests, one write.
//!                                 ▼
//!  callers ◄── slots (answers) ◄── flight ◄── one read      Replies come in the order of the requests, so each belongs
//!                                                           to the first slot in flight.
//! ```
//!
//! A slot belongs to its request until the reply is there. A caller who goes away leaves it abandoned, to swallow the
//! reply; nothing a caller does or leaves undone moves a reply to another one.
//!
//! All that is shared is behind one lock. Whatever runs at the same time is therefore some sequence of what is done under
//! it, and the tests play such sequences: all short ones of two callers, long ones at random, and a caller going at every
//! point of an exchange whose bytes come and go one by one.
//!
//! A lane outlives its connections. Between them callers are parked, or refused while the server is down.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use peerset_cluster::Endpoint;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::ServerConfig;
use crate::counters::{Counting, add};
use crate::error::{Down, Error};

mod answer;
mod dial;
mod driver;
mod encoder;
mod exchange;
mod slots;
mod socket;

pub(crate) use answer::{Answer, Expect, Found, Item, Status};
pub(crate) use dial::{Dialled, Dialler};
pub(crate) use driver::{Driver, Ending};
pub(crate) use encoder::{Encoder, Life, Request};
pub(crate) use exchange::{Exchange, Ready};
use slots::Slots;
use socket::Writer;

/// See the module.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) endpoint: Endpoint,
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) counting: Arc<Counting>,
    /// Rung when a caller wants a connection and there is none.
    pub(crate) wanted: Notify,
    desk: Mutex<Desk>,
}

/// What is behind the lock.
#[derive(Debug)]
struct Desk {
    phase: Phase,
    /// Counts connections, so that who began something on one notices that it is gone.
    epoch: u64,
    slots: Slots,
    /// Requests that nobody has begun to write.
    outbox: Vec<u8>,
    /// Whose they are, and those that a caller wrote itself; the driver has not seen them yet.
    queued: Vec<Queued>,
    /// When a caller wrote the first of them itself.
    written_at: Option<Instant>,
    /// The driver, if it sleeps and is to be woken for new requests.
    driver: Option<Waker>,
    /// A caller is writing, outside the lock; until it is done nobody else may.
    writing: bool,
    /// The driver has output of which it does not know yet whether all is written; until then no caller may write.
    unwritten: bool,
    /// Whether the driver will wake up by itself to see whether a request timed out.
    timer: bool,
    /// How many replies came together last: whether callers are many, or one.
    crowd: usize,
}

#[derive(Debug)]
enum Phase {
    /// No connection, and none wanted.
    Idle,
    /// Wanted.
    Connecting,
    Open(Link),
    /// No connection can be made for now, while the lane of this number has one: callers go there.
    Aside(usize),
    Down(Down),
}

/// What callers need to know of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    /// Meta commands are known.
    pub(crate) meta: bool,
    /// Where a lone caller may write itself; not under TLS, whose state is the driver's.
    direct: Option<Arc<Writer>>,
}

/// A request on its way.
#[derive(Debug, Clone, Copy)]
struct Queued {
    slot: usize,
    expect: Expect,
}

impl Lane {
    pub(crate) fn new(endpoint: Endpoint, config: Arc<ServerConfig>, counting: Arc<Counting>) -> Lane {
        let desk = Desk {
            phase: Phase::Idle,
            epoch: 0,
            slots: Slots::default(),
            outbox: Vec::new(),
            queued: Vec::new(),
            written_at: None,
            driver: None,
            writing: false,
            unwritten: false,
            timer: false,
            crowd: 0,
        };
        Lane { endpoint, config, counting, wanted: Notify::new(), desk: Mutex::new(desk) }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        // Nothing under the lock can panic half-way through a change.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection is there: parked callers send now. Gives its epoch; none if the server went down meanwhile, which an
    /// answered handshake does not outweigh.
    pub(crate) fn open(&self, link: Link) -> Option<u64> {
        let mut wakers = Vec::new();
        let epoch = {
            let mut desk = self.desk();
            if matches!(desk.phase, Phase::Down(_)) {
                return None;
            }
            desk.phase = Phase::Open(link);
            desk.crowd = desk.slots.len();
            desk.slots.wake_parked(&mut wakers);
            desk.epoch
        };
        wakers.into_iter().for_each(Waker::wake);
        Some(epoch)
    }

    /// Whether nobody has closed the connection of this epoch.
    pub(crate) fn is_at(&self, epoch: u64) -> bool {
        self.desk().epoch == epoch
    }

    /// There is no connection any more, and how many requests were lost with it. With `down`, callers are refused until a
    /// later [`idle`](Self::idle). With an epoch, only if that connection is there still.
    pub(crate) fn close(&self, epoch: Option<u64>, error: &Error, down: Option<Down>) -> usize {
        let mut wakers = Vec::new();
        let failed = {
            let mut desk = self.desk();
            if epoch.is_some_and(|epoch| epoch != desk.epoch) {
                return 0;
            }
            desk.epoch += 1;
            add(&self.counting.requests, desk.queued.len());
            desk.queued.clear();
            desk.outbox = Vec::new();
            (desk.written_at, desk.writing, desk.unwritten) = (None, false, false);
            (desk.timer, desk.crowd) = (false, 0);
            wakers.extend(desk.driver.take());
            let failed = desk.slots.fail_sent(error, &mut wakers);
            let Desk { phase, slots, .. } = &mut *desk;
            match down {
                _ if matches!(phase, Phase::Down(Down::Dropped)) => {}
                Some(cause) => {
                    slots.fail_parked(&self.down(&cause), &mut wakers);
                    *phase = Phase::Down(cause);
                }
                // Down already, by what happened on another connection.
                None if matches!(phase, Phase::Down(_)) => {}
                None => {
                    *phase = Phase::Idle;
                    slots.wake_parked(&mut wakers);
                }
            }
            failed
        };
        wakers.into_iter().for_each(Waker::wake);
        failed
    }

    /// No connection could be made, but another lane has one: sends callers there until
    /// [`step_back`](Self::step_back).
    pub(crate) fn step_aside(&self, other: usize) {
        let mut wakers = Vec::new();
        {
            let mut desk = self.desk();
            if matches!(desk.phase, Phase::Idle | Phase::Connecting) {
                desk.phase = Phase::Aside(other);
                desk.slots.wake_parked(&mut wakers);
            }
        }
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Ends what [`step_aside`](Self::step_aside) began.
    pub(crate) fn step_back(&self) {
        let mut desk = self.desk();
        if matches!(desk.phase, Phase::Aside(_)) {
            desk.phase = Phase::Idle;
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.desk().phase, Phase::Open(_))
    }

    /// The server is no longer down; connections are made when wanted.
    pub(crate) fn idle(&self) {
        let mut desk = self.desk();
        if matches!(&desk.phase, Phase::Down(cause) if !matches!(cause, Down::Dropped)) {
            desk.phase = Phase::Idle;
        }
    }

    /// Nobody will make connections any more.
    pub(crate) fn give_up(&self) {
        let lost = Error::Lost { endpoint: self.endpoint.clone() };
        self.close(None, &lost, Some(Down::Dropped));
    }

    /// Whether callers wait for a connection.
    pub(crate) fn is_wanted(&self) -> bool {
        matches!(self.desk().phase, Phase::Connecting)
    }

    /// How many requests wait for a reply or a connection.
    pub(crate) fn waiting(&self) -> usize {
        self.desk().slots.len()
    }

    /// The less, the better for one more request.
    pub(crate) fn load(&self) -> usize {
        let desk = self.desk();
        if matches!(desk.phase, Phase::Aside(_)) { usize::MAX } else { desk.slots.len() }
    }

    fn down(&self, cause: &Down) -> Error {
        Error::ServerDown { endpoint: self.endpoint.clone(), cause: cause.clone() }
    }
}

#[cfg(test)]
mod tests;
