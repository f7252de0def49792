//! Requests about one key.

use std::sync::atomic::Ordering;

use peerset_proto_memcache::reply::encode;
use peerset_proto_memcache::request::Get;
use peerset_proto_memcache::{KEY_BYTES_MAX, Parsed, Request, parse_request};
use peerset_route::{Answer, Ask, Operation, Outcome, OwnerDown, PoolId, Step};

use super::ProxyService;
use crate::front::Now;
use crate::proxy::desk::failure_text;
use crate::proxy::exchange::{Exchange, One, PartId};
use crate::proxy::flight::Place;
use crate::proxy::lanes::{LaneId, NoLane};
use crate::proxy::pending::{Kind, Pending, To, digest};
use crate::proxy::plan::Plan;
use crate::proxy::translate::{self, Lifetime};

/// What a client hears of a key for which a pool's prefix leaves no room. Passed on, what follows such a key could be
/// taken for another request.
pub(super) const KEY_TOO_LONG: &[u8] =
    b"CLIENT_ERROR the key is too long with the prefix that its pool puts before it\r\n";

/// What a request is sent for: who waits for the reply, and where it is on its route.
struct Errand<'p> {
    to: To,
    operation: Operation,
    plan: u32,
    step: Step<'p>,
}

impl ProxyService {
    /// A single `get`.
    #[inline]
    pub(super) fn get(&mut self, get: &Get<'_>, key: &[u8], place: Place, operation: Operation, now: Now) {
        let step = self.desk.plan.table.first(operation, key);
        if let (Ask::Pool(pool), false) = (step.ask, step.retries)
            && let Ok(lane) = self.lanes.pick(pool, key, operation, now.instant)
            && self.asks_meta(pool, lane)
            && key.len() + self.lanes.peek(lane).prefix_bytes() <= KEY_BYTES_MAX
        {
            self.desk.commands().gets.add(1);
            let kind = Kind::Hit { cas: get.cas };
            let plan = self.desk.plan.number;
            let mut pending = Pending::new(To::Client(place), kind, operation, plan, now.instant);
            pending.route = Some(step.at);
            let upstream = self.lanes.lane(lane, self.asker);
            if get.cas || get.touch.is_some() {
                let (output, prefix) = upstream.output();
                translate::meta_get(output, prefix, key, get.cas, get.touch);
                pending.prefix = prefix.len() as u8;
                pending.key = digest(key);
                upstream.expect(pending);
            } else {
                let (line, prefix) = upstream.line(false, true);
                translate::keys(line, prefix, [key].into_iter());
                pending.prefix = prefix.len() as u8;
                pending.kind = Kind::Read { answered: false };
                upstream.read(pending);
            }
            return;
        }
        // The way of many keys goes for one too: by routes that go on, and to servers that know no meta commands.
        self.get_many(get, place, operation, now);
    }

    fn asks_meta(&self, pool: PoolId, lane: LaneId) -> bool {
        self.lanes.peek(lane).speaks_meta()
            && !self.lanes.pool(pool).settings.stale_in_use.load(Ordering::Relaxed)
    }

