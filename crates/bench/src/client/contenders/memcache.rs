//! `memcache`: blocking, with its own pool.

use std::collections::HashMap;
use std::net::SocketAddr;

use anyhow::Result;
use memcache::{Client, ConnectionManager, Pool, Url};

use super::{BlockingClient, Found};

#[derive(Clone)]
pub(in crate::client) struct Memcache(Client);

impl Memcache {
    pub(in crate::client) fn connect(addr: SocketAddr, tasks: usize, protocol: &str) -> Result<Self> {
        let url = Url::parse(&format!("memcache://{addr}?protocol={protocol}"))?;
        let pool = Pool::builder().max_size(tasks as u32).test_on_check_out(false);
        Ok(Memcache(Client::with_pool(pool.build(ConnectionManager::new(url))?)?))
    }
}

impl BlockingClient for Memcache {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.0.get(key)?)
    }

    fn get_many(&self, keys: &[&str], found: &mut Found<'_>) -> Result<()> {
        let values: HashMap<String, Vec<u8>> = self.0.gets(keys)?;
        values.iter().for_each(|(key, value)| found(key.as_bytes(), value));
        Ok(())
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<()> {
        Ok(self.0.set(key, value, 0)?)
    }
}
