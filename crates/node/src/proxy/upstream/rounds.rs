//! What is asked of a server together: the reads of many clients in few lines.
//!
//! A server answers a line of keys with one system call, and so the fewer lines the better. Most of what comes at once
//! comes of different clients, and has no order among them: no one of it is answered before the last was written. So it
//! is sent in rounds. Each is one line of keys and then whatever else was asked; a client's first reads join the first
//! line, what it writes stands behind it, the reads after that join the second line, and so on.
//!
//! ```text
//! client 1:  get a, set b, get c        get a d e        the line of the first round
//! client 2:  get d                 ►    set b, set e     the rest of it
//! client 3:  get e, set e, get e        get c e          the line of the second
//! ```
//!
//! - **Order**: each client's requests stay as they came. Nothing passes a request whose client waits for no reply, for
//!   it may be over as soon as it was sent.
//! - **Errors**: a server that refused a line of several clients may have done so for the sake of one key, as a proxy
//!   does that cannot ask for it. From then on each request is a line of its own.
//! - **Cost**: a copy of what is written, and for a client's first reads a look at each line that is full.

use std::collections::VecDeque;

use super::asked::Asked;
use crate::proxy::pending::{Kind, Pending, digest};
use crate::proxy::translate;

/// Single reads join a line up to about so many bytes of it: enough that another line is no great matter, while its
/// values do not all wait for each other.
const READS_BYTES_MAX: usize = 2000;

/// The keys of a multi-get join a line up to about so many bytes.
const LINE_BYTES_MAX: usize = 8 * 1024;

/// Fewer single reads go as a meta command each. memcached answers twenty of those with one system call (its `-R`), and
/// what follows them too: a line for fewer would cost a call more.
const READS_MIN: usize = 20;

/// Rounds kept for their memory, and how much of it.
const SPARE_MAX: usize = 32;
const SPARE_BYTES_MAX: usize = 64 * 1024;

/// A client's requests that were read in one go.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::proxy) struct Asker {
    /// Grows from one to the next.
    pub(in crate::proxy) number: u64,
    /// What its number was before.
    pub(in crate::proxy) before: u64,
}

impl Asker {
    /// In place of the number before, where it might be that of any client.
    pub(in crate::proxy) const ANYBODY: u64 = u64::MAX;
}

/// What was asked and not yet written out.
#[derive(Default)]
pub(super) struct Rounds {
    /// Those in use, and behind them some for their memory.
    rounds: Vec<Round>,
    used: usize,
    asker: Asker,
    /// The first who asked any of this.
    first: u64,
    /// How far who asks now has got.
    at: Spot,
    /// Where others begin.
    floor: Spot,
    /// Requests.
    count: usize,
    bytes: usize,
    /// What was open to be written to, before that.
    open: usize,
    /// Whether no two requests share a line.
    apart: bool,
}

/// How far a client has got: what it asks next goes no further ahead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Spot {
    round: usize,
    /// Behind the line of that round.
    behind: bool,
}

#[derive(Default)]
struct Round {
    /// A space and a key for each.
    line: Vec<u8>,
    /// Whether its values are to come with their versions.
    cas: bool,
    /// Who reads them, in the order of the line.
    readers: Vec<Pending>,
    /// Those of them that ask for one key, and may ask for it as `mg`.
    single: usize,
    rest: Vec<u8>,
    others: Vec<Pending>,
}

