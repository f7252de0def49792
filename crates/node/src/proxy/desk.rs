//! Where replies of servers become replies to clients.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use peerset_proto_memcache::reply::{MetaReply, encode};
use peerset_proto_memcache::{KEY_BYTES_MAX, Reply};
use peerset_route::{Answer, NodeId, Operation, Outcome, OwnerDown, PoolId};
use slab::Slab;

use super::counters::{CommandCounters, RouteCounters};
use super::exchange::{Exchange, Failed, Many, PartId};
use super::flight::Flights;
use super::past::PastPlans;
use super::pending::{self, Kind, Pending, To, digest};
use super::plan::{Plan, Shared};
use super::pool::{Server, Settings};
use super::translate;
use super::upstream::Replies;

/// What one worker owes its clients.
pub(super) struct Desk {
    pub(super) flights: Flights,
    pub(super) exchanges: Slab<Exchange>,
    /// Exchanges that have all replies of their present step, first come first.
    pub(super) complete: VecDeque<u32>,
    pub(super) plan: Arc<Plan>,
    pub(super) past: PastPlans,
    pub(super) shared: Arc<Shared>,
    pub(super) worker: usize,
    pub(super) now: Instant,
    /// About how large the largest of recent replies are, in bytes.
    pub(super) reply_bytes: usize,
    /// Bytes of values that wait for others of their multi-get.
    pub(super) held: usize,
    /// And at most.
    pub(super) held_max: usize,
    /// For their memory.
    pub(super) spare: Vec<Many>,
}

/// Exchanges kept for their memory.
const SPARE_MAX: usize = 256;

/// One that holds more is given back to the system.
const SPARE_BYTES_MAX: usize = 64 * 1024;

impl Desk {
    pub(super) fn commands(&self) -> &CommandCounters {
        &self.shared.commands[self.worker]
    }

    /// Keeps an exchange that is over for the next one.
    pub(super) fn keep_many(&mut self, mut many: Many) {
        if self.spare.len() < SPARE_MAX && many.capacity() <= SPARE_BYTES_MAX {
            many.clear();
            self.spare.push(many);
        }
    }

    /// Counts what came of a request on its route.
    #[inline]
    fn count_route(&self, pending: &Pending, outcome: Outcome) {
        let Some(counters) = pending.route.and_then(|node| self.route(pending.plan, node)) else { return };
        counters.count(pending.operation, outcome);
        counters.latency.observe(self.now.saturating_duration_since(pending.since));
    }

    /// Counts a request for which nobody could be asked.
    pub(super) fn count_refused(&self, plan: u32, node: NodeId, operation: Operation) {
        if let Some(counters) = self.route(plan, node) {
            counters.count(operation, Outcome::Failed);
        }
    }

    /// The counters of a route.
    #[inline]
    pub(super) fn route(&self, plan: u32, node: NodeId) -> Option<&RouteCounters> {
        let plan = if plan == self.plan.number { &self.plan } else { self.past.plan(plan)? };
        plan.routes[self.worker].get(node.index()).map(|counters| &**counters)
    }

    /// The plan of this number, as long as something goes by it.
    pub(super) fn plan_of(&self, number: u32) -> Option<Arc<Plan>> {
        if number == self.plan.number { Some(self.plan.clone()) } else { self.past.plan(number).cloned() }
    }

    /// What is now a pool of this plan; none if it is no more.
    #[inline]
    pub(super) fn pool_now(&self, plan: u32, pool: PoolId) -> Option<PoolId> {
        if plan == self.plan.number { Some(pool) } else { self.past.pool(plan, pool) }
    }

    /// Takes another plan. `used` are those that requests which wait for servers go by.
    pub(super) fn follow(&mut self, plan: Arc<Plan>, used: impl Iterator<Item = u32>) {
        let used = self.exchanges.iter().filter_map(|(_, exchange)| exchange.plan()).chain(used).collect();
        let before = std::mem::replace(&mut self.plan, plan);
        self.past.retire(before, &self.plan, &used);
    }

