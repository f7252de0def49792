//! `mcmc-rs`: one connection an object and no pool of its own, so `deadpool` here too.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use deadpool::managed::{Manager, Metrics, Pool, RecycleResult};
use mcmc_rs::{Connection, StorageResult};

use super::{Client, Found};

#[derive(Clone)]
pub(in crate::client) struct McmcRs(Pool<Connections>);

struct Connections(SocketAddr);

impl Manager for Connections {
    type Type = Connection;
    type Error = mcmc_rs::Error;

    async fn create(&self) -> Result<Connection, mcmc_rs::Error> {
        Connection::tcp_connect(&self.0.to_string()).await
    }

    async fn recycle(&self, _: &mut Connection, _: &Metrics) -> RecycleResult<mcmc_rs::Error> {
        Ok(())
    }
}

impl Client for McmcRs {
    type Value = Vec<u8>;

    async fn connect(addr: SocketAddr, tasks: usize) -> Result<Self> {
        Ok(McmcRs(Pool::builder(Connections(addr)).max_size(tasks).build()?))
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let item = self.0.get().await?.get(key).await?;
        Ok(item.map(|item| item.data_block))
    }

    async fn get_many(&self, keys: &[&str], found: &mut Found<'_>) -> Result<()> {
        for item in self.0.get().await?.get_multi(keys).await? {
            found(item.key.as_bytes(), &item.data_block);
        }
        Ok(())
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<()> {
        let stored = self.0.get().await?.set(key, 0, 0, false, value).await?;
        ensure!(stored == StorageResult::Stored, "{stored:?} instead of stored");
        Ok(())
    }
}
