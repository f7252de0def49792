//! What a worker of the proxy does: takes requests of its clients to servers, and replies back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mio::Registry;
use peerset_proto_memcache::reply::encode;
use peerset_proto_memcache::request::Get;
use peerset_proto_memcache::{KEY_BYTES_MAX, Limits, Parsed, Recovery, Request, RequestError, parse_request};
use peerset_route::{Ask, Operation, Outcome, OwnerDown, PoolId, Step};
use slab::Slab;

use super::desk::{Desk, failure_text};
use super::exchange::{All, Exchange, Many, ManyKey, One, Part, PartId};
use super::flight::{FlightId, Flights, Place};
use super::lanes::{LaneId, Lanes, NoLane};
use super::pending::{Kind, Pending, To, digest};
use super::plan::Shared;
use super::translate::{self, Lifetime};
use super::{Proxy, stats};
use crate::front::{Client, Next, Now, OUTPUT_HIGH, Purpose, Service, Share, TOKENS_OWN, Turn};

/// Bytes read from a server at once.
const READ_BYTES: usize = 64 * 1024;

/// Requests of one connection under way at most.
const IN_FLIGHT_MAX: usize = 1024;

/// The same if replies are large.
const IN_FLIGHT_MIN: usize = 8;

/// What the replies to one connection's requests under way may come to, going by recent ones.
const IN_FLIGHT_BYTES: usize = 4 << 20;

/// Bytes of keys in one multi-get for a server that may refuse longer lines (memcached closes over a long `gat`).
const LINE_BYTES_MAX: usize = 2000;

pub(super) struct ProxyService {
    proxy: Arc<Proxy>,
    limits: Limits,
    lanes: Lanes,
    desk: Desk,
    scratch: Box<[u8]>,
}

/// What is remembered of a connection.
pub(crate) struct Session {
    /// Bytes still to come that belong to a request already refused.
    skip: u64,
    /// While replies are owed.
    flight: Option<FlightId>,
}

/// Where the reply to a request goes.
#[derive(Clone, Copy)]
enum Reply {
    /// To this place among the replies of its connection.
    At(Place),
    /// Nowhere.
    Unwanted,
}

impl ProxyService {
    pub(super) fn new(proxy: Arc<Proxy>, worker: usize) -> ProxyService {
        let limits = proxy.settings.limits();
        let shared: Arc<Shared> = proxy.shared.clone();
        let mut server_limits = limits.clone();
        // A server may have been told to take larger keys' worth of line than clients may send.
        server_limits.line_bytes_max = server_limits.line_bytes_max.max(8 * 1024);
        let mut service = ProxyService {
            lanes: Lanes::new(server_limits, proxy.seed(worker)),
            desk: Desk {
                flights: Flights::default(),
                exchanges: Slab::new(),
                complete: Vec::new(),
                plan: shared.plan(),
                shared,
                worker,
                now: Instant::now(),
                reply_bytes: 0,
                held: 0,
            },
            limits,
            proxy,
            scratch: vec![0; READ_BYTES].into_boxed_slice(),
        };
        service.desk.now = Instant::now();
        service
    }

    /// Does one request, or begins to.
    fn dispatch(
        &mut self,
        client: Client,
        session: &mut Session,
        request: &Request<'_>,
        raw: &[u8],
        output: &mut Vec<u8>,
        now: Now,
    ) {
        let Some(operation) = translate::operation(request) else {
            return self.answer_here(client, session, request, output, now);
        };
        let reply = match translate::is_noreply(request) {
            true => Reply::Unwanted,
            false => Reply::At(self.place(client, session)),
        };
        let commands = self.desk.commands();
        match request {
            Request::Get(get) => {
                let mut keys = get.keys.iter();
                match (keys.next(), keys.next()) {
                    (Some(key), None) => {
                        commands.gets.add(1);
                        self.get(get, key.as_bytes(), reply, operation, now);
                    }
                    (None, _) => self.finish(reply, |out| out.extend_from_slice(encode::END)),
                    _ => self.get_many(get, reply, operation, now),
                }
                return;
            }
            Request::Store(_) => commands.sets.add(1),
            Request::MetaGet(_) => {
                commands.metas.add(1);
                commands.gets.add(1);
            }
            Request::MetaSet(_) => {
                commands.metas.add(1);
                commands.sets.add(1);
            }
            _ => commands.others.add(1),
        }
        let mut room = [0; KEY_BYTES_MAX];
        if translate::replies_raw(request) {
            return self.finish(reply, |out| {
                encode::server_error(
                    out,
                    "memcached's reply to `me` for a key that is no text cannot be passed on",
                );
            });
        }
        if let Some(key) = translate::key(request, &mut room) {
            self.start(request, key, reply, operation, raw, now);
        }
    }

