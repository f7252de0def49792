//! Prints a serverset whenever it changes.
//!
//! ```text
//! cargo run -p peerset-discover-zookeeper --example watch_serverset -- serverset://127.0.0.1:2181/prod/cache
//! ```

use std::error::Error;

use peerset_cluster::{Discover, DiscoveryUrl, Snapshot};
use peerset_discover_zookeeper::{Serverset, ServersetConfig, ZookeeperConfig};

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "its purpose")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url: DiscoveryUrl = std::env::args().nth(1).ok_or("give a zk:// or serverset:// URL")?.parse()?;
    let set = Serverset::from_url(&url, ZookeeperConfig::default(), ServersetConfig::default())?;
    let mut watch = set.watch();
    let mut before = watch.changed().await?;
    println!("{} {}", before.source(), before.state());
    while let Ok(snapshot) = watch.changed().await {
        let diff = Snapshot::diff(&before, &snapshot);
        println!("{} at {}: {} members {diff}", snapshot.state(), snapshot.revision(), snapshot.len());
        for problem in &*set.problems() {
            println!("  {problem}");
        }
        before = snapshot;
    }
    Ok(())
}
