//! The client against real memcached and against servers that misbehave.

mod operations;

use peerset_client_memcache::{Client, ServerConfig};
use peerset_cluster::Endpoint;
use std::net::SocketAddr;

fn endpoint(addr: SocketAddr) -> Endpoint {
    Endpoint::try_from(addr).unwrap()
}

/// A client of one server with default settings.
fn client(addr: SocketAddr) -> Client {
    Client::server(&endpoint(addr), ServerConfig::default()).unwrap()
}