    #[inline]
    fn measure(&mut self, bytes: usize) {
        self.reply_bytes = bytes.max(self.reply_bytes - self.reply_bytes / 64);
    }
}

/// Whether a meta reply is about the key that was asked for, as far as it says.
#[inline]
fn is_about(meta: &MetaReply<'_>, expected: u64, prefix: usize) -> bool {
    let (mut key, mut encoded) = (None, false);
    for flag in meta.flags {
        match flag.letter {
            b'k' => key = Some(flag.token),
            b'b' => encoded = true,
            _ => {}
        }
    }
    match key {
        None => meta.value.is_none(),
        Some(_) if encoded => {
            let mut room = [0; KEY_BYTES_MAX];
            meta.key().is_some_and(|key| is_digest(key.decode(&mut room), prefix, expected))
        }
        Some(key) => is_digest(key, prefix, expected),
    }
}

#[inline]
fn is_digest(key: &[u8], prefix: usize, expected: u64) -> bool {
    key.get(prefix..).is_some_and(|key| digest(key) == expected)
}

impl Replies for Desk {
    fn spoil(&mut self, pending: &Pending, key: &[u8], text: &str) -> bool {
        let To::Part(PartId { exchange, part }) = pending.to else { return false };
        let Some(Exchange::Many(many)) = self.exchanges.get_mut(exchange as usize) else { return false };
        let key = key.get(usize::from(pending.prefix)..).unwrap_or_default();
        let asked = many.pass(part, key).is_some();
        if asked {
            many.error.get_or_insert_with(|| format!("SERVER_ERROR {text}"));
        }
        asked
    }

    fn part(&mut self, pending: &Pending, reply: &Reply<'_>, bytes: &[u8]) -> bool {
        self.measure(bytes.len());
        let To::Part(PartId { exchange, part }) = pending.to else { return true };
        match self.exchanges.get_mut(exchange as usize) {
            Some(Exchange::Many(many)) => match reply {
                Reply::Value(value) => {
                    let prefix = usize::from(pending.prefix);
                    let key = value.key.as_bytes().get(prefix..).unwrap_or_default();
                    if self.held + bytes.len() > self.held_max {
                        if many.pass(part, key).is_none() {
                            return false;
                        }
                        let text = "SERVER_ERROR the values of this get are more than --buffer-memory allows: ask for fewer";
                        many.error.get_or_insert_with(|| text.to_owned());
                        return true;
                    }
                    let taken = many.take(part, key, bytes, prefix);
                    if taken {
                        self.held += bytes.len() - prefix;
                    }
                    taken
                }
                _ => false,
            },
            Some(Exchange::One(one)) => {
                one.outcome = pending::answer(reply).outcome();
                translate::reply(pending, reply, bytes, &mut one.reply);
                true
            }
            _ => false,
        }
    }

    fn last(&mut self, pending: &Pending, reply: &Reply<'_>, bytes: &[u8]) -> bool {
        self.measure(bytes.len());
        if let Reply::Meta(meta) = reply
            && pending.key != 0
            && !is_about(meta, pending.key, usize::from(pending.prefix))
        {
            return false;
        }
        let outcome = pending::answer(reply).outcome();
        match pending.to {
            To::Client(place) => {
                self.count_route(pending, outcome);
                self.flights.answer(place, |out| translate::reply(pending, reply, bytes, out));
            }
            To::Part(PartId { exchange, part }) => match self.exchanges.get_mut(exchange as usize) {
                Some(Exchange::Many(many)) => {
                    if !matches!(reply, Reply::End) {
                        let text = String::from_utf8_lossy(bytes.trim_ascii_end()).into();
                        many.parts[part as usize].failed = Some(Failed { text, loud: true });
                    }
                    many.waiting -= 1;
                    if many.waiting == 0 {
                        self.complete.push_back(exchange);
                    }
                }
                Some(Exchange::One(one)) => {
                    match pending.kind {
                        // What there is of it has come before.
                        Kind::Quiet { replied: true } => {}
                        // Silence is a success.
                        Kind::Quiet { replied: false } => one.outcome = Outcome::Done,
                        _ => {
                            one.outcome = outcome;
                            translate::reply(pending, reply, bytes, &mut one.reply);
                        }
                    }
                    let outcome = one.outcome;
                    self.complete.push_back(exchange);
                    self.count_route(pending, outcome);
                }
                Some(Exchange::All(all)) => {
                    if !matches!(reply, Reply::Ok) {
                        all.error
                            .get_or_insert_with(|| String::from_utf8_lossy(bytes.trim_ascii_end()).into());
                    }
                    all.waiting -= 1;
                    if all.waiting == 0 {
                        self.complete.push_back(exchange);
                    }
                }
                None => debug_assert!(false, "exchanges last as long as their parts"),
            },
        }
        true
    }

