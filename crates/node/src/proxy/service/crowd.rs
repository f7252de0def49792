//! Clients that wait because too much waits for a server already.
//!
//! What a connection to a server cannot take is left where it comes from: the client is not read any further, and its
//! own sends wait. Otherwise requests that want no reply, which nothing else holds up, would fill the queue and be refused
//! without anybody hearing of it. Only who asks for that server waits, and no longer than the server's time-out: when
//! the connection fails, nothing waits for it any more.
//!
//! - **Cost**: a comparison for each request while no connection is crowded.

use std::collections::HashSet;

use peerset_proto_memcache::{KEY_BYTES_MAX, Request};
use peerset_route::{Ask, Operation, Outcome};

use super::ProxyService;
use crate::front::Client;
use crate::proxy::lanes::Way;
use crate::proxy::translate;

/// Who waits on a worker. Those that have left meanwhile are still here, which does no harm.
#[derive(Default)]
pub(super) struct Crowd {
    /// In the order in which they came.
    clients: Vec<Client>,
    known: HashSet<Client>,
}

impl Crowd {
    /// Has a client wait.
    pub(super) fn join(&mut self, client: Client) {
        if self.known.insert(client) {
            self.clients.push(client);
        }
    }

    /// All go on. Those who cannot yet come back, behind those who could.
    pub(super) fn leave(&mut self, into: &mut Vec<Client>) {
        into.append(&mut self.clients);
        self.known.clear();
    }
}

impl ProxyService {
    /// Whether a request would go to a server for which too much waits. Of several keys the first decides: who had to find
    /// room at many servers at once might wait for ever, and what is over has the rest of the queue.
    #[cold]
    pub(super) fn joins_crowd(&self, request: &Request<'_>) -> bool {
        let Some(operation) = translate::operation(request) else { return false };
        if let Request::Get(get) = request {
            return get.keys.iter().next().is_some_and(|key| self.is_crowded(operation, key.as_bytes()));
        }
        let mut room = [0; KEY_BYTES_MAX];
        translate::key(request, &mut room).is_some_and(|key| self.is_crowded(operation, key))
    }

    /// Follows a key's route past servers that are down.
    fn is_crowded(&self, operation: Operation, key: &[u8]) -> bool {
        let table = &self.desk.plan.table;
        let mut step = Some(table.first(operation, key));
        while let Some(at) = step {
            let Ask::Pool(pool) = at.ask else { return false };
            match self.lanes.way(pool, key, operation) {
                Way::Open => return false,
                Way::Crowded => return true,
                Way::Closed => step = table.next(at.at, operation, key, Outcome::Failed),
            }
        }
        false
    }
}
