//! What is asked of a server about itself.

use crate::Expiry;
use crate::error::Error;
use crate::lane::{Encoder, Expect, Life, Request};

/// `version`
#[derive(Debug, Clone, Copy)]
pub(crate) struct Version;

/// `stats`
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stats<'k> {
    /// Words of which each is checked as a key is: nothing can end the line early.
    pub(crate) of: Option<crate::Key<'k>>,
}

/// `flush_all`
#[derive(Debug, Clone, Copy)]
pub(crate) struct FlushAll {
    /// When.
    pub(crate) at: Expiry,
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
        // To memcached 0 is now here, where elsewhere it is never.
        let exptime = Life { expiry: self.at, at_most: None }.exptime().max(0);
        if exptime > 0 {
            to.number(exptime);
        }
        to.text(b"\r\n");
        Ok(Expect::Ok)
    }

    fn bytes(&self) -> usize {
        32
    }
}
