//! What a worker of the proxy does: takes requests of its clients to servers, and replies back.

mod all;
mod crowd;
mod dispatch;
mod many;
mod one;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::Registry;
use peerset_proto_memcache::{Limits, Parsed, Recovery, Request, parse_request};
use slab::Slab;

use super::Proxy;
use super::desk::Desk;
use super::exchange::Exchange;
use super::flight::{FlightId, Flights, Place};
use super::lanes::Lanes;
use super::past::PastPlans;
use super::plan::Shared;
use super::upstream::Asker;
use crate::front::{Client, Next, Now, OUTPUT_HIGH, Purpose, Service, Share, TOKENS_OWN, Turn};

/// Bytes read from a server at once.
const READ_BYTES: usize = 64 * 1024;

pub(in crate::proxy) struct ProxyService {
    proxy: Arc<Proxy>,
    limits: Limits,
    lanes: Lanes,
    desk: Desk,
    scratch: Box<[u8]>,
    /// Empty between requests; kept for its memory.
    asked: Vec<many::Asked>,
    crowd: crowd::Crowd,
    /// Whose requests are being dispatched.
    asker: Asker,
}

/// What is remembered of a connection.
pub(crate) struct Session {
    /// Bytes still to come that belong to a request already refused.
    skip: u64,
    /// While replies are owed.
    flight: Option<FlightId>,
    /// The number under which it asked last.
    asked: u64,
}

impl ProxyService {
    pub(super) fn new(proxy: Arc<Proxy>, worker: usize) -> ProxyService {
        let limits = proxy.settings.limits();
        let shared: Arc<Shared> = proxy.shared.clone();
        let mut server_limits = limits.clone();
        // Lines of errors may be longer than lines of requests.
        server_limits.line_bytes_max = server_limits.line_bytes_max.max(8 * 1024);
        ProxyService {
            lanes: Lanes::new(server_limits, proxy.seed(worker)),
            desk: Desk {
                flights: Flights::default(),
                exchanges: Slab::new(),
                complete: VecDeque::new(),
                plan: shared.plan(),
                past: PastPlans::default(),
                shared,
                worker,
                now: Instant::now(),
                reply_bytes: 0,
                held: 0,
                held_max: proxy.values_bytes_max(),
                spare: Vec::new(),
            },
            limits,
            proxy,
            scratch: vec![0; READ_BYTES].into_boxed_slice(),
            asked: Vec::new(),
            crowd: crowd::Crowd::default(),
            asker: Asker::default(),
        }
    }
}

/// Replies.
impl ProxyService {
    /// A place for the reply to a request that is being dispatched.
    #[inline]
    fn place(&mut self, client: Client, session: &mut Session, wanted: bool) -> Place {
        let flight = match session.flight {
            Some(flight) => flight,
            None => *session.flight.insert(self.desk.flights.open(client)),
        };
        self.desk.flights.place(flight, wanted)
    }

    fn finish(&mut self, place: Place, write: impl FnOnce(&mut Vec<u8>)) {
        self.desk.flights.answer(place, write);
    }

    /// A reply that is known at once: behind those that are owed, if any are.
    fn say(
        &mut self,
        client: Client,
        session: &mut Session,
        output: &mut Vec<u8>,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        match session.flight {
            None => write(output),
            Some(_) => {
                let place = self.place(client, session, true);
                self.desk.flights.answer(place, write);
            }
        }
    }

    /// Follows up on what servers have answered.
    fn follow_up(&mut self, now: Now) {
        while let Some(id) = self.desk.complete.pop_front() {
            match self.desk.exchanges.get(id as usize) {
                Some(Exchange::Many(_)) => self.advance_many(id, now),
                Some(Exchange::One(_)) => self.advance_one(id, now),
                Some(Exchange::All(_)) => self.end_all(id),
                None => {}
            }
        }
    }

    /// Bytes of replies that this worker holds, or that are about to come, going by how large replies are these days.
    fn reply_bytes(&self) -> usize {
        let coming = self.desk.flights.coming().saturating_mul(self.desk.reply_bytes);
        self.desk.held.saturating_add(self.desk.flights.bytes()).saturating_add(coming)
    }
}

impl Service for ProxyService {
    type Session = Session;
    type Reservation = Share;

    fn open(&mut self, _: Option<SocketAddr>) -> Session {
        Session { skip: 0, flight: None, asked: 0 }
    }

