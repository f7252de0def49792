//! Shards keys over the memcached servers of a serverset, as go.serversets' `mcset` does, and shows after each change of the
//! set where they live; until Ctrl-C.
//!
//! ```text
//! cargo run -p peerset-node --example sharded_serverset -- serverset://127.0.0.1:2181/prod/cache
//! ```
//! Members come and go with `peerset register URL --endpoint HOST:PORT --check memcached`, or with anything else that
//! writes Finagle's serversets. The two libraries know nothing of each other: they meet at the watch.
#![expect(clippy::print_stdout, reason = "an example that shows what it found")]

use std::error::Error;
use std::time::Duration;

use peerset_client_memcache::{Client, Expiry, Key};
use peerset_cluster::{Discover, DiscoveryUrl};
use peerset_discover_zookeeper::{Serverset, ServersetConfig, Stabilizer, ZookeeperConfig};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url: DiscoveryUrl = std::env::args().nth(1).ok_or("give a zk:// or serverset:// URL")?.parse()?;
    let mut config = ServersetConfig::default();
    // A server that restarts keeps its keys: they are misses for the moment, and move nowhere.
    config.hold_removals = Some(Stabilizer::HOLD);
    let set = Serverset::from_url(&url, ZookeeperConfig::default(), config)?;
    let client = Client::sharded(set.watch()).placement("mcset".parse()?).build()?;

    let names: Vec<String> = (0..10).map(|number| format!("user:{number}")).collect();
    let mut changes = set.watch();
    while let Ok(snapshot) = changes.changed().await {
        println!("{}, {} servers", snapshot.state(), snapshot.len());
        if snapshot.is_empty() {
            println!("{}", set.trouble().as_deref().unwrap_or("nobody has registered"));
            continue;
        }
        client.connect().await?;
        for name in &names {
            let key = Key::new(name)?;
            let before = client.get(key).await?;
            client.set(key, format!("profile of {key}"), Expiry::After(Duration::from_secs(600))).await?;
            let owner = client.locate(key).ok_or("every server has left")?;
            println!("  {key} at {owner}{}", if before.is_some() { "" } else { ", new there" });
        }
    }
    Ok(())
}
