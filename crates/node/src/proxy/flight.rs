//! The replies a connection is owed, in the order of its requests.
//!
//! Servers answer each at their own pace, a client wants its replies in order. A flight has a slot for each request that
//! is not answered yet; a reply that comes for the first slot is written out at once, any other waits in its slot. A
//! connection has a flight only while it is owed something, so ten thousand idle ones have none.

use std::collections::VecDeque;
use std::time::Instant;

use crate::front::Client;

/// A flight's number on its worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FlightId(u32);

/// The place of one reply among those of its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    flight: FlightId,
    number: u32,
    /// Whether the client wants to hear the reply. If not, its place is kept all the same: until then the connection is
    /// owed something, and so it stays with the worker whose connections to servers carry the request. Elsewhere a later
    /// one could overtake it.
    wanted: bool,
}

/// Requests of one connection under way at most.
const IN_FLIGHT_MAX: usize = 1024;

/// The same before its first reply.
const IN_FLIGHT_FIRST: usize = 64;

/// Those of them that are replied to, at most, if replies are large.
const IN_FLIGHT_MIN: usize = 8;

/// What the replies to one connection's requests under way may come to, going by recent ones.
const IN_FLIGHT_BYTES: usize = 4 << 20;

/// Buffers kept for reuse; a larger one is given back to the system.
const BUFFER_RETAINED: usize = 64 * 1024;

/// So many bytes of replies are sent though more are about to come.
const PIECE_MIN: usize = 32 * 1024;

/// Buffers kept at most.
const SPARE_MAX: usize = 1024;

struct Flight {
    client: Client,
    /// The number of the first slot.
    first: u32,
    slots: VecDeque<Slot>,
    /// Those whose reply the client wants.
    wanted: usize,
    /// Replies in order, to be collected.
    ready: Vec<u8>,
    /// Slots that wait.
    waiting: usize,
    /// Replies that have come.
    answered: usize,
    /// Whether it is among those with replies.
    named: bool,
    /// The turn in which it was left for a later one.
    left: Option<Instant>,
    /// The connection is closed: what comes is dropped.
    gone: bool,
}

enum Slot {
    Waiting,
    /// Behind one that waits; nothing if the client wants no reply.
    Answered(Option<Vec<u8>>),
}

/// How much a connection is owed.
pub(super) struct FlightLoad {
    /// Requests without a reply, or with one that has to wait.
    pub(super) waiting: usize,
    /// Those of them whose reply the client wants.
    pub(super) wanted: usize,
    /// Replies that have come since it was owed nothing.
    pub(super) answered: usize,
    /// Replies that were not collected yet.
    pub(super) ready_bytes: usize,
}

impl FlightLoad {
    /// Whether as much is under way as may be. Few until its own replies have begun to come, for they may be large;
    /// and fewer, going by how large replies are these days, of what is replied to.
    pub(super) fn is_enough(&self, reply_bytes: usize) -> bool {
        let most = (IN_FLIGHT_FIRST + 2 * self.answered).min(IN_FLIGHT_MAX);
        let large = (IN_FLIGHT_BYTES / reply_bytes.max(1)).max(IN_FLIGHT_MIN);
        self.waiting >= most || self.wanted >= large
    }
}

/// The flights of one worker.
#[derive(Default)]
pub(super) struct Flights {
    flights: Vec<Flight>,
    free: Vec<FlightId>,
    spare: Vec<Vec<u8>>,
    /// Flights with replies to collect.
    named: Vec<FlightId>,
    /// Bytes of replies that wait behind others or to be collected.
    bytes: usize,
    /// Replies to come that clients want, of all flights.
    coming: usize,
}

impl Flights {
    /// A flight for a connection that is owed a first reply.
    pub(super) fn open(&mut self, client: Client) -> FlightId {
        if let Some(id) = self.free.pop() {
            let flight = &mut self.flights[id.0 as usize];
            flight.client = client;
            flight.gone = false;
            flight.wanted = 0;
            flight.answered = 0;
            return id;
        }
        let id = FlightId(u32::try_from(self.flights.len()).expect("fewer flights than connections"));
        self.flights.push(Flight {
            client,
            first: 0,
            slots: VecDeque::new(),
            wanted: 0,
            ready: Vec::new(),
            waiting: 0,
            answered: 0,
            named: false,
            left: None,
            gone: false,
        });
        id
    }

    /// The place of the next reply, which is dropped if nobody wants it.
    #[inline]
    pub(super) fn place(&mut self, id: FlightId, wanted: bool) -> Place {
        let flight = &mut self.flights[id.0 as usize];
        let number = flight.first.wrapping_add(u32::try_from(flight.slots.len()).unwrap_or(u32::MAX));
        flight.slots.push_back(Slot::Waiting);
        flight.wanted += usize::from(wanted);
        flight.waiting += 1;
        self.coming += usize::from(wanted);
        Place { flight: id, number, wanted }
    }

