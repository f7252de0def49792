//! `mtop-client`, with its own pool. Connections are taken and given back by hand, as it allows, since its reads would
//! otherwise spawn a task each.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use mtop_client::{
    Key, MemcachedClient, MemcachedClientConfig, RendezvousSelector, Server, ServerID, TcpClientFactory,
};
use tokio::runtime::Handle;

use super::{Client, Found};

#[derive(Clone)]
pub(in crate::client) struct MtopClient {
    client: Arc<MemcachedClient>,
    server: Server,
}

impl Client for MtopClient {
    type Value = Vec<u8>;

    async fn connect(addr: SocketAddr, tasks: usize) -> Result<Self> {
        let server = Server::without_name(ServerID::Socket(addr));
        let config =
            MemcachedClientConfig { pool_max_idle: tasks as u64, ..MemcachedClientConfig::default() };
        let selector = RendezvousSelector::new(vec![server.clone()]);
        let client = MemcachedClient::new(config, Handle::current(), selector, TcpClientFactory);
        Ok(MtopClient { client: Arc::new(client), server })
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let mut connection = self.client.raw_open(&self.server).await?;
        let mut values = connection.get(&[Key::try_from(key)?]).await?;
        self.client.raw_close(connection).await;
        Ok(values.remove(key).map(|value| value.data))
    }

    async fn get_many(&self, keys: &[&str], found: &mut Found<'_>) -> Result<()> {
        let keys = Key::parse_all(keys.iter().copied())?;
        let mut connection = self.client.raw_open(&self.server).await?;
        let values = connection.get(&keys).await?;
        self.client.raw_close(connection).await;
        values.values().for_each(|value| found(value.key.as_bytes(), &value.data));
        Ok(())
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<()> {
        let mut connection = self.client.raw_open(&self.server).await?;
        connection.set(&Key::try_from(key)?, 0, 0, value).await?;
        self.client.raw_close(connection).await;
        Ok(())
    }
}
