//! What is asked of a server about itself.

use std::time::Duration;

use crate::Expiry;
use crate::error::Error;
use crate::lane::{Encoder, Expect, Life, Request};

/// `version`
#[derive(Debug, Clone, Copy)]
pub(crate) struct Version;

/// `stats`
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stats<'k> {
    /// One word.
    pub(crate) of: Option<crate::Key<'k>>,
}

/// When all items are forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// At once.
    Now,
    /// So long from now, rounded up to a second: all items that are there then. Nothing is [`Now`](Flush::Now).
    After(Duration),
}

/// `flush_all`
#[derive(Debug, Clone, Copy)]
pub(crate) struct FlushAll {
    pub(crate) when: Flush,
}

impl Request for Version {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<Expect, Error> {
        to.text(b"version\r\n");
        Ok(Expect::Version)
    }

    fn bytes(&self) -> usize {
        9
    }
}

impl Request for Stats<'_> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<Expect, Error> {
        to.text(b"stats");
        if let Some(of) = self.of {
            // A binary key is no word: it could end the line and begin another.
            peerset_proto_memcache::request::Key::new(of.as_bytes())?;
            to.text(b" ").text(of.as_bytes());
        }
        to.text(b"\r\n");
        Ok(Expect::Stats)
    }

    fn bytes(&self) -> usize {
        300
    }
}

impl Request for FlushAll {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<Expect, Error> {
        to.text(b"flush_all");
        // Not an expiry: 0 is now here, where elsewhere it is never. Delays beyond 30 days are times, as with those.
        if let Flush::After(delay) = self.when
            && !delay.is_zero()
        {
            to.number(Life { expiry: Expiry::After(delay), at_most: None }.exptime());
        }
        to.text(b"\r\n");
        Ok(Expect::Ok)
    }

    fn bytes(&self) -> usize {
        32
    }
}
