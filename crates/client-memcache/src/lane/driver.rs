//! Drives one connection: writes what callers have put into the outbox, reads replies, hands them over in order.

use std::collections::VecDeque;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::BytesMut;
use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep};

use super::answer::Reader;
use super::socket::Stream;
use super::{Answer, Desk, Dialled, Expect, Lane};
use crate::counters::add;
use crate::error::{Down, Misbehaviour};
use crate::health::Failure;

/// A future that ends with its connection.
///
/// One turn takes all replies that are there in one read, wakes their callers, and writes all requests that are there in
/// one write. Between turns it sleeps; new requests wake it, replies, and the clock.
pub(crate) struct Driver {
    lane: Arc<Lane>,
    /// Of its connection. Once the lane has gone on to another, nothing on the desk is this driver's any more.
    epoch: u64,
    stream: Stream,
    /// Requests being written, and how much of them is.
    output: Vec<u8>,
    written: usize,
    /// Whether TLS may hold something back.
    unflushed: bool,
    input: BytesMut,
    /// No reply before the input is this long.
    input_bytes_min: usize,
    reader: Reader,
    /// Requests written or being written, in order, each with when.
    flight: VecDeque<Flight>,
    /// Replies read but not yet handed over, and whom to wake for them. Empty between turns; kept for their memory.
    answers: Vec<(usize, Answer)>,
    wakers: Vec<Waker>,
    timer: Pin<Box<Sleep>>,
    timer_set: bool,
    /// Has given other callers a turn to join the next write.
    waited: bool,
    /// Has heard a reply on this connection.
    heard: bool,
    /// When bytes last came while something was in flight, or last went after they had to wait.
    moved: Option<Instant>,
    /// The socket took no more when it was last written to.
    blocked: bool,
    on_reply: Box<dyn FnMut() + Send>,
}

struct Flight {
    slot: usize,
    expect: Expect,
    at: Instant,
}

/// How a connection ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The server closed it while nobody wanted anything of it, or this side did: nobody's fault.
    Quiet,
    /// The server's fault.
    Failed(Failure, Down),
}

/// What there is to write.
enum Collected {
    Output,
    Nothing,
}

/// What is read at once, at most: the replies to some hundreds of small requests.
const READ_BYTES: usize = 64 * 1024;

/// Output memory that is kept between turns.
const KEPT_BYTES_MAX: usize = 1024 * 1024;

impl Driver {
    /// For the connection that [`Lane::open`] gave this epoch. `on_reply` is called once for all replies of a read: they
    /// show more than a handshake does.
    pub(crate) fn new(
        lane: Arc<Lane>,
        epoch: u64,
        dialled: Dialled,
        on_reply: impl FnMut() + Send + 'static,
    ) -> Driver {
        Driver {
            lane,
            epoch,
            stream: dialled.stream,
            output: Vec::new(),
            written: 0,
            unflushed: false,
            input: BytesMut::new(),
            input_bytes_min: 1,
            reader: Reader::default(),
            flight: VecDeque::new(),
            answers: Vec::new(),
            wakers: Vec::new(),
            timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
            timer_set: false,
            waited: false,
            heard: false,
            moved: None,
            blocked: false,
            on_reply: Box::new(on_reply),
        }
    }

