//! `set`, `add`, `replace`, `append`, `prepend`, `cas` and `ms`.

use std::time::Duration;

use peerset_route as route;

use super::Operation;
use crate::error::Error;
use crate::lane::{Answer, Encoder, Expect, Life, Request, Status};
use crate::server::{Server, unexpected};
use crate::{Cas, Expiry, Key};

/// When a store takes place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Always.
    #[default]
    Set,
    /// If there is no such item.
    Add,
    /// If there is such an item.
    Replace,
    /// Behind the value there is, whose flags and expiry stay.
    Append,
    /// Before the value there is, whose flags and expiry stay.
    Prepend,
}

/// How a value is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetOptions {
    /// When it takes place.
    pub mode: Mode,
    /// A number that is returned with the value.
    pub flags: u32,
    /// How long it lives.
    pub expiry: Expiry,
    /// Only if this is the version of the item there is. Classic commands know it with [`Mode::Set`] alone.
    pub cas: Option<Cas>,
    /// With `cas`: if the item is newer, or was marked stale since, store all the same, but marked stale. Takes meta
    /// commands.
    pub invalidate: bool,
}

/// What a store came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stored {
    /// It is stored.
    Stored,
    /// The mode's condition did not hold.
    NotStored,
    /// The item has another version.
    Exists,
    /// With a version: there is no such item.
    NotFound,
}

impl Stored {
    /// Whether it is stored.
    pub fn is_stored(self) -> bool {
        self == Stored::Stored
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Store<'k> {
    key: Key<'k>,
    value: &'k [u8],
    options: SetOptions,
    at_most: Option<Duration>,
}

impl<'k> Store<'k> {
    pub(crate) fn new(key: Key<'k>, value: &'k [u8], options: SetOptions) -> Store<'k> {
        Store { key, value, options, at_most: None }
    }

    fn exptime(&self) -> i32 {
        Life { expiry: self.options.expiry, at_most: self.at_most }.exptime()
    }

    fn meta(&self, to: &mut Encoder<'_>) -> Result<Expect, Error> {
        let SetOptions { mode, flags, cas, invalidate, .. } = self.options;
        to.unmarked_key(b"ms ", self.key)?;
        to.number(self.value.len()).encoded(self.key);
        match mode {
            Mode::Set => {}
            Mode::Add => _ = to.text(b" ME"),
            Mode::Replace => _ = to.text(b" MR"),
            Mode::Append => _ = to.text(b" MA"),
            Mode::Prepend => _ = to.text(b" MP"),
        }
        if flags != 0 {
            to.flag(b'F', flags);
        }
        let exptime = self.exptime();
        if exptime != 0 {
            to.flag(b'T', exptime);
        }
        if let Some(Cas(cas)) = cas {
            to.flag(b'C', cas);
        }
        if invalidate {
            to.text(b" I");
        }
        to.value(self.value);
        Ok(Expect::MetaStored)
    }

    fn classic(&self, to: &mut Encoder<'_>) -> Result<Expect, Error> {
        let SetOptions { mode, flags, cas, invalidate, .. } = self.options;
        if invalidate || cas.is_some() && mode != Mode::Set {
            to.needs_meta("a store with such options")?;
        }
        let command: &[u8] = match mode {
            Mode::Set if cas.is_some() => b"cas ",
            Mode::Set => b"set ",
            Mode::Add => b"add ",
            Mode::Replace => b"replace ",
            Mode::Append => b"append ",
            Mode::Prepend => b"prepend ",
        };
        to.unmarked_key(command, self.key)?;
        to.number(flags).number(self.exptime()).number(self.value.len());
        if let Some(Cas(cas)) = cas {
            to.number(cas);
        }
        to.value(self.value);
        Ok(Expect::Stored)
    }
}

impl Request for Store<'_> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<Expect, Error> {
        to.fits(self.value)?;
        if to.meta { self.meta(to) } else { self.classic(to) }
    }

    fn bytes(&self) -> usize {
        self.key.as_bytes().len() * 2 + self.value.len() + 64
    }
}

impl Operation for Store<'_> {
    type Answer = Stored;

    fn kind(&self) -> route::Operation {
        match self.options.cas {
            None => route::Operation::Store,
            Some(_) => route::Operation::CompareAndStore,
        }
    }

    fn key(&self) -> Key<'_> {
        self.key
    }

    fn shorten(&mut self, at_most: Duration) {
        self.at_most = Some(at_most);
    }

    fn decode(self, answer: Answer, server: &Server) -> Result<Stored, Error> {
        match answer {
            Answer::Status(Status::Done) => Ok(Stored::Stored),
            Answer::Status(Status::NotStored) => Ok(Stored::NotStored),
            Answer::Status(Status::Exists) => Ok(Stored::Exists),
            Answer::Status(Status::NotFound) => Ok(Stored::NotFound),
            other => Err(unexpected(server, other)),
        }
    }

    fn absent(self) -> Stored {
        if self.options.cas.is_some() { Stored::NotFound } else { Stored::NotStored }
    }

    fn said(answer: &Stored) -> route::Answer {
        match answer {
            Stored::Stored => route::Answer::Success,
            Stored::NotStored => route::Answer::NotStored,
            Stored::Exists => route::Answer::Exists,
            Stored::NotFound => route::Answer::NotFound,
        }
    }
}
