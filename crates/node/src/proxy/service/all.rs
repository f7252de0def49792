//! Commands for every server.

use peerset_proto_memcache::Request;
use peerset_proto_memcache::reply::encode;
use peerset_route::{Operation, PoolId};

use super::{ProxyService, Session};
use crate::front::{Client, Now};
use crate::proxy::exchange::{All, Exchange, PartId};
use crate::proxy::lanes::{LaneId, NoLane};
use crate::proxy::pending::{Kind, Pending, To};
use crate::proxy::translate;
use crate::proxy::upstream::Refused;

impl ProxyService {
    /// A command for every server that there is.
    pub(super) fn ask_all(
        &mut self,
        client: Client,
        session: &mut Session,
        line: &Request<'_>,
        noreply: bool,
        now: Now,
    ) {
        let place = self.place(client, session, !noreply);
        let all = All { place, waiting: 0, error: None };
        let id = self.desk.exchanges.insert(Exchange::All(all)) as u32;
        let (mut waiting, mut error) = (0, None);
        let plan = self.desk.plan.clone();
        for pool in (0..plan.pools.len()).filter_map(|at| u16::try_from(at).ok()).map(PoolId) {
            if !plan.table.uses(pool) {
                continue;
            }
            match self.lanes.of_pool(pool) {
                Ok(lanes) => {
                    for lane in lanes {
                        match self.ask_one_of_all(id, lane, line, now) {
                            Ok(()) => waiting += 1,
                            Err(refused) => {
                                let text = self.down_text(pool, &refused);
                                let text = text.unwrap_or_else(|| self.lanes.peek(lane).down_text());
                                error.get_or_insert_with(|| format!("SERVER_ERROR {text}"));
                            }
                        }
                    }
                }
                Err(state) => {
                    let text = self.down_text(pool, &NoLane::Unusable(state)).unwrap_or_default();
                    error.get_or_insert_with(|| format!("SERVER_ERROR {text}"));
                }
            }
        }
        if let Some(Exchange::All(all)) = self.desk.exchanges.get_mut(id as usize) {
            all.waiting = waiting;
            all.error = error;
        }
        if waiting == 0 {
            self.end_all(id);
        }
    }

    fn ask_one_of_all(&mut self, id: u32, lane: LaneId, line: &Request<'_>, now: Now) -> Result<(), NoLane> {
        if let Err(refused) = self.lanes.admit(lane, now.instant) {
            let server = self.lanes.peek(lane).server.clone();
            return Err(match refused {
                Refused::Down => NoLane::Down(server),
                Refused::Overloaded => NoLane::Overloaded(server),
            });
        }
        let upstream = self.lanes.lane(lane, self.asker);
        line.encode(upstream.output().0);
        let (to, plan) = (To::Part(PartId { exchange: id, part: 0 }), self.desk.plan.number);
        upstream.expect(Pending::new(to, Kind::Line, Operation::Delete, plan, now.instant));
        // Whether or not its client waits for it.
        upstream.hold_back();
        Ok(())
    }

    pub(super) fn end_all(&mut self, id: u32) {
        let Some(Exchange::All(all)) = self.desk.exchanges.try_remove(id as usize) else { return };
        self.desk.flights.answer(all.place, |out| match &all.error {
            None => out.extend_from_slice(encode::OK),
            Some(line) => {
                out.extend_from_slice(line.as_bytes());
                out.extend_from_slice(translate::LINE_END);
            }
        });
    }
}