    /// Reads and hands over until nothing more is there.
    fn read(&mut self, cx: &mut Context<'_>) -> Result<(), Ending> {
        loop {
            if self.input.capacity() - self.input.len() < READ_BYTES / 4 {
                // Doubles while a long value comes in: memory follows what has arrived, not what was announced.
                self.input.reserve(self.input.len().max(READ_BYTES));
            }
            match self.stream.poll_read(cx, &mut self.input) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(0)) => return Err(self.ended()),
                Poll::Ready(Ok(bytes)) => {
                    add(&self.lane.counting.bytes_read, bytes);
                    add(&self.lane.counting.reads, 1);
                    if self.input.len() >= self.input_bytes_min {
                        let understood = self.understand();
                        self.hand_over()?;
                        understood?;
                    }
                    // Who is alone, and has the answer, needs no look at the clock.
                    self.moved = if self.flight.is_empty() { None } else { Some(Instant::now()) };
                }
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(_)) => return Err(self.ended()),
            }
        }
    }

    /// Matches replies with requests.
    fn understand(&mut self) -> Result<(), Ending> {
        // A caller may have written a request after the last turn, whose reply this is already.
        self.take_queued()?;
        let misbehaved = |how: Misbehaviour| Ending::Failed(Failure::Garbage, Down::Misbehaved(how));
        while !self.input.is_empty() {
            let Some(first) = self.flight.front() else { return Err(misbehaved(Misbehaviour::Unsolicited)) };
            let next = self.reader.next(&mut self.input, first.expect, &self.lane.config.limits);
            let Some(answer) = next.map_err(misbehaved)? else {
                self.input_bytes_min = self.input.len() + self.reader.bytes_min();
                return Ok(());
            };
            self.answers.push((first.slot, answer));
            self.flight.pop_front();
        }
        self.input_bytes_min = 1;
        Ok(())
    }

    fn take_queued(&mut self) -> Result<(), Ending> {
        let lane = self.lane.clone();
        let mut desk = lane.desk();
        self.is_current(&desk)?;
        self.take_queued_of(&mut desk);
        Ok(())
    }

    /// Ends quietly if the lane was closed by somebody else, who has told all callers; its slots are others' by now.
    fn is_current(&self, desk: &Desk) -> Result<(), Ending> {
        if desk.epoch == self.epoch { Ok(()) } else { Err(Ending::Quiet) }
    }

    fn take_queued_of(&mut self, desk: &mut Desk) {
        if desk.queued.is_empty() {
            return;
        }
        let at = desk.written_at.take().unwrap_or_else(Instant::now);
        add(&self.lane.counting.requests, desk.queued.len());
        let flights =
            desk.queued.drain(..).map(|queued| Flight { slot: queued.slot, expect: queued.expect, at });
        self.flight.extend(flights);
    }

    fn hand_over(&mut self) -> Result<(), Ending> {
        if self.answers.is_empty() {
            return Ok(());
        }
        let count = self.answers.len();
        {
            let mut desk = self.lane.desk();
            self.is_current(&desk)?;
            desk.crowd = count;
            for (slot, answer) in self.answers.drain(..) {
                desk.slots.answer(slot, Ok(answer), &mut self.wakers);
            }
        }
        add(&self.lane.counting.replies, count);
        add(&self.lane.counting.abandoned, count - self.wakers.len());
        self.wakers.drain(..).for_each(Waker::wake);
        self.heard = true;
        (self.on_reply)();
        Ok(())
    }

    /// Takes what may be written. If there is nothing, gets ready to be woken when that changes.
    fn collect(&mut self, cx: &mut Context<'_>) -> Result<Collected, Ending> {
        let lane = self.lane.clone();
        let mut desk = lane.desk();
        self.is_current(&desk)?;
        let fresh = desk.queued.len();
        self.take_queued_of(&mut desk);
        // Under the same lock as all below: a caller who writes itself relies on what is said of the timer.
        self.watch_the_clock(cx)?;
        desk.timer = self.timer_set;
        desk.unwritten = self.written < self.output.len();
        if desk.unwritten {
            desk.driver = Some(cx.waker().clone());
            return Ok(Collected::Output);
        }
        if desk.outbox.is_empty() || desk.writing {
            desk.driver = Some(cx.waker().clone());
            return Ok(Collected::Nothing);
        }
        if desk.crowd > 1 && fresh < desk.crowd && !self.waited {
            // The callers who got replies together last time are about to ask again. Behind them in the scheduler's queue
            // this task finds all their requests, and one write does for all.
            self.waited = true;
            cx.waker().wake_by_ref();
            return Ok(Collected::Nothing);
        }
        self.waited = false;
        self.output.clear();
        self.written = 0;
        if self.output.capacity() > KEPT_BYTES_MAX {
            self.output = Vec::new();
        }
        std::mem::swap(&mut self.output, &mut desk.outbox);
        desk.unwritten = true;
        Ok(Collected::Output)
    }

    /// Writes what there is; whether all of it went.
    fn write(&mut self, cx: &mut Context<'_>) -> Result<bool, Ending> {
        while self.written < self.output.len() {
            match self.stream.poll_write(cx, &self.output[self.written..]) {
                Poll::Pending => {
                    self.blocked = true;
                    return Ok(false);
                }
                Poll::Ready(Ok(0)) => return Err(self.ended()),
                Poll::Ready(Ok(bytes)) => {
                    self.written += bytes;
                    self.unflushed = true;
                    // What the socket took at once says nothing about the server.
                    if std::mem::take(&mut self.blocked) {
                        self.moved = Some(Instant::now());
                    }
                    add(&self.lane.counting.bytes_written, bytes);
                    add(&self.lane.counting.writes, 1);
                }
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(_)) => return Err(self.ended()),
            }
        }
        if self.unflushed {
            match self.stream.poll_flush(cx) {
                Poll::Pending => return Ok(false),
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(_)) => return Err(self.ended()),
            }
        }
        Ok(true)
    }

    /// Sees to it that this task wakes up when the first request in flight has waited too long. All that were queued have
    /// been taken. What moves is slow and not hung: only silence counts.
    fn watch_the_clock(&mut self, cx: &mut Context<'_>) -> Result<(), Ending> {
        let timeout = self.lane.config.request_timeout;
        let moved = self.moved;
        let since = |first: &Flight| moved.map_or(first.at, |moved| moved.max(first.at));
        loop {
            if !self.timer_set {
                let Some(first) = self.flight.front() else { return Ok(()) };
                // Not moved with every request: it fires at most once a timeout, and is then set for who is first.
                self.timer.as_mut().reset(since(first) + timeout);
                self.timer_set = true;
                // Outside the budget that tokio gives a task for one turn: a long turn may have spent it, and then the timer
                // would say that it is not over without having noted whom to wake.
                if pin!(unconstrained(self.timer.as_mut())).poll(cx).is_pending() {
                    return Ok(());
                }
            } else if !self.timer.is_elapsed() {
                return Ok(());
            }
            self.timer_set = false;
            if self.flight.front().is_some_and(|first| since(first).elapsed() >= timeout) {
                return Err(Ending::Failed(Failure::Timeout, Down::Timeout(timeout)));
            }
        }
    }

    /// The connection is gone.
    fn ended(&mut self) -> Ending {
        match self.take_queued() {
            Ok(()) if !self.flight.is_empty() => Ending::Failed(Failure::Lost, Down::Lost),
            // Those for whom it was made have not even come to ask: another one would end as this did.
            Ok(()) if !self.heard && self.lane.desk().slots.has_parked() => {
                Ending::Failed(Failure::Handshake, Down::Closed)
            }
            Ok(()) => Ending::Quiet,
            Err(ending) => ending,
        }
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Result<(), Ending> {
        loop {
            // Replies first: they wake callers whose next requests can then go out together.
            self.read(cx)?;
            match self.collect(cx)? {
                Collected::Output if self.write(cx)? => {}
                // All has been written, but perhaps not let go of: nobody else sees to that.
                Collected::Nothing if self.unflushed => return self.write(cx).map(|_| ()),
                Collected::Output | Collected::Nothing => return Ok(()),
            }
        }
    }
}

impl Future for Driver {
    type Output = Ending;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ending> {
        match self.get_mut().turn(cx) {
            Ok(()) => Poll::Pending,
            Err(ending) => Poll::Ready(ending),
        }
    }
}

#[cfg(test)]
mod tests;
