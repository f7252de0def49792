//! A byte stream to a server: TCP or a Unix socket, plain or under TLS.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream, tcp, unix};

/// A connected socket.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A socket split, so that callers may write while the driver waits for bytes.
#[derive(Debug)]
pub(super) enum Stream {
    Plain {
        reader: PlainReader,
        writer: Arc<Writer>,
    },
    #[cfg(feature = "tls")]
    Tls(Box<tokio_rustls::client::TlsStream<Socket>>),
    /// A pipe, of which tests know when it takes and gives what.
    #[cfg(test)]
    Memory(tokio::io::DuplexStream),
}

#[derive(Debug)]
pub(super) enum PlainReader {
    Tcp(tcp::OwnedReadHalf),
    Unix(unix::OwnedReadHalf),
}

/// The writing half, to be used by one at a time.
#[derive(Debug)]
pub(super) enum Writer {
    Tcp(tcp::OwnedWriteHalf),
    Unix(unix::OwnedWriteHalf),
}

impl Stream {
    pub(super) fn plain(socket: Socket) -> Stream {
        match socket {
            Socket::Tcp(stream) => {
                let (reader, writer) = stream.into_split();
                Stream::Plain { reader: PlainReader::Tcp(reader), writer: Arc::new(Writer::Tcp(writer)) }
            }
            Socket::Unix(stream) => {
                let (reader, writer) = stream.into_split();
                Stream::Plain { reader: PlainReader::Unix(reader), writer: Arc::new(Writer::Unix(writer)) }
            }
        }
    }

    /// The half for callers who write themselves, where that is possible.
    pub(super) fn direct(&self) -> Option<Arc<Writer>> {
        match self {
            Stream::Plain { writer, .. } => Some(writer.clone()),
            #[cfg(feature = "tls")]
            Stream::Tls(_) => None,
            #[cfg(test)]
            Stream::Memory(_) => None,
        }
    }

    /// Appends what has come to `input`, as far as its memory goes. 0 is the end.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        input: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        // `read_buf` has no state between polls, so that a fresh one each time loses nothing. Unlike `try_read` it takes
        // a read that leaves room as the end of what is there, and spares the system call that would say so.
        match self {
            Stream::Plain { reader: PlainReader::Tcp(reader), .. } => {
                std::pin::pin!(reader.read_buf(input)).poll(cx)
            }
            Stream::Plain { reader: PlainReader::Unix(reader), .. } => {
                std::pin::pin!(reader.read_buf(input)).poll(cx)
            }
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => std::pin::pin!(stream.read_buf(input)).poll(cx),
            #[cfg(test)]
            Stream::Memory(stream) => std::pin::pin!(stream.read_buf(input)).poll(cx),
        }
    }

    /// Writes some of `bytes`.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Stream::Plain { writer, .. } => writer.poll_write(cx, bytes),
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
            #[cfg(test)]
            Stream::Memory(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    /// Lets go of what was written but is held back, which only TLS does.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Stream::Plain { .. } => {
                let _ = cx; // the kernel keeps nothing back
                Poll::Ready(Ok(()))
            }
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
            #[cfg(test)]
            Stream::Memory(stream) => Pin::new(stream).poll_flush(cx),
        }
    }
}

impl Writer {
    /// Writes some of `bytes` if that needs no waiting.
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Writer::Tcp(half) => half.try_write(bytes),
            Writer::Unix(half) => half.try_write(bytes),
        }
    }

    fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            match self.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready!(match self {
                    Writer::Tcp(half) => half.as_ref().poll_write_ready(cx),
                    Writer::Unix(half) => half.as_ref().poll_write_ready(cx),
                })?,
                done => return Poll::Ready(done),
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Socket::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Socket::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Socket::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Socket::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
