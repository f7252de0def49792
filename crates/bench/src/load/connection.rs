//! One connection in a closed loop.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::thread;
use std::time::Instant;

use anyhow::{Result, ensure};
use mio::net::TcpStream;

use super::dialect::{Awaited, check};
use super::items::Items;

/// A connection, and the batch in flight on it.
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    /// The next batch is built here.
    pub(super) out: Vec<u8>,
    pub(super) awaited: Vec<Awaited>,
    awaited_bytes: usize,
    replies: Vec<u8>,
    filled: usize,
    sent: Instant,
}

/// What became of a readiness event.
pub(super) enum Progress {
    /// Some of the batch's replies are still to come.
    Partial,
    /// All have come, this many nanoseconds after the batch was sent.
    Complete { nanoseconds: u64 },
}

impl Connection {
    pub(super) fn open(addr: SocketAddr) -> io::Result<Connection> {
        let stream = std::net::TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Connection {
            stream: TcpStream::from_std(stream),
            out: Vec::new(),
            awaited: Vec::new(),
            awaited_bytes: 0,
            replies: Vec::new(),
            filled: 0,
            sent: Instant::now(),
        })
    }

    /// Sends the batch that has been built, in one write.
    pub(super) fn send(&mut self, items: &Items) -> io::Result<()> {
        self.awaited_bytes = self.awaited.iter().map(|part| part.bytes(items)).sum();
        // One byte of room more, in which a reply too many would show.
        self.replies.resize(self.replies.len().max(self.awaited_bytes + 1), 0);
        self.filled = 0;
        self.sent = Instant::now();
        let mut rest = &self.out[..];
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(count) => rest = &rest[count..],
                // A closed loop's batch fits into the socket's buffer, so this hardly happens.
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => thread::yield_now(),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.out.clear();
        Ok(())
    }

    /// Reads what has come and checks the batch once all of it has.
    pub(super) fn receive(&mut self, items: &Items) -> Result<Progress> {
        loop {
            let room = &mut self.replies[self.filled..];
            let room_bytes = room.len();
            match self.stream.read(room) {
                Ok(0) => {
                    check(items, &mut self.awaited, &self.replies[..self.filled])?;
                    anyhow::bail!("the server closed the connection");
                }
                Ok(count) => {
                    self.filled += count;
                    if self.filled >= self.awaited_bytes {
                        let nanoseconds = self.sent.elapsed().as_nanos() as u64;
                        check(items, &mut self.awaited, &self.replies[..self.filled])?;
                        self.awaited.clear();
                        return Ok(Progress::Complete { nanoseconds });
                    }
                    // A short read has emptied the socket; more bytes will be a new event. Saves a read that blocks.
                    if count < room_bytes {
                        return Ok(Progress::Partial);
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(Progress::Partial),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Whether what has come so far of an unfinished batch is right: tells a silent server from a wrong reply.
    pub(super) fn check_stalled(&mut self, items: &Items) -> Result<()> {
        ensure!(self.awaited.is_empty(), {
            let wrong = check(items, &mut self.awaited, &self.replies[..self.filled]).err();
            let of = (self.filled, self.awaited_bytes);
            format!("no reply for long; {} of {} bytes have come, {wrong:?}", of.0, of.1)
        });
        Ok(())
    }
}
