//! `incr`, `decr` and `ma`.

use std::time::Duration;

use peerset_proto_memcache::request::Direction;
use peerset_route as route;

use super::Operation;
use crate::error::Error;
use crate::lane::{Answer, Encoder, Expect, Life, Request, Status};
use crate::server::{Server, unexpected};
use crate::{Expiry, Key};

/// What counting does beside counting. All of it takes meta commands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CountOptions {
    /// If there is no such item, make one of this number, which is then the answer, and let it live so long.
    pub initial: Option<(u64, Expiry)>,
    /// Let it live so long from now on.
    pub expiry: Option<Expiry>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Count<'k> {
    key: Key<'k>,
    direction: Direction,
    delta: u64,
    options: CountOptions,
    at_most: Option<Duration>,
}

impl<'k> Count<'k> {
    pub(crate) fn new(key: Key<'k>, direction: Direction, delta: u64, options: CountOptions) -> Count<'k> {
        Count { key, direction, delta, options, at_most: None }
    }

    fn meta(&self, to: &mut Encoder<'_>) -> Result<Expect, Error> {
        to.unmarked_key(b"ma ", self.key)?;
        to.encoded(self.key).text(b" v");
        if self.direction == Direction::Decrement {
            to.text(b" MD");
        }
        to.flag(b'D', self.delta);
        let life = |expiry| Life { expiry, at_most: self.at_most }.exptime();
        if let Some((initial, expiry)) = self.options.initial {
            to.flag(b'N', life(expiry)).flag(b'J', initial);
        }
        if let Some(expiry) = self.options.expiry {
            to.flag(b'T', life(expiry));
        }
        to.text(b"\r\n");
        Ok(Expect::MetaNumber)
    }
}

impl Request for Count<'_> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<Expect, Error> {
        if to.meta {
            return self.meta(to);
        }
        if self.options != CountOptions::default() {
            to.needs_meta("counting with options")?;
        }
        let command: &[u8] = match self.direction {
            Direction::Increment => b"incr ",
            Direction::Decrement => b"decr ",
        };
        to.unmarked_key(command, self.key)?;
        to.number(self.delta).text(b"\r\n");
        Ok(Expect::Number)
    }

    fn bytes(&self) -> usize {
        self.key.as_bytes().len() * 2 + 96
    }
}

impl Operation for Count<'_> {
    /// The new number.
    type Answer = Option<u64>;

    fn kind(&self) -> route::Operation {
        route::Operation::Arithmetic
    }

    fn key(&self) -> Key<'_> {
        self.key
    }

    fn shorten(&mut self, at_most: Duration) {
        self.at_most = Some(at_most);
    }

    fn decode(self, answer: Answer, server: &Server) -> Result<Option<u64>, Error> {
        match answer {
            Answer::Number(number) => Ok(Some(number)),
            Answer::Status(Status::NotFound | Status::NotStored) => Ok(None),
            other => Err(unexpected(server, other)),
        }
    }

    fn absent(self) -> Option<u64> {
        None
    }

    fn said(answer: &Option<u64>) -> route::Answer {
        if answer.is_some() { route::Answer::Success } else { route::Answer::NotFound }
    }
}
