//! A connection to one of the servers.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use std::{fmt, thread};

/// One server, and the connection to it while there is one.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) addr: SocketAddr,
    stream: Option<TcpStream>,
}

/// What came back for a batch.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) bytes: Vec<u8>,
    pub(crate) ending: Ending,
    /// The connection was reset, as when the server closed it with requests unread. What had arrived by then and was not
    /// read is lost, so that less may be here than the server sent.
    pub(crate) reset: bool,
}

impl Reply {
    /// Whether two replies, as they are compared, can be the same one: equal, or lost in part by a reset.
    pub(crate) fn may_be_cut(&self, shown: &[u8], other: &[u8]) -> bool {
        self.reset && other.starts_with(shown)
    }
}

/// Why a reply ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The marker arrived: everything was answered.
    Marker,
    /// The server closed the connection. A reset counts as that: which of the two a client sees is a race.
    Closed,
    /// Nothing more came for as long as was waited.
    Silence(Duration),
    /// No connection could be made.
    Unreachable(io::ErrorKind),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Marker => f.write_str("the marker"),
            Ending::Closed => f.write_str("it closed the connection"),
            Ending::Silence(waited) => write!(f, "silence for {waited:?}"),
            Ending::Unreachable(kind) => write!(f, "no connection: {kind}"),
        }
    }
}

impl Link {
    pub(crate) fn new(addr: SocketAddr) -> Link {
        Link { addr, stream: None }
    }

    /// Drops the connection; the next exchange makes a new one.
    pub(crate) fn hang_up(&mut self) {
        self.stream = None;
    }

    /// Sends each piece in a write of its own. Only for what sockets hold in any case: nobody reads meanwhile.
    pub(crate) fn send(&mut self, pieces: &[&[u8]]) {
        // Who cannot connect, or has been hung up on, is noticed by the one who hears.
        let _ = self.connect().and_then(|stream| write(stream, pieces));
    }

    /// Reads until the reply ends with `marker`.
    pub(crate) fn hear(&mut self, marker: &[u8], patience: Duration) -> Reply {
        let mut bytes = Vec::new();
        let (ending, reset) = match self.connect() {
            Ok(stream) => read_until(stream, marker, patience, &mut bytes),
            Err(e) => (Ending::Unreachable(e.kind()), false),
        };
        self.end(Reply { bytes, ending, reset })
    }

    /// Sends each piece in a write of its own, while reading until the reply ends with `marker`.
    pub(crate) fn exchange(&mut self, pieces: &[&[u8]], marker: &[u8], patience: Duration) -> Reply {
        let mut bytes = Vec::new();
        let (ending, reset) = match self.connect() {
            Ok(stream) => converse(stream, pieces, marker, patience, &mut bytes),
            Err(e) => (Ending::Unreachable(e.kind()), false),
        };
        self.end(Reply { bytes, ending, reset })
    }

    fn end(&mut self, reply: Reply) -> Reply {
        if reply.ending != Ending::Marker {
            self.hang_up();
        }
        reply
    }

    fn connect(&mut self) -> io::Result<&TcpStream> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.addr)?;
            // Each piece is to leave in a segment of its own.
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
        }
        self.stream.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

fn converse(
    stream: &TcpStream,
    pieces: &[&[u8]],
    marker: &[u8],
    patience: Duration,
    bytes: &mut Vec<u8>,
) -> (Ending, bool) {
    // Written beside reading: a server whose replies are not read stops reading requests.
    thread::scope(|scope| {
        // A server that has closed is noticed by the reader.
        scope.spawn(|| drop(write(stream, pieces)));
        let ended = read_until(stream, marker, patience, bytes);
        if ended.0 != Ending::Marker {
            // Ends a writer that is still stuck.
            let _ = stream.shutdown(Shutdown::Both);
        }
        ended
    })
}

fn write(mut stream: &TcpStream, pieces: &[&[u8]]) -> io::Result<()> {
    for piece in pieces {
        stream.write_all(piece)?;
        thread::yield_now();
    }
    Ok(())
}

/// Why it ended, and whether by a reset.
fn read_until(
    mut stream: &TcpStream,
    marker: &[u8],
    patience: Duration,
    bytes: &mut Vec<u8>,
) -> (Ending, bool) {
    let mut chunk = [0; 16 * 1024];
    let deadline = Instant::now() + patience;
    while !bytes.ends_with(marker) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return (Ending::Silence(patience), false);
        }
        match stream.read(&mut chunk) {
            Ok(0) => return (Ending::Closed, false),
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(e) => match e.kind() {
                io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {}
                _ => return (Ending::Closed, true),
            },
        }
    }
    (Ending::Marker, false)
}
