//! Ours: one client for all tasks, as it comes.

use std::net::SocketAddr;

use anyhow::{Result, bail, ensure};
use peerset_client_memcache::{Client as Memcache, Expiry, Key, ServerConfig, Stored, Value};
use peerset_cluster::Endpoint;

use super::{Client, Found};

#[derive(Clone)]
pub(in crate::client) struct Peerset(Memcache);

/// What is found, as bytes.
pub(in crate::client) struct Data(Value);

impl AsRef<[u8]> for Data {
    fn as_ref(&self) -> &[u8] {
        &self.0.data
    }
}

impl Client for Peerset {
    type Value = Data;

    async fn connect(addr: SocketAddr, _: usize) -> Result<Self> {
        Ok(Peerset(Memcache::server(&Endpoint::try_from(addr)?, ServerConfig::default())?))
    }

    async fn get(&self, key: &str) -> Result<Option<Data>> {
        Ok(self.0.get(Key::new(key)?).await?.map(Data))
    }

    async fn get_many(&self, keys: &[&str], found: &mut Found<'_>) -> Result<()> {
        let keys = keys.iter().map(|key| Key::new(*key)).collect::<Result<Vec<_>, _>>()?;
        let many = self.0.get_many(&keys).await;
        for (key, value) in keys.iter().zip(&many.found) {
            if let Some(value) = value {
                found(key.as_bytes(), &value.data);
            }
        }
        match many.failures.into_iter().next() {
            Some(failed) => bail!(failed.error),
            None => Ok(()),
        }
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<()> {
        let stored = self.0.set(Key::new(key)?, value, Expiry::Never).await?;
        ensure!(stored == Stored::Stored, "{stored:?}");
        Ok(())
    }
}
