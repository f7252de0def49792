//! Commands for every server.

use peerset_proto_memcache::Request;
use peerset_proto_memcache::reply::encode;
use peerset_route::Operation;

use super::{ProxyService, Session};
use crate::front::{Client, Now};
use crate::proxy::exchange::{All, Exchange, PartId};
use crate::proxy::pending::{Kind, Pending, To};

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
            line.encode(upstream.output().0);
            upstream.expect(Pending {
                to: To::Part(PartId { exchange: id, part: 0 }),
                kind: Kind::Line,
                operation: Operation::Delete,
                route: None,
                key: 0,
                prefix: 0,
                keys: 1,
                joined: false,
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

    pub(super) fn end_all(&mut self, id: u32) {
        let Some(Exchange::All(all)) = self.desk.exchanges.try_remove(id as usize) else { return };
        let Some(place) = all.place else { return };
        self.desk.flights.answer(place, |out| match &all.error {
            None => out.extend_from_slice(encode::OK),
            Some(text) => encode::server_error(out, text.strip_prefix("SERVER_ERROR ").unwrap_or(text)),
        });
    }
}