    /// A single `get`.
    #[inline]
    fn get(&mut self, get: &Get<'_>, key: &[u8], reply: Reply, operation: Operation, now: Now) {
        let plan = self.desk.plan.clone();
        let step = plan.table.first(operation, key);
        if let (Ask::Pool(pool), false, Reply::At(place)) = (step.ask, step.retries, reply)
            && let Ok(lane) = self.lanes.pick(pool, key, now.instant)
            && self.asks_meta(pool, lane)
        {
            let pending = Pending {
                to: To::Client(place),
                kind: Kind::Hit { cas: get.cas },
                operation,
                route: Some(step.at),
                key: digest(key),
                keys: 1,
                since: now.instant,
            };
            let upstream = self.lanes.lane(lane);
            translate::meta_get(upstream.output(), key, get.cas, get.touch);
            upstream.expect(pending);
            return;
        }
        // The way of many keys goes for one too: by routes that go on, and to servers that know no meta commands.
        self.get_many(get, reply, operation, now);
    }

    fn asks_meta(&self, pool: PoolId, lane: LaneId) -> bool {
        self.lanes.peek(lane).speaks_meta() && !self.lanes.pool(pool).stale_in_use.load(Ordering::Relaxed)
    }

    /// Any other request about one key.
    fn start(
        &mut self,
        request: &Request<'_>,
        key: &[u8],
        reply: Reply,
        operation: Operation,
        raw: &[u8],
        now: Now,
    ) {
        let plan = self.desk.plan.clone();
        let step = plan.table.first(operation, key);
        let in_pieces = matches!(request, Request::MetaSet(set) if set.quiet)
            || matches!(request, Request::MetaDelete(delete) if delete.quiet)
            || matches!(request, Request::MetaArithmetic(count) if count.quiet)
            || translate::hides_key(request);
        if step.retries || in_pieces {
            let one = One {
                place: match reply {
                    Reply::At(place) => Some(place),
                    Reply::Unwanted => None,
                },
                plan: plan.number,
                node: step.at,
                operation,
                request: raw.to_vec(),
                reply: Vec::new(),
                outcome: Outcome::Failed,
                best: None,
            };
            let id = self.desk.exchanges.insert(Exchange::One(one)) as u32;
            self.step_one(id, request, key, step, now);
            return;
        }
        let to = match reply {
            Reply::At(place) => To::Client(place),
            Reply::Unwanted => To::Nobody,
        };
        match step.ask {
            Ask::Pool(pool) => match self.lanes.pick(pool, key, now.instant) {
                Ok(lane) => self.send(lane, pool, request, key, to, operation, step, now),
                Err(no_lane) => {
                    let text = self.down_text(pool, &no_lane);
                    self.finish(reply, |out| match text {
                        Some(text) => encode::server_error(out, &text),
                        None => translate::absent(request, operation, out),
                    });
                }
            },
            Ask::Absent => self.finish(reply, |out| translate::absent(request, operation, out)),
            Ask::Error(text) => self.finish(reply, |out| encode::server_error(out, text)),
        }
    }

