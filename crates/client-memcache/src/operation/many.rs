//! `get` and `gets` with many keys.

use std::time::Duration;

use futures_util::future::{join, join_all};
use peerset_proto_memcache::KEY_BYTES_MAX;

use super::{Get, GetOptions};
use crate::error::{Error, Misbehaviour};
use crate::key::KeyMark;
use crate::lane::{Answer, Encoder, Expect, Request};
use crate::server::{Server, unexpected};
use crate::{Key, Value};

/// Keys that a caller asks for at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys<'k> {
    pub(crate) keys: &'k [Key<'k>],
    /// With their versions.
    pub(crate) cas: bool,
    pub(crate) deadline: Option<Duration>,
}

/// What came of some of them, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) found: Vec<(usize, Value)>,
    pub(crate) failures: Vec<(Vec<usize>, Error)>,
}

impl Part {
    /// Both together.
    pub(crate) fn and(mut self, other: Part) -> Part {
        if self.found.is_empty() {
            self.found = other.found;
        } else {
            self.found.extend(other.found);
        }
        self.failures.extend(other.failures);
        self
    }
}

/// As many keys as one line asks for. Servers take more, but answer a line as a whole.
const LINE_KEYS_MAX: usize = 1000;

impl Keys<'_> {
    /// Asks one server for those keys that `picks` tells.
    pub(crate) async fn ask(self, server: &Server, picks: &[usize]) -> Part {
        let (encoded, plain): (Vec<usize>, Vec<usize>) =
            picks.iter().partition(|&&pick| self.keys[pick].is_encoded());
        let Keys { keys, cas, .. } = self;
        let lines = plain.chunks(LINE_KEYS_MAX).map(|picks| async move {
            let line = Line { keys, picks, cas };
            (picks, self.within(server, line, |answer| line.read(answer, server)).await)
        });
        // Binary keys have no place in a classic line, and are rare.
        let singles = encoded.iter().map(|pick| async move {
            let get = Get::new(keys[*pick], GetOptions { cas, ..GetOptions::default() });
            let read =
                |answer| Ok(super::Operation::decode(get, answer, server)?.map(|value| (*pick, value)));
            let found = self.within(server, get, read).await;
            (std::slice::from_ref(pick), found.map(Vec::from_iter))
        });
        let mut part = Part::default();
        let (lines, singles) = join(join_all(lines), join_all(singles)).await;
        for (picks, found) in lines.into_iter().chain(singles) {
            match found {
                Ok(found) if part.found.is_empty() => part.found = found,
                Ok(found) => part.found.extend(found),
                Err(error) => part.failures.push((picks.to_vec(), error)),
            }
        }
        part
    }

    /// Asks, under the deadline, and reads the answer.
    async fn within<R: Request, T>(
        self,
        server: &Server,
        request: R,
        read: impl FnOnce(Answer) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let asked = server.ask(request);
        let answer = match self.deadline {
            None => asked.await,
            Some(limit) => tokio::time::timeout(limit, asked).await.unwrap_or(Err(Error::Deadline { limit })),
        };
        read(answer?)
    }
}

/// One line and its reply: plain keys of one server.
#[derive(Debug, Clone, Copy)]
struct Line<'k> {
    keys: &'k [Key<'k>],
    picks: &'k [usize],
    cas: bool,
}

impl Line<'_> {
    fn read(self, answer: Answer, server: &Server) -> Result<Vec<(usize, Value)>, Error> {
        let items = match answer {
            Answer::Items(items) => items,
            other => return Err(unexpected(server, other)),
        };
        // Items come in the order of the keys, those not found left out.
        let mut picks = self.picks.iter();
        let mut room = [0; KEY_BYTES_MAX];
        let start = server.prefix().len();
        room[..start].copy_from_slice(server.prefix());
        let mut found = Vec::with_capacity(items.len());
        for (mark, item) in items {
            let asked = picks.find(|&&pick| {
                let key = self.keys[pick].as_bytes();
                room[start..start + key.len()].copy_from_slice(key);
                KeyMark::of(&room[..start + key.len()]) == mark
            });
            match asked {
                Some(&pick) => found.push((pick, item.into())),
                None => return Err(server.misbehaved(Misbehaviour::Key)),
            }
        }
        Ok(found)
    }
}

impl Request for Line<'_> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<Expect, Error> {
        to.text(if self.cas { b"gets" } else { b"get" });
        for &pick in self.picks {
            to.key(b" ", self.keys[pick])?;
        }
        to.text(b"\r\n");
        Ok(Expect::Values)
    }

    fn bytes(&self) -> usize {
        self.picks.iter().map(|&pick| self.keys[pick].as_bytes().len() + 64).sum()
    }
}