    fn failed(&mut self, pending: Pending, server: &Server, settings: &Settings, why: Answer) {
        self.commands().errors.add(1);
        let quiet_miss = match settings.owner_down {
            OwnerDown::Miss => true,
            OwnerDown::Error => false,
            // As for a request whose owner is known to be down before it is sent: nobody else can answer it.
            OwnerDown::Next => !pending.operation.names_version(),
        };
        match pending.to {
            To::Client(place) => {
                self.count_route(&pending, Outcome::Failed);
                self.flights.answer(place, |out| {
                    write_failure(&pending, server, settings, why, quiet_miss, out);
                });
            }
            To::Part(PartId { exchange, part }) => match self.exchanges.get_mut(exchange as usize) {
                Some(Exchange::Many(many)) => {
                    let text = format!("SERVER_ERROR {}", failure_text(server, settings, why)).into();
                    many.parts[part as usize].failed = Some(Failed { text, loud: !quiet_miss });
                    many.waiting -= 1;
                    if many.waiting == 0 {
                        self.complete.push_back(exchange);
                    }
                }
                Some(Exchange::One(one)) => {
                    one.outcome = Outcome::Failed;
                    one.reply.clear();
                    write_failure(&pending, server, settings, why, quiet_miss, &mut one.reply);
                    self.complete.push_back(exchange);
                    self.count_route(&pending, Outcome::Failed);
                }
                Some(Exchange::All(all)) => {
                    all.error.get_or_insert_with(|| {
                        format!("SERVER_ERROR {}", failure_text(server, settings, why))
                    });
                    all.waiting -= 1;
                    if all.waiting == 0 {
                        self.complete.push_back(exchange);
                    }
                }
                None => debug_assert!(false, "exchanges last as long as their parts"),
            },
        }
    }
}

/// What a client hears of a request that got no reply: of a read a miss, where the pool's policy is that; of a write
/// that nothing was done, where that is certain, and an error else.
fn write_failure(
    pending: &Pending,
    server: &Server,
    settings: &Settings,
    why: Answer,
    quiet_miss: bool,
    out: &mut Vec<u8>,
) {
    if quiet_miss {
        match pending.kind {
            Kind::Hit { .. } | Kind::Read { .. } => return out.extend_from_slice(encode::END),
            Kind::QuietHit => return,
            Kind::Meta { echoes: false } if pending.operation.is_read() => {
                return out.extend_from_slice(encode::META_MISS);
            }
            Kind::Line if !why.is_uncertain() => {
                return out.extend_from_slice(translate::absent_line(pending.operation));
            }
            _ => {}
        }
    }
    encode::server_error(out, &failure_text(server, settings, why));
}

/// For people.
pub(super) fn failure_text(server: &Server, settings: &Settings, why: Answer) -> String {
    let what = match why {
        Answer::Down => "is down",
        Answer::Overloaded => "is overloaded: too many requests wait for it",
        Answer::TimedOut => "did not answer in time",
        _ => "closed the connection before answering",
    };
    format!("pool {}: server {} {what}", settings.pool, server.label)
}
