//! Registers an endpoint for as long as something accepts connections there; until Enter is pressed.
//!
//! ```text
//! cargo run -p peerset-discover-zookeeper --example register_endpoint -- \
//!     serverset://127.0.0.1:2181/prod/cache 127.0.0.1:11211
//! ```

use std::error::Error;

use peerset_cluster::{DiscoveryUrl, Endpoint, Member, Register};
use peerset_discover_zookeeper::{CheckConfig, Checked, Serverset, ServersetConfig, ZookeeperConfig};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "its purpose")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(endpoint)) = (arguments.next(), arguments.next()) else {
        return Err("give a zk:// or serverset:// URL and HOST:PORT".into());
    };
    let (url, endpoint): (DiscoveryUrl, Endpoint) = (url.parse()?, endpoint.parse()?);
    let set = Serverset::from_url(&url, ZookeeperConfig::default(), ServersetConfig::default())?;
    let membership = set.create_membership(Member::at(endpoint.clone())).await?;

    let address = endpoint.to_string();
    let ping = move || {
        let address = address.clone();
        async move { TcpStream::connect(address).await.map(drop) }
    };
    let checked = Checked::start(membership, CheckConfig::default(), ping);
    let (mut health, mut input) = (checked.health(), tokio::io::stdin());
    let print = async {
        while health.changed().await.is_ok() {
            println!("{:?}", *health.borrow());
        }
    };
    tokio::select! {
        _ = input.read_u8() => {}
        () = print => {}
    }
    checked.close().await?;
    Ok(())
}