    /// Writes a request to a server's buffer.
    #[expect(clippy::too_many_arguments, reason = "what a pending request is made of")]
    fn send(
        &mut self,
        lane: LaneId,
        pool: PoolId,
        request: &Request<'_>,
        key: &[u8],
        to: To,
        operation: Operation,
        step: Step<'_>,
        now: Now,
    ) {
        if translate::marks_stale(request) {
            self.lanes.pool(pool).stale_in_use.store(true, Ordering::Relaxed);
        }
        let lifetime = step.expiry.map(|most| Lifetime { most, now: now.unix });
        let names_key = match request {
            Request::MetaGet(get) => {
                get.flags.iter().any(|flag| flag.letter == b'k') && !translate::hides_key(request)
            }
            _ => false,
        };
        let upstream = self.lanes.lane(lane);
        let kind = translate::write(request, lifetime, upstream.output());
        let key = if names_key { digest(key) } else { 0 };
        upstream.expect(Pending {
            to,
            kind,
            operation,
            route: Some(step.at),
            key,
            keys: 1,
            since: now.instant,
        });
    }

    /// What to say when nobody can be asked; none for what an empty server would say.
    fn down_text(&self, pool: PoolId, no_lane: &NoLane) -> Option<String> {
        let settings = &self.lanes.pool(pool).settings;
        self.desk.commands().errors.add(1);
        match no_lane {
            NoLane::Unusable(state) => Some(format!("pool {} is {state}", settings.pool)),
            NoLane::Overloaded(server) => {
                Some(failure_text(server, settings, peerset_route::Answer::Overloaded))
            }
            NoLane::Down(_) if settings.owner_down != OwnerDown::Error => None,
            NoLane::Down(server) => Some(failure_text(server, settings, peerset_route::Answer::Down)),
        }
    }

    /// Asks whom a step says, and goes on as long as nobody can be asked.
    fn step_one(&mut self, id: u32, request: &Request<'_>, key: &[u8], step: Step<'_>, now: Now) {
        let plan = self.desk.plan.clone();
        let mut step = step;
        loop {
            let Some(Exchange::One(one)) = self.desk.exchanges.get_mut(id as usize) else { return };
            one.node = step.at;
            one.outcome = Outcome::Failed;
            one.reply.clear();
            let operation = one.operation;
            match step.ask {
                Ask::Pool(pool) => match self.lanes.pick(pool, key, now.instant) {
                    Ok(lane) => {
                        let to = To::Part(PartId { exchange: id, part: 0 });
                        return self.send(lane, pool, request, key, to, operation, step, now);
                    }
                    Err(no_lane) => {
                        let text = self.down_text(pool, &no_lane);
                        let Some(Exchange::One(one)) = self.desk.exchanges.get_mut(id as usize) else {
                            return;
                        };
                        match text {
                            Some(text) => encode::server_error(&mut one.reply, &text),
                            None => translate::absent(request, operation, &mut one.reply),
                        }
                    }
                },
                Ask::Absent => {
                    one.outcome = Outcome::Miss;
                    translate::absent(request, operation, &mut one.reply);
                }
                Ask::Error(text) => encode::server_error(&mut one.reply, text),
            }
            let Some(Exchange::One(one)) = self.desk.exchanges.get_mut(id as usize) else { return };
            let outcome = one.outcome;
            one.rank();
            let next = (one.plan == plan.number)
                .then(|| plan.table.next(one.node, operation, key, outcome))
                .flatten();
            match next {
                Some(next) => step = next,
                None => return self.end_one(id),
            }
        }
    }

