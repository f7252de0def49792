//! A member, as a placement sees it.

use peerset_cluster::{Endpoint, Host, Member};
use peerset_placement::Server;

/// The spelling of the endpoint is kept, because it is what clients in other languages hash.
pub(super) fn server(member: &Member) -> Server {
    let mut server = match &member.endpoint {
        Endpoint::Tcp { host, port } => {
            let host = match host {
                Host::V6(address) => format!("[{address}]"),
                other => other.to_string(),
            };
            Server::new(host, port.get())
        }
        Endpoint::Unix(path) => Server::new(path.as_str(), 0),
    };
    server.weight = member.weight.value();
    server.shard = member.shard;
    let id = member.id.as_str();
    server.name = (id != member.endpoint.to_string()).then(|| id.to_owned());
    server
}