    /// Any other request about one key.
    pub(super) fn start(
        &mut self,
        request: &Request<'_>,
        key: &[u8],
        place: Place,
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
                place,
                plan: plan.number,
                node: step.at,
                operation,
                request: raw.to_vec(),
                reply: Vec::new(),
                outcome: Outcome::Failed,
                best: None,
            };
            let id = self.desk.exchanges.insert(Exchange::One(one)) as u32;
            self.step_one(id, &plan, request, key, step, now);
            return;
        }
        match step.ask {
            Ask::Pool(pool) => match self.pick(plan.number, pool, key, operation, now) {
                Ok((_, lane)) if self.is_too_long(lane, request) => {
                    self.finish(place, |out| out.extend_from_slice(KEY_TOO_LONG));
                }
                Ok(server) => {
                    let errand = Errand { to: To::Client(place), operation, plan: plan.number, step };
                    self.send(server, request, key, errand, now);
                }
                Err(text) => {
                    self.desk.count_refused(plan.number, step.at, operation);
                    self.finish(place, |out| match text {
                        Some(text) => encode::server_error(out, &text),
                        None => translate::absent(request, operation, out),
                    });
                }
            },
            Ask::Absent => self.finish(place, |out| translate::absent(request, operation, out)),
            Ask::Error(text) => self.finish(place, |out| encode::server_error(out, text)),
        }
    }

    /// Whether a key is too long with what its pool puts before it.
    fn is_too_long(&self, lane: LaneId, request: &Request<'_>) -> bool {
        let prefix = self.lanes.peek(lane).prefix_bytes();
        prefix > 0 && translate::is_too_long(request, prefix)
    }

    /// Writes a request to a server's buffer.
    fn send(
        &mut self,
        (pool, lane): (PoolId, LaneId),
        request: &Request<'_>,
        key: &[u8],
        errand: Errand<'_>,
        now: Now,
    ) {
        let Errand { to, operation, plan, step } = errand;
        let marks_stale = translate::marks_stale(request);
        if marks_stale {
            self.lanes.pool(pool).settings.stale_in_use.store(true, Ordering::Relaxed);
        }
        let lifetime = step.expiry.map(|most| Lifetime { most, now: now.unix });
        let names_key = match request {
            Request::MetaGet(get) => {
                get.flags.iter().any(|flag| flag.letter == b'k') && !translate::hides_key(request)
            }
            _ => false,
        };
        let upstream = self.lanes.lane(lane, self.asker);
        if marks_stale {
            // Behind reads that were to be `mg`, as nobody knew yet.
            upstream.go_last();
        }
        let (output, prefix) = upstream.output();
        let kind = translate::write(request, lifetime, prefix, output);
        let prefix = prefix.len() as u8;
        let key = if names_key { digest(key) } else { 0 };
        upstream.expect(Pending {
            route: Some(step.at),
            key,
            prefix,
            ..Pending::new(to, kind, operation, plan, now.instant)
        });
        if translate::is_noreply(request) || matches!(kind, Kind::Quiet { .. }) {
            upstream.hold_back();
        }
    }

    /// Whom to ask for a key in a pool of this plan, which may be an earlier one; else what to say, none for what an empty
    /// server would say.
    #[inline]
    pub(super) fn pick(
        &mut self,
        plan: u32,
        pool: PoolId,
        key: &[u8],
        operation: Operation,
        now: Now,
    ) -> Result<(PoolId, LaneId), Option<String>> {
        let Some(pool) = self.desk.pool_now(plan, pool) else {
            self.desk.commands().errors.add(1);
            return Err(Some("the pool of this key was taken out of the config".to_owned()));
        };
        match self.lanes.pick(pool, key, operation, now.instant) {
            Ok(lane) => Ok((pool, lane)),
            Err(no_lane) => Err(self.down_text(pool, &no_lane)),
        }
    }

    /// What to say when nobody can be asked; none for what an empty server would say.
    pub(super) fn down_text(&self, pool: PoolId, no_lane: &NoLane) -> Option<String> {
        let settings = &self.lanes.pool(pool).settings;
        self.desk.commands().errors.add(1);
        match no_lane {
            NoLane::Unusable(state) => Some(format!("pool {} is {state}", settings.pool)),
            NoLane::Overloaded(server) => Some(failure_text(server, settings, Answer::Overloaded)),
            NoLane::Down(_) if settings.owner_down != OwnerDown::Error => None,
            NoLane::Down(server) | NoLane::OwnerOnly(server) => {
                Some(failure_text(server, settings, Answer::Down))
            }
        }
    }

    /// Asks whom a step says, and goes on as long as nobody can be asked.
    fn step_one(
        &mut self,
        id: u32,
        plan: &Plan,
        request: &Request<'_>,
        key: &[u8],
        first: Step<'_>,
        now: Now,
    ) {
        let mut step = first;
        loop {
            let Some(Exchange::One(one)) = self.desk.exchanges.get_mut(id as usize) else { return };
            one.node = step.at;
            one.outcome = Outcome::Failed;
            one.reply.clear();
            let operation = one.operation;
            match step.ask {
                Ask::Pool(pool) => match self.pick(plan.number, pool, key, operation, now) {
                    Ok((_, lane)) if self.is_too_long(lane, request) => {
                        if let Some(Exchange::One(one)) = self.desk.exchanges.get_mut(id as usize) {
                            one.outcome = Outcome::Done;
                            one.reply.extend_from_slice(KEY_TOO_LONG);
                        }
                    }
                    Ok(server) => {
                        let to = To::Part(PartId { exchange: id, part: 0 });
                        let errand = Errand { to, operation, plan: plan.number, step };
                        return self.send(server, request, key, errand, now);
                    }
                    Err(text) => {
                        self.desk.count_refused(plan.number, step.at, operation);
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
            match plan.table.next(one.node, operation, key, outcome) {
                Some(next) => step = next,
                None => return self.end_one(id),
            }
        }
    }

    /// The reply of a step has come: goes on, or answers.
    pub(super) fn advance_one(&mut self, id: u32, now: Now) {
        let number = self.desk.exchanges.get(id as usize).and_then(Exchange::plan);
        let plan = number.and_then(|number| self.desk.plan_of(number));
        let Some(Exchange::One(one)) = self.desk.exchanges.get_mut(id as usize) else { return };
        if let Ok(Parsed::Complete { value: request, .. }) = parse_request(&one.request, &self.limits)
            && translate::hides_key(&request)
        {
            translate::restore_key(&request, &mut one.reply, &self.limits);
        }
        let outcome = one.outcome;
        one.rank();
        if let Some(plan) = plan
            && plan.table.can_continue(one.node, one.operation)
        {
            let bytes = std::mem::take(&mut one.request);
            let (node, operation) = (one.node, one.operation);
            if let Ok(Parsed::Complete { value: request, .. }) = parse_request(&bytes, &self.limits) {
                let mut room = [0; KEY_BYTES_MAX];
                if let Some(key) = translate::key(&request, &mut room)
                    && let Some(step) = plan.table.next(node, operation, key, outcome)
                {
                    self.step_one(id, &plan, &request, key, step, now);
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
        let (_, reply) = one.best.unwrap_or((Outcome::Failed, one.reply));
        self.desk.flights.answer(one.place, |out| out.extend_from_slice(&reply));
    }
}
