//! One run of a script against both servers.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use super::cas_names::CasNames;
use super::clock::{Clocks, seconds_apart};
use super::known::normalised;
use super::link::{Ending, Link, Reply};
use super::mismatch::Side;
use super::replies::CasSeen;
use super::{Batch, Mismatch, Right, Script};

/// Both servers, ready to be sent scripts.
#[derive(Debug)]
pub(crate) struct Replay {
    pub(crate) left: Link,
    pub(crate) right: Link,
    /// How long the rest of a reply is waited for.
    pub(crate) patience: Duration,
    kind: Right,
    markers: u64,
    /// Until when the servers' clocks say what is left.
    moment: u64,
}

/// Not a script's key: it is in no pool, and always missing.
const MARKER_KEY: &str = "~marker";

/// A command that any server answers, for values that announce more than they bring to swallow.
const PADDING: &[u8] = b"mn\r\n";

/// As much as sockets hold of what is not read yet.
const INLINE_BYTES_MAX: usize = 32 * 1024;

/// A server's CAS counter may lag behind by this much and be brought forward by as many sets.
const CAS_GAP_MAX: u64 = 1_000_000;

impl Replay {
    pub(crate) fn new(left: SocketAddr, right: SocketAddr, kind: Right) -> Replay {
        Replay {
            left: Link::new(left),
            right: Link::new(right),
            patience: Duration::from_secs(10),
            kind,
            markers: 0,
            moment: Clocks::moment(),
        }
    }

    /// Sends the whole script; an error is the first batch that was answered differently.
    ///
    /// Where a clock has ticked meanwhile, seconds may be as far apart, and any other difference is the error's
    /// [`ticks`](Mismatch::ticks) to judge.
    pub(crate) fn run(&mut self, script: &Script) -> Result<(), Box<Mismatch>> {
        let begun = self.reset(script);
        let Err(mut mismatch) = self.compare(script) else { return Ok(()) };
        let ended = self.reset(script);
        let [left, right] = [0, 1].map(|side| begun[side].ticks_until(&ended[side]));
        mismatch.ticks = left.max(right);
        match mismatch.seconds_apart {
            Some(apart) if apart <= mismatch.ticks => Ok(()),
            _ => Err(mismatch),
        }
    }

    /// The first batch that was answered differently, or, if there is only such, the one of them whose seconds are the
    /// farthest apart.
    fn compare(&mut self, script: &Script) -> Result<(), Box<Mismatch>> {
        let batches = match self.kind {
            Right::Server => &script.batches,
            Right::Proxy => &script.for_proxy().batches,
        };
        let mut sides = [Seen::default(), Seen::default()];
        let mut before = Vec::new();
        let mut farthest: Option<Box<Mismatch>> = None;
        for (number, batch) in batches.iter().enumerate() {
            let sent = sides.each_ref().map(|seen| render(batch, &seen.cas));
            // Cut alike, for both are as long where nothing but a CAS value differs.
            let cuts = fastrand::Rng::with_seed(script.seed ^ (number as u64) << 32);
            let cut = sent.each_ref().map(|sent| pieces(sent, &mut cuts.clone()));
            let replies = self.exchange_each(&cut[0], &cut[1]);
            let [left, right] = [&replies.0, &replies.1];
            let shown = [sides[0].even_out(self.kind, left), sides[1].even_out(self.kind, right)];
            // Silence from both is no agreement: the marker was swallowed, and the rest of the run would be void.
            let ended = left.ending == right.ending && matches!(left.ending, Ending::Marker | Ending::Closed);
            let cut = left.may_be_cut(&shown[0], &shown[1]) || right.may_be_cut(&shown[1], &shown[0]);
            let apart = if cut { Some(0) } else { seconds_apart(&shown[0], &shown[1]) }.filter(|_| ended);
            let [sent, _] = sent;
            if apart != Some(0) {
                let [shown_left, shown_right] = shown;
                let mismatch = Box::new(Mismatch {
                    seed: script.seed,
                    before: before.clone(),
                    batch: sent.clone(),
                    left: Side::new(self.left.addr, shown_left, &left.ending),
                    right: Side::new(self.right.addr, shown_right, &right.ending),
                    seconds_apart: apart,
                    ticks: 0,
                    shrunk: "shorter scripts did not differ reliably".to_owned(),
                });
                if apart.is_none() {
                    return Err(mismatch);
                }
                if farthest.as_ref().is_none_or(|farthest| farthest.seconds_apart < apart) {
                    farthest = Some(mismatch);
                }
            }
            before.push(sent);
        }
        farthest.map_or(Ok(()), Err)
    }

    /// Sends the same pieces to both.
    pub(crate) fn exchange(&mut self, pieces: &[&[u8]]) -> (Reply, Reply) {
        self.exchange_each(pieces, pieces)
    }

