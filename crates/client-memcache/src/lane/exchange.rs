//! The caller's side of a request: a future that sends it and waits for the answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::time::Instant;

use super::slots::Found;
use super::socket::Writer;
use super::{Answer, Desk, Encoder, Expect, Lane, Phase, Queued, Request};
use crate::counters::add;
use crate::error::Error;

/// Sends a request and gives its answer.
///
/// - **Cost**: the lock twice, no allocation; a lone caller also makes the system call.
///
/// # Cancel safety
/// Dropped before the first poll it has done nothing. Dropped later, the request may be executed, and its slot stays
/// behind to swallow the reply.
#[derive(Debug)]
#[must_use = "nothing is sent before it is polled"]
pub(crate) struct Exchange<'l, R> {
    /// Those of the server, and on which this request goes.
    lanes: &'l [Arc<Lane>],
    lane: &'l Lane,
    request: R,
    stage: Stage,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Fresh,
    /// Waits for a connection.
    Parked(usize),
    /// Waits for the reply.
    Sent(usize),
    Over,
}

/// What is to be done after the lock is released.
enum Then {
    /// The driver, if it sleeps.
    Wake(Option<Waker>),
    Write(Direct),
}

/// Requests that a lone caller writes itself.
struct Direct {
    writer: Arc<Writer>,
    bytes: Vec<u8>,
    epoch: u64,
    /// Also to be woken, to set its timer.
    driver: Option<Waker>,
}

impl<'l, R> Exchange<'l, R> {
    pub(crate) fn new(lanes: &'l [Arc<Lane>], which: usize, request: R) -> Exchange<'l, R> {
        Exchange { lanes, lane: &lanes[which], request, stage: Stage::Fresh }
    }
}

// No field is ever pinned.
impl<R> Unpin for Exchange<'_, R> {}

impl<R: Request> Future for Exchange<'_, R> {
    type Output = Result<Answer, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let mut desk = this.lane.desk();
        if let Stage::Sent(slot) | Stage::Parked(slot) = this.stage {
            match desk.slots.look(slot, cx.waker()) {
                Found::Answered(answer) => {
                    this.stage = Stage::Over;
                    return Poll::Ready(answer);
                }
                Found::Sent => return Poll::Pending,
                Found::Parked => {}
            }
        }
        let parked = match this.stage {
            Stage::Parked(slot) => Some(slot),
            Stage::Fresh => None,
            Stage::Sent(_) | Stage::Over => return Poll::Pending,
        };
        let sent = match &desk.phase {
            Phase::Open(_) => this.lane.send(&mut desk, &this.request, parked, cx.waker()),
            Phase::Idle | Phase::Connecting => match this.lane.park(&mut desk, parked, cx.waker()) {
                Ok(slot) => {
                    this.stage = Stage::Parked(slot);
                    return Poll::Pending;
                }
                Err(error) => Err(error),
            },
            Phase::Aside(other) => {
                let other = *other;
                if let Some(slot) = parked {
                    desk.slots.unpark(slot);
                }
                drop(desk);
                (this.lane, this.stage) = (&this.lanes[other], Stage::Fresh);
                // Not for ever: who stands aside does so for a lane that had a connection then, and so on to one that has.
                return Pin::new(this).poll(cx);
            }
            Phase::Down(cause) => {
                add(&this.lane.counting.refused, 1);
                Err(this.lane.down(cause))
            }
        };
        match sent {
            Ok((slot, then)) => {
                drop(desk);
                this.stage = Stage::Sent(slot);
                this.lane.finish(then);
                Poll::Pending
            }
            Err(error) => {
                if let Some(slot) = parked {
                    desk.slots.unpark(slot);
                }
                this.stage = Stage::Over;
                Poll::Ready(Err(error))
            }
        }
    }
}

impl<R> Drop for Exchange<'_, R> {
    fn drop(&mut self) {
        if let Stage::Parked(slot) | Stage::Sent(slot) = self.stage {
            self.lane.desk().slots.abandon(slot);
        }
    }
}

impl Lane {
    /// Waits for a connection to be made, if there is none.
    fn park(&self, desk: &mut Desk, parked: Option<usize>, waker: &Waker) -> Result<usize, Error> {
        let slot = match parked {
            Some(slot) => slot,
            None => {
                self.room(desk)?;
                desk.slots.park(waker.clone())
            }
        };
        if matches!(desk.phase, Phase::Idle) {
            desk.phase = Phase::Connecting;
            self.wanted.notify_one();
        }
        Ok(slot)
    }

