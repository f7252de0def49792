//! A connection to whatever a check looks at.

use peerset_cluster::Endpoint;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::CheckError;

/// A byte stream of either kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Connects anew for every check: a server that takes no further connections is of no use to new clients.
pub(super) async fn connect(target: &Endpoint) -> Result<Box<dyn Stream>, CheckError> {
    let connected = match target {
        Endpoint::Unix(path) => UnixStream::connect(path.as_path()).await.map(|stream| Box::new(stream) as _),
        tcp => TcpStream::connect(tcp.to_string()).await.map(|stream| Box::new(stream) as _),
    };
    connected.map_err(|error| CheckError::Connect(target.clone(), error))
}