    /// Sends its pieces to each at once, then the marker, and waits for its reply.
    fn exchange_each(&mut self, to_left: &[&[u8]], to_right: &[&[u8]]) -> (Reply, Reply) {
        self.markers += 1;
        let request = format!("md {MARKER_KEY} O~{}\r\n", self.markers);
        let reply = format!("NF O~{}\r\n", self.markers);
        let [to_left, to_right] = [to_left, to_right].map(|pieces| [pieces, &[request.as_bytes()]].concat());
        let (left, right, patience) = (&mut self.left, &mut self.right, self.patience);
        // Without threads, which are what takes longest on a busy machine. But who is hung up on has to have read by then.
        let is_short = |pieces: &[&[u8]]| {
            let bytes = pieces.concat();
            bytes.len() <= INLINE_BYTES_MAX && !bytes.windows(4).any(|word| word == b"quit")
        };
        if is_short(&to_left) && is_short(&to_right) {
            left.send(&to_left);
            right.send(&to_right);
            return (left.hear(reply.as_bytes(), patience), right.hear(reply.as_bytes(), patience));
        }
        thread::scope(|scope| {
            let left = scope.spawn(|| left.exchange(&to_left, reply.as_bytes(), patience));
            let right = right.exchange(&to_right, reply.as_bytes(), patience);
            (left.join().expect("an exchange does not panic"), right)
        })
    }

    /// Empties both servers of the script's keys, over new connections, and looks at their clocks. Two single ones are
    /// brought to the same CAS counter.
    fn reset(&mut self, script: &Script) -> [Clocks; 2] {
        self.left.hang_up();
        self.right.hang_up();
        let mut request = b"flush_all\r\nverbosity 0\r\n".to_vec();
        // A flushed item is freed only when it is next looked at.
        for key in &script.keys {
            request.extend_from_slice(&[b"delete ", &key[..], b"\r\n"].concat());
        }
        for key in &script.keys_base64 {
            request.extend_from_slice(&[b"md ", &key[..], b" b\r\n"].concat());
        }
        if self.kind == Right::Server {
            request.extend_from_slice(b"set ~cas 0 0 1\r\n1\r\ngets ~cas\r\ndelete ~cas\r\n");
        }
        request.extend_from_slice(&Clocks::question(script, self.moment));
        let (left, right) = self.exchange(&[&request]);
        if self.kind == Right::Server {
            self.align_cas(&left, &right);
        }
        [left, right].map(|answer| Clocks::read(&answer.bytes))
    }

    fn align_cas(&mut self, left: &Reply, right: &Reply) {
        let counter = |reply: &Reply| {
            let mut seen = CasSeen::default();
            seen.learn(&reply.bytes);
            seen.of(b"~cas")
        };
        // Without numbers, say from a server without CAS, the run itself shows the difference.
        let (Some(at_left), Some(at_right)) = (counter(left), counter(right)) else { return };
        let (behind, gap) = match at_left < at_right {
            true => (&mut self.left, at_right - at_left),
            false => (&mut self.right, at_left - at_right),
        };
        if (1..=CAS_GAP_MAX).contains(&gap) {
            let mut request = b"set ~cas 0 0 1 noreply\r\n1\r\n".repeat(gap as usize);
            request.extend_from_slice(b"delete ~cas\r\n");
            behind.exchange(&[&request], b"DELETED\r\n", self.patience);
        }
    }
}

/// What a run knows of one side.
#[derive(Debug, Default)]
struct Seen {
    cas: CasSeen,
    names: CasNames,
}

impl Seen {
    /// Learns from a reply, and leaves of it what both sides must have in common.
    fn even_out(&mut self, kind: Right, reply: &Reply) -> Vec<u8> {
        let replies = normalised(&reply.bytes);
        // From what is evened out: a key that is written raw is no key in a line.
        self.cas.learn(&replies);
        match kind {
            Right::Server => replies.into_owned(),
            Right::Proxy => self.names.rename(&replies),
        }
    }
}

fn render(batch: &Batch, cas: &CasSeen) -> Vec<u8> {
    let mut sent = Vec::new();
    for command in &batch.commands {
        command.render(cas, &mut sent);
    }
    let swallows: usize = batch.commands.iter().map(super::Command::swallows).sum();
    if swallows > 0 {
        sent.extend_from_slice(&PADDING.repeat(swallows.div_ceil(PADDING.len()) + 1));
    }
    sent
}

/// A batch as one write, as a few, or byte by byte.
fn pieces<'b>(mut sent: &'b [u8], rng: &mut fastrand::Rng) -> Vec<&'b [u8]> {
    let cut_count = match rng.u8(..10) {
        0..4 => 0,
        4 if sent.len() < 200 => return sent.chunks(1).collect(),
        _ => rng.usize(1..6),
    };
    let mut cuts: Vec<_> = (0..cut_count).map(|_| rng.usize(..=sent.len())).collect();
    cuts.sort_unstable();
    let mut pieces = Vec::new();
    let mut at = 0;
    for cut in cuts {
        let (piece, rest) = sent.split_at(cut - at);
        pieces.push(piece);
        (sent, at) = (rest, cut);
    }
    pieces.push(sent);
    pieces
}

#[test]
fn pieces_are_the_whole() {
    let sent: Vec<u8> = (0..=255).collect();
    for seed in 0..200 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let sent = &sent[..rng.usize(..sent.len())];
        assert_eq!(pieces(sent, &mut rng).concat(), sent);
    }
}