    /// The reply of a step has come: goes on, or answers.
    fn advance_one(&mut self, id: u32, now: Now) {
        let plan = self.desk.plan.clone();
        let Some(Exchange::One(one)) = self.desk.exchanges.get_mut(id as usize) else { return };
        if let Ok(Parsed::Complete { value: request, .. }) = parse_request(&one.request, &self.limits)
            && translate::hides_key(&request)
        {
            translate::restore_key(&request, &mut one.reply, &self.limits);
        }
        let outcome = one.outcome;
        one.rank();
        if one.plan == plan.number && plan.table.can_continue(one.node, one.operation) {
            let bytes = std::mem::take(&mut one.request);
            let (node, operation) = (one.node, one.operation);
            if let Ok(Parsed::Complete { value: request, .. }) = parse_request(&bytes, &self.limits) {
                let mut room = [0; KEY_BYTES_MAX];
                if let Some(key) = translate::key(&request, &mut room)
                    && let Some(step) = plan.table.next(node, operation, key, outcome)
                {
                    self.step_one(id, &request, key, step, now);
                    if let Some(Exchange::One(one)) = self.desk.exchanges.get_mut(id as usize) {
                        one.request = bytes;
                    }
                    return;
                }
            }
        }
        self.end_one(id);
    }

    fn end_one(&mut self, id: u32) {
        let Some(Exchange::One(one)) = self.desk.exchanges.try_remove(id as usize) else { return };
        if let Some(place) = one.place {
            let (_, reply) = one.best.unwrap_or((Outcome::Failed, one.reply));
            self.desk.flights.answer(place, |out| out.extend_from_slice(&reply));
        }
    }