    /// Puts a request into the outbox.
    fn send(
        &self,
        desk: &mut Desk,
        request: &impl Request,
        parked: Option<usize>,
        waker: &Waker,
    ) -> Result<(usize, Then), Error> {
        let Phase::Open(link) = &desk.phase else { unreachable!("asked for by those who saw it open") };
        if parked.is_none() {
            self.room(desk)?;
        }
        let start = desk.outbox.len();
        if start > 0 && start + request.bytes() > self.config.queue_bytes_max {
            return Err(self.overloaded(desk));
        }
        let mut encoder = Encoder {
            out: &mut desk.outbox,
            meta: link.meta,
            prefix: &self.config.prefix,
            endpoint: &self.endpoint,
            value_bytes_max: self.config.limits.value_bytes_max,
        };
        let expect: Expect = match request.encode(&mut encoder) {
            Ok(expect) => expect,
            Err(error) => {
                desk.outbox.truncate(start);
                return Err(error);
            }
        };
        let slot = match parked {
            Some(slot) => {
                desk.slots.send_parked(slot, waker.clone());
                slot
            }
            None => desk.slots.send(waker.clone()),
        };
        desk.queued.push(Queued { slot, expect });
        Ok((slot, desk.hand_on()))
    }

    fn room(&self, desk: &Desk) -> Result<(), Error> {
        if desk.slots.len() < self.config.queue_requests_max { Ok(()) } else { Err(self.overloaded(desk)) }
    }

    fn overloaded(&self, desk: &Desk) -> Error {
        add(&self.counting.overloaded, 1);
        Error::Overloaded { endpoint: self.endpoint.clone(), requests: desk.slots.len() }
    }

    fn finish(&self, then: Then) {
        match then {
            Then::Wake(None) => {}
            Then::Wake(Some(driver)) => driver.wake(),
            Then::Write(direct) => self.write(direct),
        }
    }

    /// Writes outside the lock what only this caller may write, and leaves to the driver what does not go at once.
    fn write(&self, Direct { writer, mut bytes, epoch, mut driver }: Direct) {
        // An error shows again where the driver reads, and is dealt with there.
        let written = writer.try_write(&bytes).unwrap_or(0);
        add(&self.counting.writes, 1);
        add(&self.counting.bytes_written, written);
        {
            let mut desk = self.desk();
            if desk.epoch != epoch {
                return;
            }
            desk.writing = false;
            bytes.drain(..written);
            if bytes.is_empty() && desk.outbox.is_empty() {
                desk.outbox = bytes;
            } else {
                bytes.append(&mut desk.outbox);
                desk.outbox = bytes;
                driver = driver.or_else(|| desk.driver.take());
            }
        }
        if let Some(driver) = driver {
            driver.wake();
        }
    }
}

impl Desk {
    /// Who writes what is in the outbox: as a rule the driver, which is woken if it sleeps. A caller who is alone writes
    /// itself, which spares waking a task before the request even leaves.
    fn hand_on(&mut self) -> Then {
        let alone = self.crowd <= 1 && self.slots.len() == 1 && self.driver.is_some();
        let alone = alone && !self.writing && !self.unwritten;
        let Phase::Open(super::Link { direct: Some(writer), .. }) = &self.phase else {
            return Then::Wake(self.driver.take());
        };
        if !alone {
            return Then::Wake(self.driver.take());
        }
        self.writing = true;
        self.written_at = Some(Instant::now());
        let bytes = std::mem::take(&mut self.outbox);
        let driver = if self.timer { None } else { self.driver.take() };
        Then::Write(Direct { writer: writer.clone(), bytes, epoch: self.epoch, driver })
    }
}

/// Waits until a lane has a connection, or is down.
#[derive(Debug)]
pub(crate) struct Ready<'l> {
    lane: &'l Lane,
    slot: Option<usize>,
}

impl<'l> Ready<'l> {
    pub(crate) fn new(lane: &'l Lane) -> Ready<'l> {
        Ready { lane, slot: None }
    }
}

impl Future for Ready<'_> {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let mut desk = this.lane.desk();
        if let Some(slot) = this.slot
            && let Found::Answered(answer) = desk.slots.look(slot, cx.waker())
        {
            this.slot = None;
            return Poll::Ready(answer.map(|_| ()));
        }
        let done = match &desk.phase {
            Phase::Open(_) | Phase::Aside(_) => Ok(()),
            Phase::Down(cause) => Err(this.lane.down(cause)),
            Phase::Idle | Phase::Connecting => match this.lane.park(&mut desk, this.slot, cx.waker()) {
                Ok(slot) => {
                    this.slot = Some(slot);
                    return Poll::Pending;
                }
                Err(error) => Err(error),
            },
        };
        if let Some(slot) = this.slot.take() {
            desk.slots.unpark(slot);
        }
        Poll::Ready(done)
    }
}

impl Drop for Ready<'_> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            self.lane.desk().slots.abandon(slot);
        }
    }
}
