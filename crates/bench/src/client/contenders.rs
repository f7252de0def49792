//! What every client library must do here, one small file each.

pub(super) mod async_memcached;
pub(super) mod mcmc_rs;
pub(super) mod memcache;
pub(super) mod mtop_client;
pub(super) mod peerset;

use std::net::SocketAddr;

use anyhow::Result;

/// A client that is awaited, shared by all tasks through clones.
pub(super) trait Client: Clone + Send + Sync + 'static {
    type Value: AsRef<[u8]> + Send;

    /// Prepares for so many tasks. Connections may be made later.
    fn connect(addr: SocketAddr, tasks: usize) -> impl Future<Output = Result<Self>> + Send;

    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Self::Value>>> + Send;

    /// Reads several, and shows `found` each key and value.
    fn get_many(&self, keys: &[&str], found: &mut Found<'_>) -> impl Future<Output = Result<()>> + Send;

    /// Stores without expiry and flags.
    fn set(&self, key: &str, value: &[u8]) -> impl Future<Output = Result<()>> + Send;
}

/// A client that blocks its thread.
pub(super) trait BlockingClient: Clone + Send + 'static {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>>;
    fn get_many(&self, keys: &[&str], found: &mut Found<'_>) -> Result<()>;
    fn set(&self, key: &str, value: &[u8]) -> Result<()>;
}

/// Takes a key and its value.
pub(super) type Found<'f> = dyn FnMut(&[u8], &[u8]) + Send + 'f;