    /// A `get` of several keys.
    fn get_many(&mut self, get: &Get<'_>, reply: Reply, operation: Operation, now: Now) {
        let Reply::At(place) = reply else { return };
        let plan = self.desk.plan.clone();
        let (mut text, mut keys) = (Vec::with_capacity(get.keys.as_words().as_bytes().len()), Vec::new());
        for key in get.keys.iter() {
            let start = text.len() as u32;
            text.extend_from_slice(key.as_bytes());
            keys.push(ManyKey { at: start..text.len() as u32, node: None, found: None, part: None });
        }
        self.desk.commands().gets.add(keys.len() as u64);
        let steps: Vec<(u32, Step<'_>)> = keys
            .iter()
            .enumerate()
            .map(|(index, key)| {
                (index as u32, plan.table.first(operation, &text[key.at.start as usize..key.at.end as usize]))
            })
            .collect();
        let many = Many {
            place,
            cas: get.cas,
            touch: get.touch,
            operation,
            plan: plan.number,
            text,
            keys,
            parts: Vec::new(),
            waiting: 0,
            error: None,
        };
        let id = self.desk.exchanges.insert(Exchange::Many(many)) as u32;
        self.step_many(id, steps, operation, now);
    }

    /// Asks for keys as their steps say, in one line for each server; ends the exchange if nobody is asked.
    fn step_many(&mut self, id: u32, steps: Vec<(u32, Step<'_>)>, operation: Operation, now: Now) {
        let plan = self.desk.plan.clone();
        // Taken out while the connections are written to; nothing of it can be answered meanwhile.
        let Some(entry) = self.desk.exchanges.get_mut(id as usize) else { return };
        let placeholder = Exchange::All(All { place: None, waiting: 0, error: None });
        let Exchange::Many(mut many) = std::mem::replace(entry, placeholder) else { return };
        let mut asked: Vec<(LaneId, u32, Option<Duration>)> = Vec::with_capacity(steps.len());
        for (index, first) in steps {
            let mut step = Some(first);
            while let Some(now_at) = step {
                many.keys[index as usize].node = Some(now_at.at);
                let at = many.keys[index as usize].at.clone();
                let key = &many.text[at.start as usize..at.end as usize];
                let outcome = match now_at.ask {
                    Ask::Pool(pool) => match self.lanes.pick(pool, key, now.instant) {
                        Ok(lane) => {
                            asked.push((lane, index, now_at.expiry));
                            break;
                        }
                        Err(no_lane) => {
                            let text = self.down_text(pool, &no_lane);
                            let next = plan.table.next(now_at.at, operation, key, Outcome::Failed);
                            if let (Some(text), None) = (text, next) {
                                many.error.get_or_insert(text);
                            }
                            Outcome::Failed
                        }
                    },
                    Ask::Absent => Outcome::Miss,
                    Ask::Error(text) => {
                        many.error.get_or_insert_with(|| text.to_owned());
                        Outcome::Failed
                    }
                };
                step = plan.table.next(now_at.at, operation, key, outcome);
            }
        }
        // By server, and in the order of the keys within one.
        asked.sort_unstable_by_key(|&(lane, index, _)| (lane, index));
        let mut rest = &asked[..];
        while let Some(&(lane, _, expiry)) = rest.first() {
            let mut bytes = 0;
            let bound = if many.touch.is_some() { LINE_BYTES_MAX } else { usize::MAX };
            let count = rest
                .iter()
                .take_while(|&&(other, index, life)| {
                    bytes += many.key(index as usize).len() + 1;
                    other == lane && life == expiry && bytes <= bound
                })
                .count()
                .max(1);
            let (group, others) = rest.split_at(count);
            rest = others;
            let part = many.parts.len() as u32;
            let keys: Vec<u32> = group.iter().map(|&(_, index, _)| index).collect();
            let lifetime = expiry.map(|most| Lifetime { most, now: now.unix });
            let upstream = self.lanes.lane(lane);
            translate::multi_get(
                upstream.output(),
                keys.iter().map(|&index| many.key(index as usize)),
                many.cas,
                many.touch,
                lifetime,
            );
            upstream.expect(Pending {
                to: To::Part(PartId { exchange: id, part }),
                kind: Kind::Values,
                operation,
                route: None,
                key: 0,
                keys: keys.len() as u32,
                since: now.instant,
            });
            for &index in &keys {
                many.keys[index as usize].part = Some(part);
            }
            many.parts.push(Part { keys, next: 0, values: Vec::new(), failed: None });
            many.waiting += 1;
        }
        let waiting = many.waiting;
        if let Some(entry) = self.desk.exchanges.get_mut(id as usize) {
            *entry = Exchange::Many(many);
        }
        if waiting == 0 {
            self.end_many(id);
        }
    }

    /// All servers have answered: goes on with the keys whose routes do, or answers.
    fn advance_many(&mut self, id: u32, now: Now) {
        let plan = self.desk.plan.clone();
        let Some(Exchange::Many(many)) = self.desk.exchanges.get_mut(id as usize) else { return };
        let operation = many.operation;
        let routes = &plan.routes[self.desk.worker];
        let mut steps = Vec::new();
        for index in 0..many.keys.len() {
            let key = &many.keys[index];
            let (Some(part), Some(node)) = (key.part, key.node) else { continue };
            let failed = many.parts[part as usize].failed.clone();
            let outcome = match (&key.found, &failed) {
                (Some(_), _) => Outcome::Done,
                (None, None) => Outcome::Miss,
                (None, Some(_)) => Outcome::Failed,
            };
            let same_plan = many.plan == plan.number;
            if same_plan && let Some(counters) = routes.get(node.index()) {
                counters.count(operation, outcome);
            }
            let next =
                same_plan.then(|| plan.table.next(node, operation, many.key(index), outcome)).flatten();
            many.keys[index].part = None;
            match (next, failed) {
                (Some(step), _) => steps.push((index as u32, step)),
                (None, Some(failed)) if outcome == Outcome::Failed && failed.loud => {
                    many.error.get_or_insert_with(|| failed.text.to_string());
                }
                _ => {}
            }
        }
        if steps.is_empty() {
            return self.end_many(id);
        }
        self.step_many(id, steps, operation, now);
    }

    fn end_many(&mut self, id: u32) {
        let Some(Exchange::Many(many)) = self.desk.exchanges.try_remove(id as usize) else { return };
        self.desk.held = self.desk.held.saturating_sub(many.bytes());
        self.desk.flights.answer(many.place, |out| match &many.error {
            // Servers' own words already say what kind of error it is.
            Some(text) if text.contains("ERROR") => {
                out.extend_from_slice(text.as_bytes());
                out.extend_from_slice(b"\r\n");
            }
            Some(text) => encode::server_error(out, text),
            None => many.write(out),
        });
    }
}

/// What is not about one key.
impl ProxyService {
    /// Answers what needs no server, or asks all of them.
    fn answer_here(
        &mut self,
        client: Client,
        session: &mut Session,
        request: &Request<'_>,
        output: &mut Vec<u8>,
        now: Now,
    ) {
        self.desk.commands().others.add(1);
        match request {
            Request::FlushAll { delay, noreply } => {
                let line = Request::FlushAll { delay: *delay, noreply: false };
                return self.ask_all(client, session, &line, *noreply, now);
            }
            Request::Verbosity { level, noreply } => {
                let line = Request::Verbosity { level: *level, noreply: false };
                return self.ask_all(client, session, &line, *noreply, now);
            }
            _ => {}
        }
        let proxy = self.proxy.clone();
        self.say(client, session, output, |out| match request {
            Request::MetaNoop => out.extend_from_slice(encode::META_NOOP),
            Request::Version => encode::version(out, stats::VERSION),
            Request::Stats { arguments } => stats::answer(&proxy, *arguments, out),
            Request::ConfigGet { name } => proxy.topology.write(name.as_bytes(), out),
            Request::Shutdown => out.extend_from_slice(encode::SHUTDOWN_REFUSED),
            _ => out.extend_from_slice(encode::ERROR),
        });
    }

    /// A command for every server that there is.
    fn ask_all(
        &mut self,
        client: Client,
        session: &mut Session,
        line: &Request<'_>,
        noreply: bool,
        now: Now,
    ) {
        let place = (!noreply).then(|| self.place(client, session));
        let all = All { place, waiting: 0, error: None };
        let id = self.desk.exchanges.insert(Exchange::All(all)) as u32;
        let (mut waiting, mut error) = (0, None);
        for lane in self.lanes.all() {
            if self.lanes.admit(lane, now.instant).is_err() {
                let server = &self.lanes.peek(lane).server;
                error.get_or_insert_with(|| format!("server {} is down", server.label));
                continue;
            }
            let upstream = self.lanes.lane(lane);
            line.encode(upstream.output());
            upstream.expect(Pending {
                to: To::Part(PartId { exchange: id, part: 0 }),
                kind: Kind::Line,
                operation: Operation::Delete,
                route: None,
                key: 0,
                keys: 1,
                since: now.instant,
            });
            waiting += 1;
        }
        if let Some(Exchange::All(all)) = self.desk.exchanges.get_mut(id as usize) {
            all.waiting = waiting;
            all.error = error;
        }
        if waiting == 0 {
            self.end_all(id);
        }
    }

    fn end_all(&mut self, id: u32) {
        let Some(Exchange::All(all)) = self.desk.exchanges.try_remove(id as usize) else { return };
        let Some(place) = all.place else { return };
        self.desk.flights.answer(place, |out| match &all.error {
            None => out.extend_from_slice(encode::OK),
            Some(text) => encode::server_error(out, text.strip_prefix("SERVER_ERROR ").unwrap_or(text)),
        });
    }
}

/// Replies.
impl ProxyService {
    /// A place for the reply to a request that is being dispatched.
    #[inline]
    fn place(&mut self, client: Client, session: &mut Session) -> Place {
        let flight = match session.flight {
            Some(flight) => flight,
            None => *session.flight.insert(self.desk.flights.open(client)),
        };
        self.desk.flights.place(flight)
    }

    fn finish(&mut self, reply: Reply, write: impl FnOnce(&mut Vec<u8>)) {
        if let Reply::At(place) = reply {
            self.desk.flights.answer(place, write);
        }
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
                let place = self.place(client, session);
                self.desk.flights.answer(place, write);
            }
        }
    }

