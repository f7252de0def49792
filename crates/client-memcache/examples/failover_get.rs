//! Two pools behind a route: while the servers of the first are down, the second stands in.
//!
//! ```text
//! memcached -p 21001 & memcached -p 21002 &
//! cargo run -p peerset-client-memcache --example failover_get -- 127.0.0.1:21001 127.0.0.1:21002
//! ```
//! Stop the first one and run it again: what is stored then lies on the second, and for no longer than ten seconds.
#![expect(clippy::print_stdout, reason = "an example that shows what it found")]

use std::error::Error;
use std::time::Duration;

use peerset_client_memcache::{Client, Expiry, Key, ServerConfig};
use peerset_route::Route;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let mut server = || args.next().ok_or("name two servers, as 127.0.0.1:21001 127.0.0.1:21002");
    run(&server()?, &server()?).await
}

pub(crate) async fn run(first: &str, second: &str) -> Result<(), Box<dyn Error>> {
    let pools = [
        ("first", Client::server(&first.parse()?, ServerConfig::default())?),
        ("second", Client::server(&second.parse()?, ServerConfig::default())?),
    ];
    // Sessions have a stand-in; whatever else there is lives on the first pool alone.
    let sessions = Route::failover(["first", "second"].map(Route::shard));
    let client = Client::routed(&Route::prefix([("session:", sessions)], Route::shard("first")), pools)?;

    let key = Key::new("session:42")?;
    client.set(key, "Ada", Expiry::After(Duration::from_secs(60))).await?;
    let session = client.get(key).await?.ok_or("it was stored just now")?;
    println!("{key}: {}", String::from_utf8_lossy(&session.data));
    for server in client.servers() {
        let state = if server.is_down() { "down" } else { "up" };
        println!("{} is {state}, and had {} requests", server.endpoint(), server.counters().requests);
    }
    Ok(())
}