    fn process(
        &mut self,
        client: Client,
        session: &mut Session,
        input: &[u8],
        output: &mut Vec<u8>,
        now: Now,
    ) -> Turn {
        let mut consumed = 0;
        self.desk.now = now.instant;
        self.asker.number += 1;
        self.asker.before = std::mem::replace(&mut session.asked, self.asker.number);
        loop {
            let skip = usize::try_from(session.skip).unwrap_or(usize::MAX).min(input.len() - consumed);
            session.skip -= skip as u64;
            consumed += skip;
            let rest = &input[consumed..];
            if rest.is_empty() {
                return Turn { consumed, next: Next::Read { bytes_min: 1 } };
            }
            if output.len() >= OUTPUT_HIGH {
                return Turn { consumed, next: Next::Flush };
            }
            if let Some(flight) = session.flight {
                let load = self.desk.flights.load(flight);
                if load.is_enough(self.desk.reply_bytes)
                    || load.ready_bytes >= OUTPUT_HIGH
                    || self.reply_bytes() >= self.proxy.reply_bytes_max()
                {
                    return Turn { consumed, next: Next::Hold };
                }
            } else if self.reply_bytes() >= 2 * self.proxy.reply_bytes_max() {
                // Who is owed nothing may ask though others hold much, up to a point.
                return Turn { consumed, next: Next::Wait };
            }
            match parse_request(rest, &self.limits) {
                Ok(Parsed::Incomplete { bytes_min }) => {
                    return Turn { consumed, next: Next::Read { bytes_min } };
                }
                Ok(Parsed::Complete { value: Request::Quit, consumed: length }) => {
                    return Turn { consumed: consumed + length, next: Next::Close };
                }
                Ok(Parsed::Complete { value: request, .. })
                    if self.lanes.any_crowded() && self.joins_crowd(&request) =>
                {
                    self.crowd.join(client);
                    return Turn { consumed, next: Next::Hold };
                }
                Ok(Parsed::Complete { value: request, consumed: length }) => {
                    self.dispatch(client, session, &request, &rest[..length], output, now);
                    consumed += length;
                }
                Err(error) => {
                    self.refuse(client, session, &error, output, now);
                    match error.recovery {
                        Recovery::Skip { bytes } => session.skip = bytes,
                        Recovery::Close => return Turn { consumed: input.len(), next: Next::Close },
                    }
                }
            }
        }
    }

    fn reserve(&mut self, purpose: Purpose, bytes: usize, _: u32) -> Option<Share> {
        let share = match purpose {
            Purpose::Request => self.proxy.requests.take(bytes),
            Purpose::Arrived => self.proxy.requests.count(bytes),
            Purpose::Replies => self.proxy.replies.count(bytes),
        };
        share.map(|(_, share)| share)
    }

    fn is_scarce(&self, purpose: Purpose) -> bool {
        match purpose {
            Purpose::Request | Purpose::Arrived => self.proxy.requests.is_scarce(),
            Purpose::Replies => {
                let held = self.desk.held + self.desk.flights.bytes();
                self.proxy.replies.is_scarce() || held > self.proxy.reply_bytes_max() / 4 * 3
            }
        }
    }

    fn attach(&mut self, registry: Registry) {
        self.lanes.attach(registry);
        let plan = self.desk.plan.clone();
        self.lanes.follow(&plan, Instant::now());
    }

    fn woken(&mut self, now: Now) {
        if self.desk.shared.number() != self.desk.plan.number {
            let plan = self.desk.shared.plan();
            self.desk.follow(plan.clone(), self.lanes.plans());
            self.lanes.follow(&plan, now.instant);
        }
        self.lanes.look(now.instant);
    }

    fn ready(&mut self, token: usize, read_closed: bool, now: Now) {
        self.desk.now = now.instant;
        let lane = token - TOKENS_OWN;
        self.lanes.ready(lane, read_closed, &mut self.scratch, now.instant, &mut self.desk);
    }

    fn end_turn(&mut self, now: Now, answered: &mut Vec<Client>) {
        self.desk.now = now.instant;
        self.lanes.check(now.instant, &mut self.desk);
        // What goes on comes after all else: nobody remembers what its client has asked since.
        self.asker = Asker { number: self.asker.number + 1, before: Asker::ANYBODY };
        loop {
            self.follow_up(now);
            self.lanes.flush(now.instant, &mut self.desk);
            if self.desk.complete.is_empty() {
                break;
            }
        }
        self.desk.flights.take_named(now.instant, answered);
        if self.lanes.any_crowded() && self.lanes.have_cleared() {
            self.crowd.leave(answered);
        }
    }

    fn collect(&mut self, session: &mut Session, output: &mut Vec<u8>) {
        if let Some(flight) = session.flight
            && self.desk.flights.collect(flight, output)
        {
            session.flight = None;
        }
    }

    fn owes(&self, session: &Session) -> bool {
        session.flight.is_some()
    }

    fn is_busy(&self) -> bool {
        self.lanes.owe()
    }

    fn patience(&self) -> Option<Duration> {
        match self.desk.flights.is_leaving() || self.lanes.is_holding() {
            true => Some(Duration::ZERO),
            false => self.lanes.patience(self.desk.now),
        }
    }

    fn close(&mut self, session: Session) {
        if let Some(flight) = session.flight {
            self.desk.flights.abandon(flight);
        }
    }
}