    fn refuse(
        &mut self,
        client: Client,
        session: &mut Session,
        error: &RequestError<'_>,
        output: &mut Vec<u8>,
        now: Now,
    ) {
        self.desk.commands().protocol_errors.add(1);
        self.say(client, session, output, |out| out.extend_from_slice(error.reply()));
        // What could not be replaced must not stay as though it were new.
        let Some(unlink) = &error.unlink else { return };
        let mut line = Vec::new();
        line.extend_from_slice(if unlink.is_base64() { b"md " } else { b"delete " });
        line.extend_from_slice(unlink.raw().as_bytes());
        line.extend_from_slice(if unlink.is_base64() { b" b\r\n" } else { b"\r\n" });
        if let Ok(Parsed::Complete { value: delete, .. }) = parse_request(&line, &self.limits) {
            let mut room = [0; KEY_BYTES_MAX];
            let key = unlink.decode(&mut room);
            self.start(&delete, key, Reply::Unwanted, Operation::Delete, &line, now);
        }
    }

    /// Follows up on what servers have answered.
    fn follow_up(&mut self, now: Now) {
        while let Some(id) = self.desk.complete.pop() {
            match self.desk.exchanges.get(id as usize) {
                Some(Exchange::Many(_)) => self.advance_many(id, now),
                Some(Exchange::One(_)) => self.advance_one(id, now),
                Some(Exchange::All(_)) => self.end_all(id),
                None => {}
            }
        }
    }

