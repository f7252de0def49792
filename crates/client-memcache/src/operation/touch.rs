//! `touch`: a new expiry without reading the value.

use std::time::Duration;

use peerset_route as route;

use super::Operation;
use crate::error::Error;
use crate::lane::{Answer, Encoder, Expect, Life, Request, Status};
use crate::server::{Server, unexpected};
use crate::{Expiry, Key};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Touch<'k> {
    key: Key<'k>,
    life: Life,
}

impl<'k> Touch<'k> {
    pub(crate) fn new(key: Key<'k>, expiry: Expiry) -> Touch<'k> {
        Touch { key, life: Life { expiry, at_most: None } }
    }
}

impl Request for Touch<'_> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<Expect, Error> {
        let exptime = self.life.exptime();
        // To the meta command a touch is a read, which takes the only win of a stale item; the classic one leaves it. Binary
        // keys have no choice.
        if self.key.is_encoded() {
            let mark = to.key(b"mg ", self.key)?;
            to.text(b" k").encoded(self.key).flag(b'T', exptime).text(b"\r\n");
            return Ok(Expect::MetaItem(mark));
        }
        to.unmarked_key(b"touch ", self.key)?;
        to.number(exptime).text(b"\r\n");
        Ok(Expect::Touched)
    }

    fn bytes(&self) -> usize {
        self.key.as_bytes().len() * 2 + 64
    }
}

impl Operation for Touch<'_> {
    /// Whether there is such an item.
    type Answer = bool;

    fn kind(&self) -> route::Operation {
        route::Operation::Touch
    }

    fn key(&self) -> Key<'_> {
        self.key
    }

    fn shorten(&mut self, at_most: Duration) {
        self.life.at_most = Some(at_most);
    }

    fn decode(self, answer: Answer, server: &Server) -> Result<bool, Error> {
        match answer {
            Answer::Item(_) | Answer::Status(Status::Done) => Ok(true),
            Answer::Status(Status::NotFound) => Ok(false),
            other => Err(unexpected(server, other)),
        }
    }

    fn absent(self) -> bool {
        false
    }

    fn said(answer: &bool) -> route::Answer {
        if *answer { route::Answer::Success } else { route::Answer::NotFound }
    }
}
