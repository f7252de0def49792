//! The client against real memcached and against servers that misbehave.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

mod cancel;
mod examples;
mod faults;
mod logs;
mod operations;
mod pools;
mod promises;
mod reach;

use std::net::SocketAddr;
use std::time::Duration;

use peerset_client_memcache::{Client, Key, ServerConfig};
use peerset_cluster::Endpoint;

fn endpoint(addr: SocketAddr) -> Endpoint {
    Endpoint::try_from(addr).unwrap()
}

/// A client of one server with patient settings.
fn client(addr: SocketAddr) -> Client {
    configured(addr, |_| {})
}

/// A client of one server with some patient settings changed.
fn configured(addr: SocketAddr, change: impl FnOnce(&mut ServerConfig)) -> Client {
    let mut config = patient();
    change(&mut config);
    Client::server(&endpoint(addr), config).unwrap()
}

/// Default settings, but for a machine that is busy with other tests.
fn patient() -> ServerConfig {
    let mut config = ServerConfig::default();
    config.connect_timeout = Duration::from_secs(30);
    config.request_timeout = Duration::from_secs(30);
    config
}

fn key(key: &str) -> Key<'_> {
    Key::new(key).unwrap()
}

/// Asks again and again until the answer is the one awaited.
async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let patience = Duration::from_secs(60);
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(patience, asking).await.unwrap_or_else(|_| panic!("waited {patience:?} for {what}"))
}
