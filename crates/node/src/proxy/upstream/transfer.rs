//! Bytes to a server and from it.

use std::io::{self, Read, Write};
use std::time::Instant;

use mio::Registry;
use peerset_client_memcache::health::Failure;

use super::trouble::Trouble;
use super::{Link, Replies, Upstream};

/// Output buffers that grew beyond this are given back when they are empty.
const OUTPUT_RETAINED: usize = 256 * 1024;

impl Upstream {
    pub(super) fn send(&mut self, registry: &Registry) -> Result<(), Trouble> {
        self.arrange();
        let is_open = matches!(self.link, Link::Open(_));
        let (Link::Greeting(wire, ..) | Link::Open(wire)) = &mut self.link else { return Ok(()) };
        if self.follows && is_open {
            return Ok(());
        }
        let lost = |error: io::Error| Trouble::new(Failure::Lost, error.to_string());
        while self.sent < self.output.len() {
            match wire.write(&self.output[self.sent..]) {
                Ok(0) => return Err(lost(io::ErrorKind::WriteZero.into())),
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(lost(error)),
            }
        }
        wire.flush().map_err(lost)?;
        if self.sent == self.output.len() {
            self.sent = 0;
            self.output.clear();
            if self.output.capacity() > OUTPUT_RETAINED {
                self.output = Vec::new();
            }
        } else if self.sent > OUTPUT_RETAINED.max(self.output.len() / 2) {
            // Not more often, since the rest is moved.
            self.output.drain(..self.sent);
            self.sent = 0;
        }
        let watch = !self.output.is_empty() || wire.wants_write();
        if watch != self.writable_watched {
            wire.watch_writable(registry, self.token, watch).map_err(lost)?;
            self.writable_watched = watch;
        }
        Ok(())
    }

    /// Reads all there is: readiness is reported once only, and no more can come than was asked for. A short read has
    /// emptied the socket, but the end of the input may be behind it.
    pub(super) fn receive(
        &mut self,
        read_closed: bool,
        scratch: &mut [u8],
        now: Instant,
        desk: &mut impl Replies,
    ) -> Result<(), Trouble> {
        loop {
            let (Link::Greeting(wire, ..) | Link::Open(wire)) = &mut self.link else { return Ok(()) };
            let count = match wire.read(scratch) {
                Ok(0) => return Err(Trouble::new(Failure::Lost, "it closed the connection")),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.explain(&error)),
            };
            self.heard = now;
            let bytes = &scratch[..count];
            if self.input.is_empty() {
                let consumed = self.take(bytes, now, desk)?;
                self.input.extend_from_slice(&bytes[consumed..]);
            } else {
                self.input.extend_from_slice(bytes);
                if count < self.missing {
                    self.missing -= count;
                } else {
                    let mut input = std::mem::take(&mut self.input);
                    let consumed = self.take(&input, now, desk)?;
                    if consumed == input.len() && input.capacity() <= OUTPUT_RETAINED {
                        input.clear();
                        self.input = input;
                    } else {
                        self.input.extend_from_slice(&input[consumed..]);
                    }
                }
            }
            let layered =
                matches!(&self.link, Link::Greeting(wire, ..) | Link::Open(wire) if wire.is_layered());
            if count < scratch.len() && !read_closed && !layered {
                return Ok(());
            }
        }
    }

    /// What it means that reading failed.
    #[cold]
    fn explain(&self, error: &io::Error) -> Trouble {
        let failure = match (&self.link, error.kind()) {
            // What TLS says of bytes, such as those of a certificate that cannot be trusted.
            (Link::Greeting(..), io::ErrorKind::InvalidData) => Failure::Handshake,
            (_, io::ErrorKind::InvalidData) => Failure::Garbage,
            _ => Failure::Lost,
        };
        Trouble::new(failure, error.to_string())
    }
}
