//! A connection to whatever a check looks at.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use peerset_cluster::Endpoint;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::CheckError;

/// A byte stream of either kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Connects anew for every check: a server that takes no further connections is of no use to new clients.
pub(super) async fn connect(target: &Endpoint, lookup: &Lookup) -> Result<Box<dyn Stream>, CheckError> {
    let connected = match target {
        Endpoint::Unix(path) => UnixStream::connect(path.as_path()).await.map(|stream| Box::new(stream) as _),
        tcp => connect_tcp(tcp, lookup).await.map(|stream| Box::new(stream) as _),
    };
    connected.map_err(|error| CheckError::Connect(target.clone(), error))
}

async fn connect_tcp(target: &Endpoint, lookup: &Lookup) -> io::Result<TcpStream> {
    let addresses = lookup.addresses(target.to_string()).await?;
    TcpStream::connect(&*addresses).await
}

/// Looks host names up, one at a time: a lookup takes a thread and cannot be stopped, so that those of checks that ran
/// out of time would pile up while a name server is away.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lookup {
    turn: Arc<Mutex<()>>,
}

impl Lookup {
    async fn addresses(&self, name: String) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = name.parse() {
            return Ok(vec![address]);
        }
        let turn = self.turn.clone().lock_owned().await;
        let looked_up = spawn_blocking(move || {
            let found = name.to_socket_addrs().map(Iterator::collect);
            drop(turn);
            found
        });
        looked_up.await.map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_lookup_waits_for_the_first() {
        let lookup = Lookup::default();
        let first = lookup.turn.clone().lock_owned().await;
        assert_eq!(lookup.addresses("127.0.0.1:1".into()).await.unwrap().len(), 1);
        let mut second = Box::pin(lookup.addresses("localhost:1".into()));
        assert!(
            std::future::poll_fn(|context| std::task::Poll::Ready(
                second.as_mut().poll(context).is_pending()
            ))
            .await
        );
        assert!(lookup.turn.try_lock().is_err());
        drop(first);
        assert!(second.await.is_ok());
    }
}
