//! `get`, `gets`, `gat`, `gats` and `mg`.

use std::time::Duration;

use peerset_route as route;

use super::Operation;
use crate::error::Error;
use crate::lane::{Answer, Encoder, Expect, Life, Request, Status};
use crate::server::{Server, unexpected};
use crate::{Expiry, Key, Value};

/// What a read is to tell and do beside giving the value.
///
/// All but `cas` and `expiry` take meta commands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GetOptions {
    /// Tell the version.
    pub cas: bool,
    /// Tell how long the item will live.
    pub ttl: bool,
    /// Tell when it was last read.
    pub last_access: bool,
    /// Tell whether it had been read before.
    pub hit_before: bool,
    /// Do not count this as a read.
    pub no_bump: bool,
    /// Let it live so long from now on.
    pub expiry: Option<Expiry>,
    /// If there is no such item, make an empty one that lives so long, and win it: this caller is to make the value, and
    /// all others hear so ([`Win`](crate::Win)).
    pub vivify: Option<Duration>,
    /// If it will live less than this, win it: this caller is to make the value anew, while all others use the old one.
    pub recache: Option<Duration>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Get<'k> {
    pub(crate) key: Key<'k>,
    pub(crate) options: GetOptions,
    at_most: Option<Duration>,
}

impl<'k> Get<'k> {
    pub(crate) fn new(key: Key<'k>, options: GetOptions) -> Get<'k> {
        Get { key, options, at_most: None }
    }

    fn meta(&self, to: &mut Encoder<'_>) -> Result<Expect, Error> {
        let GetOptions { cas, ttl, last_access, hit_before, no_bump, expiry, vivify, recache } = self.options;
        let mark = to.key(b"mg ", self.key)?;
        // The key comes back, so that no item is taken for another.
        to.text(b" v f k").encoded(self.key);
        let told = [(cas, b" c"), (ttl, b" t"), (last_access, b" l"), (hit_before, b" h"), (no_bump, b" u")];
        for (_, flag) in told.iter().filter(|(wanted, _)| *wanted) {
            to.text(*flag);
        }
        let life = |expiry| Life { expiry, at_most: self.at_most }.exptime();
        if let Some(expiry) = expiry {
            to.flag(b'T', life(expiry));
        }
        if let Some(lasts) = vivify {
            to.flag(b'N', life(Expiry::After(lasts)));
        }
        if let Some(left) = recache {
            to.flag(b'R', Life { expiry: Expiry::After(left), at_most: None }.exptime());
        }
        to.text(b"\r\n");
        Ok(Expect::MetaItem(mark))
    }

    fn classic(&self, to: &mut Encoder<'_>) -> Result<Expect, Error> {
        let GetOptions { cas, expiry, .. } = self.options;
        if (GetOptions { cas, expiry, ..GetOptions::default() }) != self.options {
            to.needs_meta("a read with such options")?;
        }
        let mark = match expiry {
            None => to.key(if cas { b"gets " } else { b"get " }, self.key)?,
            Some(expiry) => {
                to.text(if cas { b"gats" } else { b"gat" });
                to.number(Life { expiry, at_most: self.at_most }.exptime());
                to.key(b" ", self.key)?
            }
        };
        to.text(b"\r\n");
        Ok(Expect::Value(mark))
    }
}

impl Request for Get<'_> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<Expect, Error> {
        if to.meta { self.meta(to) } else { self.classic(to) }
    }

    fn bytes(&self) -> usize {
        self.key.as_bytes().len() * 2 + 64
    }
}

impl Operation for Get<'_> {
    type Answer = Option<Value>;

    fn kind(&self) -> route::Operation {
        match self.options.expiry {
            None => route::Operation::Read,
            Some(_) => route::Operation::ReadAndTouch,
        }
    }

    fn key(&self) -> Key<'_> {
        self.key
    }

    fn shorten(&mut self, at_most: Duration) {
        self.at_most = Some(at_most);
    }

    fn decode(self, answer: Answer, server: &Server) -> Result<Option<Value>, Error> {
        match answer {
            Answer::Item(item) => Ok(Some(item.into())),
            Answer::Status(Status::NotFound) => Ok(None),
            other => Err(unexpected(server, other)),
        }
    }

    fn absent(self) -> Option<Value> {
        None
    }

    fn said(answer: &Option<Value>) -> route::Answer {
        if answer.is_some() { route::Answer::Success } else { route::Answer::Miss }
    }
}
