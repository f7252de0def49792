//! `delete` and `md`.

use std::time::Duration;

use peerset_route as route;

use super::Operation;
use crate::error::Error;
use crate::lane::{Answer, Encoder, Expect, Life, Request, Status};
use crate::server::{Server, unexpected};
use crate::{Cas, Expiry, Key};

/// How an item is taken away. All of it takes meta commands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeleteOptions {
    /// Only if this is the version of the item there is.
    pub cas: Option<Cas>,
    /// Mark it stale in place of deleting it: the next to read it wins it and makes it anew, the others use it meanwhile.
    pub stale: bool,
    /// With `stale`: let it live so long from now on.
    pub expiry: Option<Expiry>,
}

/// What a delete came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deleted {
    /// It is gone, or marked stale.
    Deleted,
    /// There is no such item.
    NotFound,
    /// The item has another version.
    Exists,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Delete<'k> {
    key: Key<'k>,
    options: DeleteOptions,
    at_most: Option<Duration>,
}

impl<'k> Delete<'k> {
    pub(crate) fn new(key: Key<'k>, options: DeleteOptions) -> Delete<'k> {
        Delete { key, options, at_most: None }
    }
}

impl Request for Delete<'_> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<Expect, Error> {
        let DeleteOptions { cas, stale, expiry } = self.options;
        if !to.meta {
            if self.options != DeleteOptions::default() {
                to.needs_meta("a delete with options")?;
            }
            to.unmarked_key(b"delete ", self.key)?;
            to.text(b"\r\n");
            return Ok(Expect::Deleted);
        }
        to.unmarked_key(b"md ", self.key)?;
        to.encoded(self.key);
        if let Some(Cas(cas)) = cas {
            to.flag(b'C', cas);
        }
        if stale {
            to.text(b" I");
        }
        if let Some(expiry) = expiry {
            to.flag(b'T', Life { expiry, at_most: self.at_most }.exptime());
        }
        to.text(b"\r\n");
        Ok(Expect::MetaDeleted)
    }

    fn bytes(&self) -> usize {
        self.key.as_bytes().len() * 2 + 64
    }
}

impl Operation for Delete<'_> {
    type Answer = Deleted;

    fn kind(&self) -> route::Operation {
        match self.options.cas {
            None => route::Operation::Delete,
            Some(_) => route::Operation::CompareAndDelete,
        }
    }

    fn key(&self) -> Key<'_> {
        self.key
    }

    fn shorten(&mut self, at_most: Duration) {
        self.at_most = Some(at_most);
    }

    fn decode(self, answer: Answer, server: &Server) -> Result<Deleted, Error> {
        match answer {
            Answer::Status(Status::Done) => Ok(Deleted::Deleted),
            Answer::Status(Status::NotFound) => Ok(Deleted::NotFound),
            Answer::Status(Status::Exists) => Ok(Deleted::Exists),
            other => Err(unexpected(server, other)),
        }
    }

    fn absent(self) -> Deleted {
        Deleted::NotFound
    }

    fn said(answer: &Deleted) -> route::Answer {
        match answer {
            Deleted::Deleted => route::Answer::Success,
            Deleted::NotFound => route::Answer::NotFound,
            Deleted::Exists => route::Answer::Exists,
        }
    }
}
