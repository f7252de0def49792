//! Stores and reads some items over several servers, and shows where each one lives.
//!
//! ```text
//! memcached -p 21001 & memcached -p 21002 &
//! cargo run -p peerset-client-memcache --example sharded_get -- static:127.0.0.1:21001,127.0.0.1:21002
//! ```
//! With `file:PATH` in place of the list the client follows the file: add a server to it, and run this again.
#![expect(clippy::print_stdout, reason = "an example that shows what it found")]

use std::error::Error;
use std::time::Duration;

use peerset_client_memcache::{Client, Expiry, Key};
use peerset_cluster::{Discover, DiscoveryUrl, FileSource, StaticSource, Watch};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    run(&std::env::args().nth(1).unwrap_or_else(|| "static:127.0.0.1:11211".to_owned())).await
}

pub(crate) async fn run(url: &str) -> Result<(), Box<dyn Error>> {
    let client = Client::sharded(watch(url)?).build()?;
    client.connect().await?;

    let names: Vec<String> = (0..10).map(|number| format!("user:{number}")).collect();
    let keys = names.iter().map(Key::new).collect::<Result<Vec<_>, _>>()?;
    for key in &keys {
        let stored =
            client.set(*key, format!("profile of {key}"), Expiry::After(Duration::from_secs(60))).await?;
        if !stored.is_stored() {
            println!("{key} is not stored: its server is down");
        }
    }

    // One request to each server, all at the same time.
    let many = client.get_many(&keys).await;
    for (key, item) in keys.iter().zip(&many.found) {
        let server = client.locate(*key).ok_or("there is no server")?;
        match item {
            Some(item) => println!("{key} at {server}: {}", String::from_utf8_lossy(&item.data)),
            None => println!("{key} at {server}: a miss"),
        }
    }
    for failed in &many.failures {
        println!("{} keys: {}", failed.keys.len(), failed.error);
    }
    Ok(())
}

/// The watch keeps its source alive, and the client the watch.
fn watch(url: &str) -> Result<Watch, Box<dyn Error>> {
    Ok(match url.parse()? {
        DiscoveryUrl::Static(url) => {
            let source = StaticSource::new(&url.items)?;
            source.watch().keeping(source)
        }
        DiscoveryUrl::File(url) => {
            let source = FileSource::open(url.path)?;
            source.watch().keeping(source)
        }
        other => {
            let why = "this example has the sources static: and file: only; others are in crates of their own, such as zk:// \
                and serverset:// in peerset-discover-zookeeper";
            return Err(format!("{other}: {why}").into());
        }
    })
}
