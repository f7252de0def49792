//! The socket to a server: TCP or unix, plain or TLS.

use std::io::{self, Read, Write};

use mio::net::{TcpStream, UnixStream};
use mio::{Registry, Token};
use peerset_cluster::Endpoint;
use rustls::ClientConnection;

use super::pool::{Server, Settings};
use crate::front::{Stream, keep_alive};

/// A connection on its way or there.
pub(super) enum Wire {
    Plain(Stream),
    Tls(Box<ClientConnection>, Stream),
}

impl Wire {
    /// Starts to connect to the address after those that were passed over; the poller tells when that is done.
    pub(super) fn connect(server: &Server, passed_over: usize, settings: &Settings) -> io::Result<Wire> {
        let stream = match &server.endpoint {
            Endpoint::Unix(path) => Stream::Unix(UnixStream::connect(path.as_path())?),
            Endpoint::Tcp { .. } => {
                let stream = TcpStream::connect(server.address(passed_over)?)?;
                stream.set_nodelay(true)?;
                // A router that forgets idle connections would cost the next request a time-out, and the server its place.
                keep_alive(&stream)?;
                Stream::Tcp(stream)
            }
        };
        match &settings.server.tls {
            None => Ok(Wire::Plain(stream)),
            Some(tls) => {
                let session = ClientConnection::new(
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
            Wire::Tls(session, stream) => read_tls(session, stream, buffer),
        }
    }
}

impl Write for Wire {
    /// What TLS takes may have to be [flushed](Write::flush) when the socket has room again.
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(stream) => stream.write(bytes),
            Wire::Tls(session, stream) => write_tls(session, stream, bytes),
        }
    }

    /// Done when the connection [wants no more](Wire::wants_write).
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Wire::Plain(_) => Ok(()),
            Wire::Tls(session, stream) => flush_tls(session, stream),
        }
    }
}

/// Reads records until one has something for the caller.
fn read_tls(session: &mut ClientConnection, stream: &mut Stream, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match session.reader().read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read,
        }
        session.read_tls(stream)?;
        if let Err(error) = session.process_new_packets() {
            // The server is told why, if there is room for it.
            let _ = session.write_tls(stream);
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
    }
}

/// Never reads, as `rustls::Stream` does when the socket is full: the poller would not report again what was taken out of
/// the socket, and replies would lie here until more came.
fn write_tls(session: &mut ClientConnection, stream: &mut Stream, bytes: &[u8]) -> io::Result<usize> {
    flush_tls(session, stream)?;
    match session.writer().write(bytes)? {
        // As much as it holds waits for the socket, or for the handshake.
        0 if !bytes.is_empty() => Err(io::ErrorKind::WouldBlock.into()),
        count => {
            flush_tls(session, stream)?;
            Ok(count)
        }
    }
}

fn flush_tls(session: &mut ClientConnection, stream: &mut Stream) -> io::Result<()> {
    while session.wants_write() {
        match session.write_tls(stream) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
