//! `async-memcached`: one connection an object, pooled with `deadpool` as its users do.

use std::net::SocketAddr;

use anyhow::Result;
use async_memcached::AsciiProtocol as _;
use deadpool::managed::{Manager, Metrics, Pool, RecycleResult};

use super::{Client, Found};

#[derive(Clone)]
pub(in crate::client) struct AsyncMemcached(Pool<Connections>);

struct Connections(SocketAddr);

impl Manager for Connections {
    type Type = async_memcached::Client;
    type Error = async_memcached::Error;

    async fn create(&self) -> Result<Self::Type, Self::Error> {
        async_memcached::Client::new(format!("tcp://{}", self.0)).await
    }

    async fn recycle(&self, _: &mut Self::Type, _: &Metrics) -> RecycleResult<Self::Error> {
        Ok(())
    }
}

impl Client for AsyncMemcached {
    type Value = Vec<u8>;

    async fn connect(addr: SocketAddr, tasks: usize) -> Result<Self> {
        Ok(AsyncMemcached(Pool::builder(Connections(addr)).max_size(tasks).build()?))
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let value = self.0.get().await?.get(key).await?;
        Ok(value.and_then(|value| value.data))
    }

    async fn get_many(&self, keys: &[&str], found: &mut Found<'_>) -> Result<()> {
        for value in self.0.get().await?.get_multi(keys).await? {
            found(&value.key, value.data.as_deref().unwrap_or_default());
        }
        Ok(())
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<()> {
        Ok(self.0.get().await?.set(key, value, None, None).await?)
    }
}
