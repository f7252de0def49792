//! `get` and `gets` with many keys.

use std::collections::HashMap;

use futures_util::future::{join, join_all};
use peerset_proto_memcache::KEY_BYTES_MAX;

use super::{Get, GetOptions};
use crate::deadline::Deadline;
use crate::error::{Error, Misbehaviour};
use crate::key::KeyMark;
use crate::lane::{Answer, Encoder, Expect, Found, Request};
use crate::server::{Server, unexpected};
use crate::{Key, Value};

/// Keys that a caller asks for at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys<'k> {
    pub(crate) keys: &'k [Key<'k>],
    /// With their versions.
    pub(crate) cas: bool,
    /// Of all that is done for them together.
    pub(crate) deadline: Option<Deadline>,
}

/// What came of some of them, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) found: Vec<Found>,
    pub(crate) failures: Vec<(Vec<usize>, Error)>,
}

impl Part {
    /// What is known of one key without its being one of a line.
    pub(crate) fn of(pick: usize, value: Option<Value>) -> Part {
        let found = value.map(|Value { data, flags, cas, .. }| Found {
            data,
            flags,
            cas: cas.map(|cas| cas.0),
            pick: pick as u32,
            ..Found::default()
        });
        Part { found: found.into_iter().collect(), failures: Vec::new() }
    }

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

/// From here on a line costs its server more than taking it from another connection does.
const BULKY_KEYS_MIN: usize = 16;

impl Keys<'_> {
    /// Asks one server for those keys that `picks` tells.
    pub(crate) async fn ask(self, server: &Server, picks: &[usize]) -> Part {
        let bytes_max = KEY_BYTES_MAX - server.prefix().len();
        let is_plain =
            |pick: &usize| !self.keys[*pick].is_encoded() && self.keys[*pick].as_bytes().len() <= bytes_max;
        if picks.len() <= LINE_KEYS_MAX && picks.iter().all(is_plain) {
            return self.ask_line(server, picks).await;
        }
        let (plain, others): (Vec<usize>, Vec<usize>) = picks.iter().partition(|pick| is_plain(pick));
        let lines = plain.chunks(LINE_KEYS_MAX).map(|picks| self.ask_line(server, picks));
        // Binary keys have no place in a classic line, and one that is too long would fail all others; both are rare.
        let singles = others.iter().map(|pick| self.ask_single(server, *pick));
        let (lines, singles) = join(join_all(lines), join_all(singles)).await;
        lines.into_iter().chain(singles).fold(Part::default(), Part::and)
    }

    async fn ask_line(self, server: &Server, picks: &[usize]) -> Part {
        let line = Line { keys: self.keys, picks, cas: self.cas };
        let asked = async { line.read(server.ask(line).await?, server) };
        match self.bound(asked).await {
            Ok(part) => part,
            Err(error) => Part { found: Vec::new(), failures: vec![(picks.to_vec(), error)] },
        }
    }

    async fn ask_single(self, server: &Server, pick: usize) -> Part {
        let get = Get::new(self.keys[pick], GetOptions { cas: self.cas, ..GetOptions::default() });
        match self.bound(server.answer(get)).await {
            Ok(value) => Part::of(pick, value),
            Err(error) => Part { found: Vec::new(), failures: vec![(vec![pick], error)] },
        }
    }

    /// Asks under the deadline.
    pub(crate) async fn bound<T>(self, asked: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        match self.deadline {
            None => asked.await,
            Some(deadline) => deadline.bound(asked).await,
        }
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
    fn read(self, answer: Answer, server: &Server) -> Result<Part, Error> {
        match answer {
            Answer::Items(items, too_long) => {
                let failures = if too_long.is_empty() { Vec::new() } else { self.fail(too_long, server)? };
                Ok(Part { found: self.place(items, server)?, failures })
            }
            other => Err(unexpected(server, other)),
        }
    }

    /// Finds out which keys the items are of.
    fn place(self, mut items: Vec<Found>, server: &Server) -> Result<Vec<Found>, Error> {
        // memcached's items come in the order of the keys, those not found left out.
        let mut picks = self.picks.iter();
        let mut marks = Marks::new(server.prefix());
        for item in &mut items {
            match picks.find(|&&pick| marks.of(self.keys[pick].as_bytes()) == item.key) {
                Some(&pick) => item.pick = pick as u32,
                None => return self.match_in_any_order(items, server),
            }
        }
        Ok(items)
    }

    /// The keys whose values were too long.
    #[cold]
    fn fail(self, too_long: Vec<(KeyMark, u64)>, server: &Server) -> Result<Vec<(Vec<usize>, Error)>, Error> {
        let mut marks = Marks::new(server.prefix());
        let mut failures = Vec::new();
        let mut left = self.picks.to_vec();
        for (mark, bytes) in too_long {
            let at = left.iter().position(|&pick| marks.of(self.keys[pick].as_bytes()) == mark);
            let at = at.ok_or_else(|| server.misbehaved(Misbehaviour::Key))?;
            failures.push((vec![left.remove(at)], server.too_long(bytes)));
        }
        Ok(failures)
    }

    /// What stands between may ask several servers and answer as they do.
    #[cold]
    fn match_in_any_order(self, mut items: Vec<Found>, server: &Server) -> Result<Vec<Found>, Error> {
        let mut marks = Marks::new(server.prefix());
        let mut picks: HashMap<KeyMark, Vec<usize>> = HashMap::new();
        for &pick in self.picks {
            picks.entry(marks.of(self.keys[pick].as_bytes())).or_default().push(pick);
        }
        for item in &mut items {
            match picks.get_mut(&item.key).and_then(Vec::pop) {
                Some(pick) => item.pick = pick as u32,
                None => return Err(server.misbehaved(Misbehaviour::Key)),
            }
        }
        Ok(items)
    }
}

/// Marks of keys with a prefix before them.
struct Marks {
    room: [u8; KEY_BYTES_MAX],
    prefix_bytes: usize,
}

impl Marks {
    fn new(prefix: &[u8]) -> Marks {
        let mut room = [0; KEY_BYTES_MAX];
        room[..prefix.len()].copy_from_slice(prefix);
        Marks { room, prefix_bytes: prefix.len() }
    }

    #[inline]
    fn of(&mut self, key: &[u8]) -> KeyMark {
        if self.prefix_bytes == 0 {
            return KeyMark::of(key);
        }
        let end = self.prefix_bytes + key.len();
        self.room[self.prefix_bytes..end].copy_from_slice(key);
        KeyMark::of(&self.room[..end])
    }
}

impl Request for Line<'_> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<Expect, Error> {
        to.text(if self.cas { b"gets" } else { b"get" });
        for &pick in self.picks {
            to.unmarked_key(b" ", self.keys[pick])?;
        }
        to.text(b"\r\n");
        Ok(Expect::Values(self.picks.len()))
    }

    fn is_bulky(&self) -> bool {
        self.picks.len() >= BULKY_KEYS_MIN
    }

    fn bytes(&self) -> usize {
        self.picks.iter().map(|&pick| self.keys[pick].as_bytes().len() + 64).sum()
    }
}
