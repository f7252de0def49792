//! A connection that says bytes and expects bytes.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use peerset_testkit::Peerset;

/// The binary under test.
pub(crate) const PEERSET: &str = env!("CARGO_BIN_EXE_peerset");

/// How long a reply may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A node without admin pages.
#[track_caller]
pub(crate) fn node(extra: &[&str]) -> Peerset {
    Peerset::start(PEERSET, &[&["--http", "off"], extra].concat())
}

/// One client connection.
pub(crate) struct Wire(TcpStream);

impl Wire {
    #[track_caller]
    pub(crate) fn connect(address: SocketAddr) -> Wire {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Wire(stream)
    }

    /// Another handle on a connected socket.
    #[track_caller]
    pub(crate) fn of(stream: &TcpStream) -> Wire {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Wire(stream.try_clone().unwrap())
    }

    #[track_caller]
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).unwrap();
    }

    /// Reads exactly what is expected and compares it.
    #[track_caller]
    pub(crate) fn expect(&mut self, expected: impl AsRef<[u8]>) {
        let expected = expected.as_ref();
        let mut reply = Vec::new();
        while reply.len() < expected.len() {
            let mut rest = vec![0; expected.len() - reply.len()];
            match self.0.read(&mut rest) {
                Ok(0) => break,
                Ok(count) => reply.extend_from_slice(&rest[..count]),
                // By a pause of this process, of which a read with a time limit is told.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("{error} after {:?}, expected {:?}", text(&reply), text(expected)),
            }
        }
        assert_eq!(text(&reply), text(expected));
    }

    /// Sends and compares the answer.
    #[track_caller]
    pub(crate) fn ask(&mut self, request: impl AsRef<[u8]>, expected: impl AsRef<[u8]>) {
        self.send(request);
        self.expect(expected);
    }

    /// Reads this many bytes.
    #[track_caller]
    pub(crate) fn read_bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Reads until `end` has arrived.
    #[track_caller]
    pub(crate) fn read_until(&mut self, end: &str) -> String {
        let mut reply = Vec::new();
        let mut byte = [0];
        while !reply.ends_with(end.as_bytes()) {
            self.0.read_exact(&mut byte).unwrap();
            reply.push(byte[0]);
        }
        text(&reply)
    }

    /// Reads to the end; a reset counts as an end.
    #[track_caller]
    pub(crate) fn read_to_end(&mut self) -> String {
        let mut reply = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            match self.0.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => reply.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("{error} after {:?}", text(&reply)),
            }
        }
        text(&reply)
    }

    /// The socket, for what this type has no word for.
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.0
    }
}

fn text(bytes: &[u8]) -> String {
    if bytes.len() > 4096 {
        return format!("{} … ({} bytes)", bytes[..256].escape_ascii(), bytes.len());
    }
    String::from_utf8_lossy(bytes).into_owned()
}