    /// How much is owed.
    #[inline]
    pub(super) fn load(&self, id: FlightId) -> FlightLoad {
        let flight = &self.flights[id.0 as usize];
        FlightLoad {
            waiting: flight.slots.len(),
            wanted: flight.wanted,
            answered: flight.answered,
            ready_bytes: flight.ready.len(),
        }
    }

    /// Replies to come that clients want, of all connections.
    pub(super) fn coming(&self) -> usize {
        self.coming
    }

    /// Bytes of replies held for all connections.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Writes the reply that belongs to a place; writing nothing is a reply too.
    #[inline]
    pub(super) fn answer(&mut self, place: Place, write: impl FnOnce(&mut Vec<u8>)) {
        let flight = &mut self.flights[place.flight.0 as usize];
        flight.waiting -= 1;
        flight.answered += 1;
        self.coming -= usize::from(place.wanted);
        if flight.gone {
            if flight.waiting == 0 {
                self.release(place.flight);
            }
            return;
        }
        let at = place.number.wrapping_sub(flight.first) as usize;
        if at > 0 {
            let reply = place.wanted.then(|| {
                let mut reply = self.spare.pop().unwrap_or_default();
                write(&mut reply);
                self.bytes += reply.len();
                reply
            });
            flight.slots[at] = Slot::Answered(reply);
            return;
        }
        let before = flight.ready.len();
        if place.wanted {
            write(&mut flight.ready);
            flight.wanted -= 1;
        }
        self.bytes += flight.ready.len() - before;
        flight.slots.pop_front();
        flight.first = flight.first.wrapping_add(1);
        while let Some(Slot::Answered(_)) = flight.slots.front() {
            let Some(Slot::Answered(reply)) = flight.slots.pop_front() else { break };
            flight.first = flight.first.wrapping_add(1);
            if let Some(reply) = reply {
                flight.ready.extend_from_slice(&reply);
                flight.wanted -= 1;
                recycle(&mut self.spare, reply);
            }
        }
        if !flight.named {
            flight.named = true;
            self.named.push(place.flight);
        }
    }

    /// Hands over the replies that are complete. True if none are owed any more; then the flight is over.
    pub(super) fn collect(&mut self, id: FlightId, output: &mut Vec<u8>) -> bool {
        let flight = &mut self.flights[id.0 as usize];
        flight.named = false;
        flight.left = None;
        self.bytes -= flight.ready.len();
        if output.is_empty() {
            std::mem::swap(output, &mut flight.ready);
        } else {
            output.append(&mut flight.ready);
        }
        let over = flight.slots.is_empty();
        if over {
            self.release(id);
        }
        over
    }

    /// The connection is closed.
    pub(super) fn abandon(&mut self, id: FlightId) {
        let flight = &mut self.flights[id.0 as usize];
        flight.gone = true;
        flight.named = false;
        flight.left = None;
        self.bytes -= flight.ready.len();
        for slot in flight.slots.drain(..) {
            if let Slot::Answered(Some(reply)) = slot {
                self.bytes -= reply.len();
                recycle(&mut self.spare, reply);
            }
        }
        if flight.waiting == 0 {
            self.release(id);
        }
    }

    /// Connections that have something to collect. Where more is about to come, as another server was asked in the same
    /// breath, it is left for the next turn, and goes out in one piece.
    pub(super) fn take_named(&mut self, now: Instant, into: &mut Vec<Client>) {
        let flights = &mut self.flights;
        self.named.retain(|id| {
            let flight = &mut flights[id.0 as usize];
            if !flight.named {
                return false;
            }
            let waits = flight.waiting > 0 && flight.ready.len() < PIECE_MIN;
            if waits && flight.left.is_none_or(|left| left == now) {
                flight.left = Some(now);
                return true;
            }
            flight.left = None;
            into.push(flight.client);
            false
        });
    }

    /// Whether replies were left for the next turn.
    pub(super) fn is_leaving(&self) -> bool {
        !self.named.is_empty()
    }

    fn release(&mut self, id: FlightId) {
        let flight = &mut self.flights[id.0 as usize];
        flight.slots.clear();
        flight.ready.clear();
        if flight.ready.capacity() > BUFFER_RETAINED {
            flight.ready = Vec::new();
        }
        self.free.push(id);
    }
}

fn recycle(spare: &mut Vec<Vec<u8>>, mut buffer: Vec<u8>) {
    if buffer.capacity() <= BUFFER_RETAINED && spare.len() < SPARE_MAX {
        buffer.clear();
        spare.push(buffer);
    }
}

#[cfg(test)]
mod tests;
