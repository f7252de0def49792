//! A `get` of several keys: one line for each server, as its keys' routes say.

use std::time::Duration;

use peerset_proto_memcache::KEY_BYTES_MAX;
use peerset_proto_memcache::request::Get;
use peerset_route::{Ask, Operation, Outcome, Step};

use super::ProxyService;
use super::one::KEY_TOO_LONG;
use crate::front::Now;
use crate::proxy::exchange::{Exchange, Many, ManyKey, PartId};
use crate::proxy::flight::Place;
use crate::proxy::lanes::LaneId;
use crate::proxy::pending::{Kind, Pending, To};
use crate::proxy::plan::Plan;
use crate::proxy::translate::{self, Lifetime};

/// Bytes of keys in one `gat`: memcached closes over a longer line, as it does not over that of `get`.
const LINE_BYTES_MAX: usize = 2000;

/// A key that a server is to be asked for.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    lane: LaneId,
    /// Which of the keys.
    index: u32,
    /// The longest that a touch may let it live.
    expiry: Option<Duration>,
}

impl ProxyService {
    /// A `get` of several keys.
    pub(super) fn get_many(&mut self, get: &Get<'_>, place: Place, operation: Operation, now: Now) {
        let mut many = self.desk.spare.pop().unwrap_or_else(|| Many::new(place));
        many.place = place;
        many.cas = get.cas;
        many.touch = get.touch;
        many.operation = operation;
        let plan = self.desk.plan.clone();
        many.plan = plan.number;
        for key in get.keys.iter() {
            let start = many.text.len() as u32;
            many.text.extend_from_slice(key.as_bytes());
            many.keys.push(ManyKey {
                at: start..many.text.len() as u32,
                node: None,
                found: None,
                part: None,
            });
        }
        self.desk.commands().gets.add(many.keys.len() as u64);
        self.desk.held += many.key_bytes();
        let id = self.desk.exchanges.insert(Exchange::Many(many)) as u32;
        self.step_many(id, &plan, None, now);
    }

