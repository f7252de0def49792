//! The socket to a server: TCP or unix, plain or TLS.

use std::io::{self, Read, Write};

use mio::net::{TcpStream, UnixStream};
use mio::{Registry, Token};
use peerset_cluster::Endpoint;

use super::pool::{Server, Settings};
use crate::front::Stream;

/// A connection on its way or there.
pub(super) enum Wire {
    Plain(Stream),
    Tls(Box<rustls::ClientConnection>, Stream),
}

impl Wire {
    /// Starts to connect to the address after those that were passed over; the poller tells when that is done.
    pub(super) fn connect(server: &Server, passed_over: usize, settings: &Settings) -> io::Result<Wire> {
        let stream = match &server.endpoint {
            Endpoint::Unix(path) => Stream::Unix(UnixStream::connect(path.as_path())?),
            Endpoint::Tcp { .. } => {
                let stream = TcpStream::connect(server.address(passed_over)?)?;
                stream.set_nodelay(true)?;
                Stream::Tcp(stream)
            }
        };
        match &settings.server.tls {
            None => Ok(Wire::Plain(stream)),
            Some(tls) => {
                let session = rustls::ClientConnection::new(
                    tls.client().clone(),
                    tls.server_name(&server.endpoint).map_err(io::Error::other)?,
                )
                .map_err(io::Error::other)?;
                Ok(Wire::Tls(Box::new(session), stream))
            }
        }
    }

    fn stream(&mut self) -> &mut Stream {
        match self {
            Wire::Plain(stream) | Wire::Tls(_, stream) => stream,
        }
    }

    /// Watches for both directions, as connecting ends with room to write.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.stream().register_both(registry, token)
    }

    pub(super) fn watch_writable(
        &mut self,
        registry: &Registry,
        token: Token,
        wanted: bool,
    ) -> io::Result<()> {
        self.stream().watch_writable(registry, token, wanted)
    }

    /// Whether the connection stands; an error if it never will.
    pub(super) fn is_connected(&mut self) -> io::Result<bool> {
        self.stream().is_connected()
    }

    /// Whether bytes of the connection's own wait to be sent.
    pub(super) fn wants_write(&self) -> bool {
        match self {
            Wire::Plain(_) => false,
            Wire::Tls(session, _) => session.wants_write(),
        }
    }

    /// Whether reading less than asked for does not mean that the socket is empty.
    pub(super) fn is_layered(&self) -> bool {
        matches!(self, Wire::Tls(..))
    }
}

impl Read for Wire {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(stream) => stream.read(buffer),
            Wire::Tls(session, stream) => rustls::Stream::new(&mut **session, stream).read(buffer),
        }
    }
}

impl Write for Wire {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(stream) => stream.write(bytes),
            Wire::Tls(session, stream) => rustls::Stream::new(&mut **session, stream).write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Wire::Plain(_) => Ok(()),
            Wire::Tls(session, stream) => rustls::Stream::new(&mut **session, stream).flush(),
        }
    }
}