impl Rounds {
    /// Requests in it.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// What they come to when they are written, about.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn pending(&self) -> impl Iterator<Item = &Pending> {
        self.rounds[..self.used].iter().flat_map(|round| round.readers.iter().chain(&round.others))
    }

    /// Tells who asks from now on.
    #[inline]
    pub(super) fn hear(&mut self, asker: Asker) {
        if self.asker.number == asker.number && self.count > 0 {
            return;
        }
        if asker.before == Asker::ANYBODY {
            // Whose it is will not be known later either.
            self.first = 0;
        } else if self.count == 0 {
            self.first = asker.number;
        }
        self.asker = asker;
        self.at = self.floor;
        if asker.before >= self.first {
            // Some of it is the client's own.
            self.go_last();
        }
    }

    /// What is asked next stays behind all there is.
    pub(super) fn go_last(&mut self) {
        if let Some(round) = self.used.checked_sub(1) {
            let last = Spot { round, behind: !self.rounds[round].others.is_empty() };
            self.at = self.at.max(last);
        }
    }

    /// What others ask from now on stays behind what is asked now.
    pub(super) fn hold_back(&mut self) {
        self.floor = self.floor.max(self.at);
    }

    /// Has each request be a line of its own, or lets them share lines again.
    pub(super) fn keep_apart(&mut self, apart: bool) {
        self.apart = apart;
    }

    /// Where a request is written; [`expect`](Self::expect) has to follow.
    #[inline]
    pub(super) fn rest(&mut self) -> &mut Vec<u8> {
        self.reach(self.at.round);
        let rest = &mut self.rounds[self.at.round].rest;
        self.open = rest.len();
        rest
    }

    /// Remembers what was written.
    #[inline]
    pub(super) fn expect(&mut self, pending: Pending) {
        let round = &mut self.rounds[self.at.round];
        self.bytes += round.rest.len() - self.open;
        round.others.push(pending);
        self.at.behind = true;
        self.count += 1;
    }

    /// Where keys to be read are written, with a space before each; [`read`](Self::read) has to follow.
    #[inline]
    pub(super) fn line(&mut self, cas: bool, single: bool) -> &mut Vec<u8> {
        let bytes_max = if single { READS_BYTES_MAX } else { LINE_BYTES_MAX };
        let mut at = self.at.round + usize::from(self.at.behind);
        self.reach(at);
        while let round = &self.rounds[at]
            && !round.line.is_empty()
            && (round.cas != cas || round.line.len() >= bytes_max)
        {
            at += 1;
            self.reach(at);
        }
        self.at = Spot { round: at, behind: false };
        let round = &mut self.rounds[at];
        round.cas = cas;
        self.open = round.line.len();
        &mut round.line
    }

    /// Remembers who reads the keys that were written.
    #[inline]
    pub(super) fn read(&mut self, mut pending: Pending) {
        let round = &mut self.rounds[self.at.round];
        let bytes = round.line.len() - self.open;
        pending.text = u32::try_from(bytes).unwrap_or(u32::MAX);
        round.single += usize::from(matches!(pending.kind, Kind::Read { .. }));
        round.readers.push(pending);
        self.bytes += bytes;
        self.count += 1;
    }

    /// Makes sure that there is such a round: one of those in use, or the next.
    #[inline]
    fn reach(&mut self, round: usize) {
        if round >= self.used {
            self.used = round + 1;
            if self.rounds.len() < self.used {
                self.rounds.push(Round::default());
            }
        }
    }

    /// Writes all of it out, in the order in which it is to be answered.
    pub(super) fn write(&mut self, output: &mut Vec<u8>, pending: &mut VecDeque<Pending>, asked: &mut Asked) {
        for round in &mut self.rounds[..self.used] {
            round.write(self.apart, output, pending, asked);
        }
        self.rounds.truncate(SPARE_MAX);
        (self.used, self.count, self.bytes) = (0, 0, 0);
        (self.at, self.floor) = (Spot::default(), Spot::default());
    }
}

impl Round {
    fn write(
        &mut self,
        apart: bool,
        output: &mut Vec<u8>,
        pending: &mut VecDeque<Pending>,
        asked: &mut Asked,
    ) {
        if apart || (self.single == self.readers.len() && self.single < READS_MIN) {
            self.write_apart(output);
        } else {
            write_line(self.cas, &self.line, output);
            let names = self.single > 0;
            if names {
                asked.push(&self.line);
            }
            let last = self.readers.len() - 1;
            for (at, reader) in self.readers.iter_mut().enumerate() {
                reader.joined = at < last;
                reader.text = if names { reader.text } else { 0 };
            }
        }
        pending.extend(self.readers.drain(..));
        output.extend_from_slice(&self.rest);
        pending.extend(self.others.drain(..));
        for bytes in [&mut self.line, &mut self.rest] {
            bytes.clear();
            bytes.shrink_to(SPARE_BYTES_MAX);
        }
        self.single = 0;
    }

    /// A command for each reader.
    fn write_apart(&mut self, output: &mut Vec<u8>) {
        let mut rest = &self.line[..];
        for reader in &mut self.readers {
            let (keys, behind) = rest.split_at(reader.text as usize);
            rest = behind;
            reader.text = 0;
            if let Kind::Read { .. } = reader.kind {
                translate::meta_get(output, b"", &keys[1..], false, None);
                reader.kind = Kind::Hit { cas: false };
                reader.key = digest(&keys[1 + usize::from(reader.prefix)..]);
            } else {
                write_line(self.cas, keys, output);
            }
        }
    }
}

fn write_line(cas: bool, keys: &[u8], output: &mut Vec<u8>) {
    output.extend_from_slice(if cas { b"gets" } else { b"get" });
    output.extend_from_slice(keys);
    output.extend_from_slice(translate::LINE_END);
}

#[cfg(test)]
mod tests;
