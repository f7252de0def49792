//! The servers behind the proxy, as `config get cluster` tells them to clients of ElastiCache.

use std::sync::{Mutex, PoisonError};

use peerset_cluster::{Endpoint, Host};
use peerset_proto_memcache::reply::{ConfigNode, encode};
use peerset_route::PoolId;

use super::plan::Plan;

/// The reply, made anew when the servers change.
pub(super) struct Topology(Mutex<State>);

struct State {
    /// Grows with each change. It begins with the time of the start, so that it grows over restarts too.
    version: u64,
    nodes: Vec<Node>,
    reply: Vec<u8>,
}

#[derive(PartialEq, Eq)]
struct Node {
    host: String,
    ip: String,
    port: u16,
}

impl Topology {
    pub(super) fn new(version: u32) -> Topology {
        let reply = write(u64::from(version), &[]);
        Topology(Mutex::new(State { version: version.into(), nodes: Vec::new(), reply }))
    }

    /// Sees whether the servers that keys can come to have changed.
    pub(super) fn follow(&self, plan: &Plan) {
        let mut nodes: Vec<Node> = Vec::new();
        for (id, pool) in (0..).map(PoolId).zip(&plan.pools) {
            if plan.table.uses(id) {
                nodes.extend(pool.view().servers.iter().filter_map(|server| node(&server.endpoint)));
            }
        }
        let mut seen = std::collections::HashSet::new();
        nodes.retain(|node| seen.insert((node.host.clone(), node.port)));
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.nodes != nodes {
            state.version += 1;
            state.reply = write(state.version, &nodes);
            state.nodes = nodes;
        }
    }

    /// Answers `config get NAME`.
    pub(super) fn write(&self, name: &[u8], out: &mut Vec<u8>) {
        match name {
            b"cluster" => out.extend_from_slice(&self.0.lock().unwrap_or_else(PoisonError::into_inner).reply),
            _ => out.extend_from_slice(encode::END),
        }
    }
}

fn node(endpoint: &Endpoint) -> Option<Node> {
    let Endpoint::Tcp { host, port } = endpoint else { return None };
    let (host, ip) = match host {
        Host::Name(name) => (name.to_string(), String::new()),
        Host::V4(address) => (address.to_string(), address.to_string()),
        Host::V6(address) => (address.to_string(), address.to_string()),
    };
    Some(Node { host, ip, port: port.get() })
}

fn write(version: u64, nodes: &[Node]) -> Vec<u8> {
    let mut out = Vec::new();
    let nodes = nodes.iter().map(|node| ConfigNode { host: &node.host, ip: &node.ip, port: node.port });
    encode::config(&mut out, b"cluster", version, nodes);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_told_as_clients_read_them() {
        let nodes: Vec<Node> = ["cache-1:11211", "10.0.0.1:11212", "[::1]:11213", "unix:/run/cache"]
            .iter()
            .filter_map(|endpoint| node(&endpoint.parse().unwrap()))
            .collect();
        let reply = String::from_utf8(write(7, &nodes)).unwrap();
        let expected = "7\ncache-1||11211 10.0.0.1|10.0.0.1|11212 ::1|::1|11213\n";
        assert!(reply.contains(expected) && reply.ends_with("\r\nEND\r\n"), "{reply:?}");
    }
}
