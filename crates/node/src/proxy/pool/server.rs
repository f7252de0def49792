//! A server of a pool, and where it is.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use peerset_client_memcache::health::Failure;
use peerset_cluster::Endpoint;

/// How long a new set waits for the addresses of its host names.
const LOOKUP_LIMIT: Duration = Duration::from_secs(2);

/// A server, for as long as any set has it.
#[derive(Debug)]
pub(crate) struct Server {
    /// Its endpoint as text.
    pub(crate) label: Arc<str>,
    pub(crate) endpoint: Endpoint,
    /// Of its host name, if it has one.
    addresses: Mutex<Vec<SocketAddr>>,
    /// Why it is down, as the log has it: what all workers find is told once.
    told: Mutex<Option<Failure>>,
}

impl Server {
    pub(super) fn new(endpoint: Endpoint) -> Server {
        Server {
            label: endpoint.to_string().into(),
            addresses: Mutex::new(endpoint.socket_addr().into_iter().collect()),
            endpoint,
            told: Mutex::default(),
        }
    }

    /// One for tests, whose name has these addresses.
    #[cfg(test)]
    pub(in crate::proxy) fn at(addresses: Vec<SocketAddr>) -> Server {
        let endpoint = "name:11211".parse().expect("an endpoint");
        Server { addresses: Mutex::new(addresses), ..Server::new(endpoint) }
    }

    /// Where to connect to after so many addresses were found not to work.
    pub(in crate::proxy) fn address(&self, passed_over: usize) -> io::Result<SocketAddr> {
        let addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        match passed_over.checked_rem(addresses.len()) {
            Some(at) => Ok(addresses[at]),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "the host name has no address")),
        }
    }

    /// How many addresses there are.
    pub(in crate::proxy) fn address_count(&self) -> usize {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Takes down why the server is down, or that it is not; what was taken down before.
    pub(in crate::proxy) fn tell(&self, why: Option<Failure>) -> Option<Failure> {
        std::mem::replace(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner), why)
    }

    /// Takes down another reason why the server is still down, unless it was found to be back since; what was taken down
    /// before.
    pub(in crate::proxy) fn tell_again(&self, why: Failure) -> Option<Failure> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.as_mut().map(|told| std::mem::replace(told, why))
    }

    fn has_name(&self) -> bool {
        self.endpoint.socket_addr().is_none() && matches!(self.endpoint, Endpoint::Tcp { .. })
    }

    /// Looks the host name up; what was found before stays if that fails.
    async fn look_up(&self) {
        match tokio::net::lookup_host(&*self.label).await {
            Ok(found) => {
                let found: Vec<SocketAddr> = found.collect();
                if !found.is_empty() {
                    *self.addresses.lock().unwrap_or_else(PoisonError::into_inner) = found;
                }
            }
            Err(error) => tracing::warn!(server = %self.label, %error, "the host name cannot be looked up"),
        }
    }
}

/// Looks up the host names of servers, as far as that can be done soon.
pub(super) async fn look_up_for_a_while(pool: &str, servers: &[Arc<Server>]) {
    if tokio::time::timeout(LOOKUP_LIMIT, look_up(servers)).await.is_err() {
        tracing::warn!(%pool, "looking up host names takes long; going on without them");
    }
}

/// Looks up the host names of servers.
pub(super) async fn look_up(servers: &[Arc<Server>]) {
    let mut lookups = tokio::task::JoinSet::new();
    for server in servers.iter().filter(|server| server.has_name()) {
        let server = server.clone();
        lookups.spawn(async move { server.look_up().await });
    }
    while lookups.join_next().await.is_some() {}
}
