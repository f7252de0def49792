//! Making a connection: socket, TLS, handshake, all within one timeout.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use peerset_cluster::Endpoint;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use super::Link;
use super::socket::{Socket, Stream};
use crate::config::{Commands, ServerConfig};
use crate::error::{Down, Misbehaviour};
use crate::handshake::{Dialect, Handshake, Progress};
use crate::health::Failure;

/// A connection on which requests may be sent.
#[derive(Debug)]
pub(crate) struct Dialled {
    pub(super) stream: Stream,
    pub(crate) dialect: Dialect,
}

impl Dialled {
    pub(crate) fn link(&self) -> Link {
        Link { meta: self.dialect.meta, direct: self.stream.direct() }
    }
}

/// As much as a handshake may bring: some lines.
const HANDSHAKE_BYTES_MAX: usize = 4096;

/// Connects to a server and says hello.
///
/// # Cancel safety
/// Dropping it closes the connection.
pub(crate) async fn dial(endpoint: &Endpoint, config: &ServerConfig) -> Result<Dialled, Down> {
    let limit = config.connect_timeout;
    match tokio::time::timeout(limit, connect(endpoint, config)).await {
        Ok(dialled) => dialled,
        Err(_) => Err(Down::ConnectTimeout(limit)),
    }
}

async fn connect(endpoint: &Endpoint, config: &ServerConfig) -> Result<Dialled, Down> {
    let failed = |error| Down::Connect(Arc::new(error));
    let mut socket = match endpoint {
        Endpoint::Tcp { host, port } => {
            let stream = match endpoint.socket_addr() {
                Some(addr) => TcpStream::connect(addr).await,
                None => TcpStream::connect((host.to_string(), port.get())).await,
            };
            let stream = stream.map_err(failed)?;
            // Requests are batched here, and a lone one must not wait for the acknowledgement of the one before.
            stream.set_nodelay(true).map_err(failed)?;
            Socket::Tcp(stream)
        }
        Endpoint::Unix(path) => Socket::Unix(UnixStream::connect(path.as_path()).await.map_err(failed)?),
    };
    #[cfg(feature = "tls")]
    if let Some(tls) = &config.tls {
        let failed = |error| Down::Tls(Arc::new(error));
        let name = tls.server_name(endpoint).map_err(failed)?;
        let connector = tokio_rustls::TlsConnector::from(tls.client().clone());
        let mut stream =
            connector.connect(name, socket).await.map_err(|error| Down::Connect(Arc::new(error)))?;
        let dialect = say_hello(&mut stream, config).await?;
        return Ok(Dialled { stream: Stream::Tls(Box::new(stream)), dialect });
    }
    let dialect = say_hello(&mut socket, config).await?;
    Ok(Dialled { stream: Stream::plain(socket), dialect })
}

async fn say_hello(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    config: &ServerConfig,
) -> Result<Dialect, Down> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Down::Closed,
        _ => Down::Connect(Arc::new(error)),
    };
    let handshake = Handshake::new(config.auth.as_ref());
    stream.write_all(handshake.output()).await.map_err(failed)?;
    stream.flush().await.map_err(failed)?;
    let mut input = BytesMut::with_capacity(256);
    loop {
        if stream.read_buf(&mut input).await.map_err(failed)? == 0 {
            return Err(Down::Closed);
        }
        match handshake.feed(&input) {
            Progress::Done { mut dialect, consumed } if consumed == input.len() => {
                dialect.meta &= config.commands == Commands::Probed;
                return Ok(dialect);
            }
            Progress::Done { .. } => return Err(Down::Misbehaved(Misbehaviour::Unsolicited)),
            Progress::Failed(error) => return Err(Down::Handshake(error)),
            Progress::NeedMore if input.len() > HANDSHAKE_BYTES_MAX => {
                return Err(Down::Misbehaved(Misbehaviour::Unsolicited));
            }
            Progress::NeedMore => {}
        }
    }
}

impl Down {
    /// What to tell a server's health about a connection that did not come about.
    pub(crate) fn failure(&self) -> Failure {
        match self {
            Down::Connect(_) => Failure::Connect,
            Down::ConnectTimeout(_) => Failure::ConnectTimeout,
            Down::Timeout(_) => Failure::Timeout,
            Down::Lost => Failure::Lost,
            Down::Handshake(_) | Down::Closed | Down::Misbehaved(_) | Down::Dropped => Failure::Handshake,
            #[cfg(feature = "tls")]
            Down::Tls(_) => Failure::Handshake,
        }
    }
}
