//! The beginning of a connection: an address that takes it, and a greeting that is answered.

use std::time::Instant;

use mio::Registry;
use peerset_client_memcache::handshake::{Handshake, Progress};
use peerset_client_memcache::health::Failure;

use super::trouble::Trouble;
use super::{Link, Upstream};
use crate::proxy::wire::Wire;

impl Upstream {
    /// False if not even that is possible; health knows then.
    pub(super) fn open(&mut self, registry: &Registry, now: Instant) -> bool {
        loop {
            let opened = Wire::connect(&self.server, self.passed_over, &self.settings);
            let registered = opened.and_then(|mut wire| wire.register(registry, self.token).map(|()| wire));
            let error = match registered {
                Ok(wire) => {
                    self.counters.connects.add(1);
                    self.link = Link::Connecting(wire, now + self.settings.server.connect_timeout);
                    self.writable_watched = true;
                    return true;
                }
                Err(error) => error,
            };
            if !self.has_another_address() {
                self.settle(&Trouble::new(Failure::Connect, error.to_string()), now);
                return false;
            }
        }
    }

    /// Whether the server has an address that was not tried since it was last connected to; it is the next.
    pub(super) fn has_another_address(&mut self) -> bool {
        self.refused += 1;
        self.passed_over += 1;
        if self.refused < self.server.address_count() {
            return true;
        }
        self.refused = 0;
        false
    }

    /// Says the first words, before all requests that wait already.
    pub(super) fn greet(&mut self) {
        let Link::Connecting(wire, until) = std::mem::replace(&mut self.link, Link::Closed) else { return };
        let handshake = Handshake::new(self.settings.server.auth.as_ref());
        debug_assert_eq!(self.sent, 0, "nothing is sent before the connection stands");
        self.output.splice(0..0, handshake.output().iter().copied());
        self.link = Link::Greeting(wire, handshake, until);
    }

    /// How many bytes the greeting's answer took, once it is complete.
    pub(super) fn hear_greeting(&mut self, bytes: &[u8], now: Instant) -> Result<Option<usize>, Trouble> {
        let Link::Greeting(_, handshake, _) = &mut self.link else { return Ok(Some(0)) };
        match handshake.feed(bytes) {
            Progress::NeedMore => Ok(None),
            Progress::Failed(error) => Err(Trouble::new(Failure::Handshake, error.to_string())),
            Progress::Done { dialect, consumed } => {
                self.meta = dialect.meta && self.settings.meta;
                if let Link::Greeting(wire, ..) = std::mem::replace(&mut self.link, Link::Closed) {
                    self.link = Link::Open(wire);
                }
                self.refused = 0;
                self.unproven = Some(now);
                if self.health.is_ejected() {
                    self.health.probed();
                    if self.server.tell(None).is_some() {
                        tracing::info!(server = %self.server.label, pool = %self.settings.pool, "server is back");
                    }
                }
                Ok(Some(consumed))
            }
        }
    }
}
