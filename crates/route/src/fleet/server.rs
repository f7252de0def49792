//! A member, as a placement sees it.

use peerset_cluster::{Endpoint, Host, Member};
use peerset_placement::Server;

/// A member as a placement sees it, whether it serves or not.
///
/// The endpoint keeps its spelling, because that is what clients in other languages hash. An id that is not the endpoint's
/// text is the server's name.
pub fn server_of(member: &Member) -> Server {
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