    /// Requests of one connection that may be under way, going by how large replies are these days.
    fn in_flight_max(&self) -> usize {
        (IN_FLIGHT_BYTES / self.desk.reply_bytes.max(1)).clamp(IN_FLIGHT_MIN, IN_FLIGHT_MAX)
    }

    /// Whether replies held for others take what they may.
    fn is_full(&self) -> bool {
        self.desk.held + self.desk.flights.bytes() >= self.proxy.reply_bytes_max()
    }
}

impl Service for ProxyService {
    type Session = Session;
    type Reservation = Share;

    fn open(&mut self, _: Option<SocketAddr>) -> Session {
        Session { skip: 0, flight: None }
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
                let (waiting, bytes) = self.desk.flights.load(flight);
                if waiting >= self.in_flight_max() || bytes >= OUTPUT_HIGH {
                    return Turn { consumed, next: Next::Hold };
                }
            } else if self.is_full() {
                return Turn { consumed, next: Next::Wait };
            }
            match parse_request(rest, &self.limits) {
                Ok(Parsed::Incomplete { bytes_min }) => {
                    return Turn { consumed, next: Next::Read { bytes_min } };
                }
                Ok(Parsed::Complete { value: Request::Quit, consumed: length }) => {
                    return Turn { consumed: consumed + length, next: Next::Close };
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
            Purpose::Replies => self.proxy.replies.is_scarce(),
        }
    }

    fn attach(&mut self, registry: Registry) {
        self.lanes.attach(registry);
        let plan = self.desk.plan.clone();
        self.lanes.follow(&plan, Instant::now());
    }

    fn woken(&mut self, now: Now) {
        if self.desk.shared.number() != self.desk.plan.number {
            self.desk.plan = self.desk.shared.plan();
            let plan = self.desk.plan.clone();
            self.lanes.follow(&plan, now.instant);
        }
        self.lanes.look(now.instant);
    }

    fn ready(&mut self, token: usize, now: Now) {
        self.desk.now = now.instant;
        self.lanes.ready(token - TOKENS_OWN, &mut self.scratch, now.instant, &mut self.desk);
    }

    fn end_turn(&mut self, now: Now, answered: &mut Vec<Client>) {
        self.desk.now = now.instant;
        self.lanes.check(now.instant, &mut self.desk);
        loop {
            self.follow_up(now);
            self.lanes.flush(now.instant, &mut self.desk);
            if self.desk.complete.is_empty() {
                break;
            }
        }
        self.desk.flights.take_named(now.instant, answered);
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

    fn patience(&self) -> Option<Duration> {
        match self.desk.flights.is_leaving() {
            true => Some(Duration::ZERO),
            false => self.lanes.patience(),
        }
    }

    fn close(&mut self, session: Session) {
        if let Some(flight) = session.flight {
            self.desk.flights.abandon(flight);
        }
    }
}