    /// Asks for keys as their steps say, or all of them for the first time, in one line for each server. Ends the exchange
    /// if nobody is asked.
    fn step_many(&mut self, id: u32, plan: &Plan, steps: Option<Vec<(u32, Step<'_>)>>, now: Now) {
        // Taken out while the connections are written to; nothing of it can be answered meanwhile.
        let Some(entry) = self.desk.exchanges.get_mut(id as usize) else { return };
        let Exchange::Many(entry) = entry else { return };
        let placeholder = Many::new(entry.place);
        let mut many = std::mem::replace(entry, placeholder);
        let mut asked = std::mem::take(&mut self.asked);
        match steps {
            Some(steps) => {
                for (index, step) in steps {
                    self.ask_for(plan, &mut many, index, step, &mut asked, now);
                }
            }
            None => {
                for index in 0..many.keys.len() {
                    let step = plan.table.first(many.operation, many.key(index));
                    self.ask_for(plan, &mut many, index as u32, step, &mut asked, now);
                }
            }
        }
        self.write_many(id, &mut many, &mut asked, now);
        asked.clear();
        self.asked = asked;
        let waiting = many.waiting;
        if let Some(entry) = self.desk.exchanges.get_mut(id as usize) {
            *entry = Exchange::Many(many);
        }
        if waiting == 0 {
            self.end_many(id);
        }
    }

    /// Finds who is asked for one key, going on as long as nobody can be.
    #[inline]
    fn ask_for(
        &mut self,
        plan: &Plan,
        many: &mut Many,
        index: u32,
        first: Step<'_>,
        asked: &mut Vec<Asked>,
        now: Now,
    ) {
        let operation = many.operation;
        let at = many.keys[index as usize].at.clone();
        let key = &many.text[at.start as usize..at.end as usize];
        let mut step = first;
        loop {
            many.keys[index as usize].node = Some(step.at);
            let (outcome, text) = match step.ask {
                Ask::Pool(pool) => match self.pick(plan.number, pool, key, operation, now) {
                    Ok((_, lane)) if key.len() + self.lanes.peek(lane).prefix_bytes() > KEY_BYTES_MAX => {
                        many.error.get_or_insert_with(|| line(KEY_TOO_LONG));
                        return;
                    }
                    Ok((_, lane)) => return asked.push(Asked { lane, index, expiry: step.expiry }),
                    Err(text) => {
                        self.desk.count_refused(plan.number, step.at, operation);
                        (Outcome::Failed, text)
                    }
                },
                Ask::Absent => (Outcome::Miss, None),
                Ask::Error(text) => (Outcome::Failed, Some(text.to_owned())),
            };
            match plan.table.next(step.at, operation, key, outcome) {
                Some(next) => step = next,
                None => {
                    if let Some(text) = text {
                        many.error.get_or_insert_with(|| format!("SERVER_ERROR {text}"));
                    }
                    return;
                }
            }
        }
    }

    /// Writes one line for each server that is asked.
    fn write_many(&mut self, id: u32, many: &mut Many, asked: &mut [Asked], now: Now) {
        // By server, and in the order of the keys within one.
        asked.sort_unstable_by_key(|asked| (asked.lane, asked.index));
        let mut rest = &asked[..];
        while let Some(&Asked { lane, expiry, .. }) = rest.first() {
            let mut bytes = 0;
            let bound = if many.touch.is_some() { LINE_BYTES_MAX } else { usize::MAX };
            let beside = self.lanes.peek(lane).prefix_bytes() + 1;
            let count = rest
                .iter()
                .take_while(|asked| {
                    bytes += many.key(asked.index as usize).len() + beside;
                    asked.lane == lane && asked.expiry == expiry && bytes <= bound
                })
                .count()
                .max(1);
            let (group, others) = rest.split_at(count);
            rest = others;
            let part = many.parts.len() as u32;
            let mut asked_part = many.spare_part();
            asked_part.keys.extend(group.iter().map(|asked| asked.index));
            let lifetime = expiry.map(|most| Lifetime { most, now: now.unix });
            let keys = group.iter().map(|asked| many.key(asked.index as usize));
            let upstream = self.lanes.lane(lane, self.asker);
            let to = To::Part(PartId { exchange: id, part });
            let pending = Pending {
                prefix: upstream.prefix_bytes() as u8,
                keys: group.len() as u32,
                ..Pending::new(to, Kind::Values, many.operation, many.plan, now.instant)
            };
            if let Some(exptime) = many.touch {
                let (output, prefix) = upstream.output();
                translate::get_and_touch(output, many.cas, exptime, lifetime);
                translate::keys(output, prefix, keys);
                output.extend_from_slice(translate::LINE_END);
                upstream.expect(pending);
            } else {
                let (line, prefix) = upstream.line(many.cas, false);
                translate::keys(line, prefix, keys);
                upstream.read(pending);
            }
            for asked in group {
                many.keys[asked.index as usize].part = Some(part);
            }
            many.parts.push(asked_part);
            many.waiting += 1;
        }
    }

    /// All servers have answered: goes on with the keys whose routes do, or answers.
    pub(super) fn advance_many(&mut self, id: u32, now: Now) {
        let number = self.desk.exchanges.get(id as usize).and_then(Exchange::plan);
        let Some(plan) = number.and_then(|number| self.desk.plan_of(number)) else {
            return self.end_many(id);
        };
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
            if let Some(counters) = routes.get(node.index()) {
                counters.count(operation, outcome);
            }
            let next = plan.table.next(node, operation, many.key(index), outcome);
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
        self.step_many(id, &plan, Some(steps), now);
    }

    fn end_many(&mut self, id: u32) {
        let Some(Exchange::Many(many)) = self.desk.exchanges.try_remove(id as usize) else { return };
        self.desk.held = self.desk.held.saturating_sub(many.bytes() + many.key_bytes());
        self.desk.flights.answer(many.place, |out| match &many.error {
            Some(line) => {
                out.extend_from_slice(line.as_bytes());
                out.extend_from_slice(translate::LINE_END);
            }
            None => many.write(out),
        });
        self.desk.keep_many(many);
    }
}

/// A line without its end.
fn line(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.trim_ascii_end()).into()
}
