//! One connection and the turn it gets when its socket is ready.

use std::io::{self, Read, Write};
use std::time::Instant;

use super::buffers::{Buffers, Kept, READ_BYTES_MIN};
use super::stream::Stream;
use super::{Client, Next, Now, Purpose, Service, WorkerCounters};

pub(super) struct Connection<S: Service> {
    pub(super) stream: Stream,
    pub(super) session: S::Session,
    input: Kept<S::Reservation>,
    /// Bytes still missing before it is worth showing the input to the service again.
    missing: usize,
    output: Kept<S::Reservation>,
    phase: Phase,
    /// Whether the poller was told to report room to write.
    pub(super) writable_watched: bool,
    /// Whether it waits in the worker's list for another turn.
    pub(super) queued: bool,
    /// The poller reported the end of the input, which it does once; reading goes on until it is met.
    pub(super) read_closed: bool,
    /// When bytes last came or went.
    pub(super) last_progress: Instant,
    /// Since when replies wait to be taken; none while there are none.
    pub(super) stalled_since: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Reading more is the next step.
    Read,
    /// The kept input may hold whole requests.
    Process,
    /// The same, but their replies need memory that others have to give back first.
    Park,
    /// The same, but the service says when to go on.
    Hold,
    /// Close when the output is sent, and what the service still owes.
    Close,
}

/// What the worker does with a connection after its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// Nothing until the poller reports it.
    Wait,
    /// Another turn once the others had theirs.
    Again,
    /// Another turn in a while: there was no memory to go on.
    Park,
    /// Drop it.
    Close,
}

/// What a turn works with besides the connection.
pub(super) struct Context<'w, S> {
    pub(super) service: &'w mut S,
    pub(super) buffers: &'w mut Buffers,
    pub(super) counters: &'w WorkerCounters,
    pub(super) client: Client,
    pub(super) now: Now,
}

impl<S: Service> Connection<S> {
    pub(super) fn new(stream: Stream, session: S::Session, now: Instant) -> Self {
        Connection {
            stream,
            session,
            input: Kept::new(),
            missing: 1,
            output: Kept::new(),
            phase: Phase::Read,
            writable_watched: false,
            queued: false,
            read_closed: false,
            last_progress: now,
            stalled_since: None,
        }
    }

    /// Nothing has arrived in part, nothing is unsent.
    pub(super) fn is_idle(&self) -> bool {
        self.input.is_empty() && self.output.is_empty()
    }

    /// A request that has arrived in part has memory reserved.
    pub(super) fn holds_request(&self) -> bool {
        self.input.is_reserved()
    }

    /// It waits for the service.
    pub(super) fn is_held(&self) -> bool {
        self.phase == Phase::Hold
    }

    /// Whether a further turn gets anywhere without the poller or the service reporting anything.
    pub(super) fn can_go_on(&self) -> bool {
        self.output.is_empty() && !matches!(self.phase, Phase::Hold | Phase::Close)
    }

    /// Replies wait for the peer to take them.
    pub(super) fn wants_writable(&self) -> bool {
        !self.output.is_empty()
    }

    /// Sends what is left over, answers what is left over, then reads once and answers that.
    pub(super) fn turn(&mut self, context: &mut Context<'_, S>) -> After {
        self.try_turn(context).unwrap_or_else(|error| {
            tracing::debug!(%error, "a connection failed");
            After::Close
        })
    }

    /// Sends replies that the service owed.
    pub(super) fn deliver(&mut self, context: &mut Context<'_, S>) -> After {
        self.try_deliver(context).unwrap_or_else(|error| {
            tracing::debug!(%error, "a connection failed");
            After::Close
        })
    }

    fn try_deliver(&mut self, context: &mut Context<'_, S>) -> io::Result<After> {
        if !self.output.is_empty() {
            // The service keeps them until the peer has taken the earlier ones.
            return Ok(After::Wait);
        }
        self.last_progress = context.now.instant;
        context.service.collect(&mut self.session, &mut context.buffers.output);
        match self.phase {
            Phase::Hold => self.process_kept(context),
            _ => self.send(context),
        }
    }

    fn try_turn(&mut self, context: &mut Context<'_, S>) -> io::Result<After> {
        if !self.output.is_empty() {
            if !self.send_kept(context)? {
                return Ok(After::Wait);
            }
            context.service.collect(&mut self.session, &mut context.buffers.output);
            if self.phase == Phase::Hold {
                return self.process_kept(context);
            }
            if !context.buffers.output.is_empty() {
                let after = self.send(context)?;
                return Ok(if after == After::Wait && self.can_go_on() { After::Again } else { after });
            }
        }
        match self.phase {
            Phase::Close if context.service.owes(&self.session) => Ok(After::Wait),
            Phase::Close => Ok(After::Close),
            Phase::Process | Phase::Park | Phase::Hold => self.process_kept(context),
            Phase::Read if self.input.len() + READ_BYTES_MIN <= context.buffers.input.len() => {
                self.read_to_scratch(context)
            }
            Phase::Read => self.read_to_kept(context),
        }
    }

