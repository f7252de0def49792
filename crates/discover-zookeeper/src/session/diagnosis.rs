//! Why no server could be used, which the client library keeps to itself.

use std::time::Duration;

use async_net::TcpStream;
use futures_util::future::join_all;
use peerset_cluster::Endpoint;
use tokio::time::timeout;

use crate::ZookeeperConfig;

/// Enough patience: a server that is well answers within milliseconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// What stands in the way at each server, found out by connecting to all of them at once, as `config` says. It takes as
/// long as `patience` at most.
pub(super) async fn diagnose(servers: &[Endpoint], config: &ZookeeperConfig, patience: Duration) -> String {
    let obstacles = join_all(servers.iter().map(|server| obstacle(server, config, patience))).await;
    match (servers, &obstacles[..]) {
        ([_], [obstacle]) => obstacle.clone(),
        _ => {
            let each =
                servers.iter().zip(&obstacles).map(|(server, obstacle)| format!("{server}: {obstacle}"));
            each.collect::<Vec<_>>().join("; ")
        }
    }
}

async fn obstacle(server: &Endpoint, config: &ZookeeperConfig, patience: Duration) -> String {
    let (Some(host), Some(port)) = (server.host(), server.port()) else { return "not a TCP address".into() };
    let connecting = async {
        let addrs = async_net::resolve((host.to_string(), port)).await;
        let addrs = addrs.map_err(|error| format!("its name cannot be resolved: {error}"))?;
        let stream = TcpStream::connect(&addrs[..]).await.map_err(|error| error.to_string())?;
        encrypted(host.to_string(), stream, config).await
    };
    match timeout(patience, connecting).await {
        Ok(Ok(())) => "it accepts connections but begins no session".into(),
        Ok(Err(reason)) => reason,
        Err(_) => format!("no answer within {patience:?}"),
    }
}

/// Why the connection cannot be encrypted, if it is to be and cannot.
#[cfg(feature = "tls")]
async fn encrypted(host: String, stream: TcpStream, config: &ZookeeperConfig) -> Result<(), String> {
    match &config.tls {
        Some(tls) => tls.probe(host, stream).await,
        None => Ok(()),
    }
}

#[cfg(not(feature = "tls"))]
async fn encrypted(_host: String, _stream: TcpStream, _config: &ZookeeperConfig) -> Result<(), String> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// Enough for a busy machine.
    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn each_obstacle_has_its_name() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap().to_string();
        let nobody = peerset_testkit::Port::claim();
        let closed = nobody.addr().to_string();
        let servers =
            [&open, &closed, "no-such-host.invalid:2181"].map(|text| text.parse::<Endpoint>().unwrap());
        let config = ZookeeperConfig::default();
        let told = diagnose(&servers, &config, LONG).await;
        let parts: Vec<_> = told.split("; ").collect();
        assert_eq!(parts[0], format!("{open}: it accepts connections but begins no session"));
        assert!(parts[1].starts_with(&format!("{closed}: ")) && parts[1].contains("refused"), "{told}");
        assert!(parts[2].starts_with("no-such-host.invalid:2181: "), "{told}");
        let told = diagnose(&servers[..1], &config, LONG).await;
        assert_eq!(told, "it accepts connections but begins no session");
    }
}
