//! The replies a connection is owed, in the order of its requests.
//!
//! Servers answer each at their own pace, a client wants its replies in order. A flight has a slot for each request that
//! is not answered yet; a reply that comes for the first slot is written out at once, any other waits in its slot. A
//! connection has a flight only while it is owed something, so ten thousand idle ones have none.

use std::collections::VecDeque;

use crate::front::Client;

/// A flight's number on its worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FlightId(u32);

/// The place of one reply among those of its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    flight: FlightId,
    number: u32,
}

/// Buffers kept for reuse; a larger one is given back to the system.
const BUFFER_RETAINED: usize = 64 * 1024;

/// Buffers kept at most.
const SPARE_MAX: usize = 1024;

struct Flight {
    client: Client,
    /// The number of the first slot.
    first: u32,
    slots: VecDeque<Slot>,
    /// Replies in order, to be collected.
    ready: Vec<u8>,
    /// Slots that wait.
    waiting: usize,
    /// Whether the connection is named among those with replies.
    named: bool,
    /// The connection is closed: what comes is dropped.
    gone: bool,
}

enum Slot {
    Waiting,
    /// Behind one that waits.
    Answered(Vec<u8>),
}

/// The flights of one worker.
#[derive(Default)]
pub(super) struct Flights {
    flights: Vec<Flight>,
    free: Vec<FlightId>,
    spare: Vec<Vec<u8>>,
    /// Connections with replies to collect.
    named: Vec<Client>,
    /// Bytes of replies that wait behind others or to be collected.
    bytes: usize,
}

impl Flights {
    /// A flight for a connection that is owed a first reply.
    pub(super) fn open(&mut self, client: Client) -> FlightId {
        if let Some(id) = self.free.pop() {
            let flight = &mut self.flights[id.0 as usize];
            flight.client = client;
            flight.gone = false;
            return id;
        }
        let id = FlightId(u32::try_from(self.flights.len()).expect("fewer flights than connections"));
        self.flights.push(Flight {
            client,
            first: 0,
            slots: VecDeque::new(),
            ready: Vec::new(),
            waiting: 0,
            named: false,
            gone: false,
        });
        id
    }

    /// The place of the next reply.
    #[inline]
    pub(super) fn place(&mut self, id: FlightId) -> Place {
        let flight = &mut self.flights[id.0 as usize];
        let number = flight.first.wrapping_add(u32::try_from(flight.slots.len()).unwrap_or(u32::MAX));
        flight.slots.push_back(Slot::Waiting);
        flight.waiting += 1;
        Place { flight: id, number }
    }

    /// Requests without a reply yet, and bytes of replies not collected yet.
    #[inline]
    pub(super) fn load(&self, id: FlightId) -> (usize, usize) {
        let flight = &self.flights[id.0 as usize];
        (flight.slots.len(), flight.ready.len())
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
        if flight.gone {
            if flight.waiting == 0 {
                self.release(place.flight);
            }
            return;
        }
        let at = place.number.wrapping_sub(flight.first) as usize;
        if at > 0 {
            let mut reply = self.spare.pop().unwrap_or_default();
            write(&mut reply);
            self.bytes += reply.len();
            flight.slots[at] = Slot::Answered(reply);
            return;
        }
        let before = flight.ready.len();
        write(&mut flight.ready);
        self.bytes += flight.ready.len() - before;
        flight.slots.pop_front();
        flight.first = flight.first.wrapping_add(1);
        while let Some(Slot::Answered(_)) = flight.slots.front() {
            let Some(Slot::Answered(reply)) = flight.slots.pop_front() else { break };
            flight.first = flight.first.wrapping_add(1);
            flight.ready.extend_from_slice(&reply);
            recycle(&mut self.spare, reply);
        }
        if !flight.named {
            flight.named = true;
            self.named.push(flight.client);
        }
    }

    /// Hands over the replies that are complete. True if none are owed any more; then the flight is over.
    pub(super) fn collect(&mut self, id: FlightId, output: &mut Vec<u8>) -> bool {
        let flight = &mut self.flights[id.0 as usize];
        flight.named = false;
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
        self.bytes -= flight.ready.len();
        for slot in flight.slots.drain(..) {
            if let Slot::Answered(reply) = slot {
                self.bytes -= reply.len();
                recycle(&mut self.spare, reply);
            }
        }
        if flight.waiting == 0 {
            self.release(id);
        }
    }

    /// Connections that have something to collect since the last call.
    pub(super) fn take_named(&mut self, into: &mut Vec<Client>) {
        into.append(&mut self.named);
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