    /// The usual way: read into the worker's buffer and answer from there.
    fn read_to_scratch(&mut self, context: &mut Context<'_, S>) -> io::Result<After> {
        let kept = self.input.len();
        if kept > 0 {
            context.buffers.input[..kept].copy_from_slice(self.input.data());
        }
        // While memory for requests is scarce, no more is read than there has to be a place for.
        let scarce = context.service.is_scarce(Purpose::Request);
        let room = (context.buffers.input.len() - kept).min(if scarce { READ_BYTES_MIN } else { usize::MAX });
        let count = match read(&mut self.stream, &mut context.buffers.input[kept..kept + room])? {
            ReadResult::Bytes(count) => count,
            ReadResult::End => return Ok(self.end(context)),
            ReadResult::Nothing => return Ok(After::Wait),
        };
        self.last_progress = context.now.instant;
        context.counters.bytes_read.add(count as u64);
        let filled = kept + count;
        let mut consumed = 0;
        let mut output = std::mem::take(&mut context.buffers.output);
        if count < self.missing {
            self.missing -= count;
        } else {
            let turn = context.service.process(
                context.client,
                &mut self.session,
                &context.buffers.input[..filled],
                &mut output,
                context.now,
            );
            consumed = turn.consumed;
            self.follow(turn.next, context);
        }
        if consumed == filled {
            self.input.consume(kept);
        } else {
            let rest = &context.buffers.input[consumed..filled];
            self.input.keep(rest, |bytes| context.service.reserve(Purpose::Arrived, bytes, context.now.unix));
        }
        context.buffers.output = output;
        let after = self.send(context)?;
        // A short read has emptied the socket; a full one may have left something of which nothing more is reported.
        Ok(if after == After::Wait && count == room { After::Again } else { after })
    }

    /// A request too large for the worker's buffer is gathered in one of the connection's own.
    fn read_to_kept(&mut self, context: &mut Context<'_, S>) -> io::Result<After> {
        let Some(room) = self
            .input
            .room(self.missing, |bytes| context.service.reserve(Purpose::Request, bytes, context.now.unix))
        else {
            // Nothing is lost by waiting: the peer's bytes stay in its socket and in ours.
            return Ok(After::Park);
        };
        let size = room.len();
        let count = match read(&mut self.stream, room)? {
            ReadResult::Bytes(count) => count,
            ReadResult::End => return Ok(self.end(context)),
            ReadResult::Nothing => return Ok(After::Wait),
        };
        self.last_progress = context.now.instant;
        context.counters.bytes_read.add(count as u64);
        self.input.filled(count);
        if count >= self.missing {
            return self.process_kept(context);
        }
        self.missing -= count;
        Ok(if count == size { After::Again } else { After::Wait })
    }

    fn process_kept(&mut self, context: &mut Context<'_, S>) -> io::Result<After> {
        let mut output = std::mem::take(&mut context.buffers.output);
        let turn = context.service.process(
            context.client,
            &mut self.session,
            self.input.data(),
            &mut output,
            context.now,
        );
        context.buffers.output = output;
        self.input.consume(turn.consumed);
        self.follow(turn.next, context);
        match self.send(context)? {
            // The socket was not read to its end in this turn.
            After::Wait if self.can_go_on() => Ok(After::Again),
            after => Ok(after),
        }
    }

    fn follow(&mut self, next: Next, context: &Context<'_, S>) {
        self.phase = match next {
            Next::Read { bytes_min } => {
                self.missing = bytes_min.max(1);
                Phase::Read
            }
            Next::Flush => {
                context.counters.yields.add(1);
                Phase::Process
            }
            Next::Wait => Phase::Park,
            Next::Hold => Phase::Hold,
            Next::Close => Phase::Close,
        };
    }

    /// The peer sends no more, and may still read.
    fn end(&mut self, context: &Context<'_, S>) -> After {
        self.phase = Phase::Close;
        if context.service.owes(&self.session) { After::Wait } else { After::Close }
    }

    /// Sends the turn's output; what the socket does not take is kept. The worker clears the buffer after each turn.
    fn send(&mut self, context: &mut Context<'_, S>) -> io::Result<After> {
        let mut sent = 0;
        while sent < context.buffers.output.len() {
            match self.stream.write(&context.buffers.output[sent..]) {
                Ok(0) => return Ok(After::Close),
                Ok(count) => sent += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        context.counters.bytes_written.add(sent as u64);
        if sent < context.buffers.output.len() {
            let bytes = std::mem::take(&mut context.buffers.output);
            let reserve = |bytes| context.service.reserve(Purpose::Replies, bytes, context.now.unix);
            self.output.adopt(bytes, sent, reserve);
            self.stalled_since = Some(context.now.instant);
            return Ok(After::Wait);
        }
        Ok(match self.phase {
            Phase::Read | Phase::Hold => After::Wait,
            Phase::Process => After::Again,
            Phase::Park => After::Park,
            Phase::Close if context.service.owes(&self.session) => After::Wait,
            Phase::Close => After::Close,
        })
    }

    /// Sends what an earlier turn left; true when all is gone.
    fn send_kept(&mut self, context: &Context<'_, S>) -> io::Result<bool> {
        while !self.output.is_empty() {
            match self.stream.write(self.output.data()) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.last_progress = context.now.instant;
                    context.counters.bytes_written.add(count as u64);
                    self.output.consume(count);
                    self.stalled_since = Some(context.now.instant);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        self.stalled_since = None;
        Ok(true)
    }
}

enum ReadResult {
    Bytes(usize),
    End,
    Nothing,
}

#[inline]
fn read(stream: &mut Stream, buffer: &mut [u8]) -> io::Result<ReadResult> {
    loop {
        return match stream.read(buffer) {
            Ok(0) => Ok(ReadResult::End),
            Ok(count) => Ok(ReadResult::Bytes(count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(ReadResult::Nothing),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
    }
}
