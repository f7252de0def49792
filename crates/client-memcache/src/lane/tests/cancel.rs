//! Every point at which a caller can go, for every kind of reply: a real driver over a pipe in memory, which takes as few
//! bytes at a time as the test says, to a server that answers what has come, byte by byte. No runtime decides when what
//! happens, so that each run is the same.

use std::task::ready;

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};

use super::*;
use crate::handshake::Dialect;
use crate::key::KeyMark;
use crate::lane::socket::Stream;

/// A request as bytes, what is expected, and what the server says to it.
#[derive(Clone, Copy)]
struct Script {
    request: &'static str,
    expect: Expect,
    reply: &'static str,
}

impl Request for Script {
    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<Expect, Error> {
        encoder.text(self.request.as_bytes());
        Ok(self.expect)
    }

    fn bytes(&self) -> usize {
        self.request.len()
    }
}

/// Of every kind of reply one, and those that come in parts or as errors.
fn scripts() -> Vec<Script> {
    let (key, values) = (KeyMark::of(b"k"), Expect::Values(2));
    [
        ("mg k v\r\n", Expect::MetaItem(key), "VA 2 kk\r\nab\r\n"),
        ("mg k v\r\n", Expect::MetaItem(key), "EN\r\n"),
        ("mg k v\r\n", Expect::MetaItem(key), "VA 9 kk\r\n123456789\r\n"),
        ("mg k\r\n", Expect::MetaItem(key), "SERVER_ERROR no\r\n"),
        ("ms k 2\r\nab\r\n", Expect::MetaStored, "HD\r\n"),
        ("md k\r\n", Expect::MetaDeleted, "NF\r\n"),
        ("ma k v\r\n", Expect::MetaNumber, "VA 2\r\n17\r\n"),
        ("get k\r\n", Expect::Value(key), "VALUE k 0 2\r\nab\r\nEND\r\n"),
        ("get k\r\n", Expect::Value(key), "END\r\n"),
        ("get k j\r\n", values, "VALUE k 0 1\r\na\r\nVALUE j 0 1\r\nb\r\nEND\r\n"),
        ("get k j\r\n", values, "VALUE k 0 9\r\n123456789\r\nVALUE j 0 1\r\nb\r\nEND\r\n"),
        ("get k j\r\n", values, "VALUE k 0 1\r\na\r\nSERVER_ERROR no\r\n"),
        ("set k 0 0 2\r\nab\r\n", Expect::Stored, "NOT_STORED\r\n"),
        ("delete k\r\n", Expect::Deleted, "DELETED\r\n"),
        ("touch k 1\r\n", Expect::Touched, "TOUCHED\r\n"),
        ("incr k 1\r\n", Expect::Number, "18\r\n"),
        ("flush_all\r\n", Expect::Ok, "OK\r\n"),
        ("version\r\n", Expect::Version, "VERSION 1\r\n"),
        ("stats\r\n", Expect::Stats, "STAT a 1\r\nSTAT b 2\r\nEND\r\n"),
    ]
    .map(|(request, expect, reply)| Script { request, expect, reply })
    .to_vec()
}

const BEFORE: Script = Script { request: "incr before 1\r\n", expect: Expect::Number, reply: "1001\r\n" };
const AFTER: Script = Script { request: "incr after 1\r\n", expect: Expect::Number, reply: "1002\r\n" };

/// When the connection is made; callers who come before it are parked.
const OPENED_AT: usize = 3;

/// Something that is polled when it was woken.
struct Polled<F> {
    future: F,
    woken: Arc<Woken>,
    seen: usize,
}

impl<F: Future + Unpin> Polled<F> {
    fn new(future: F) -> Self {
        let woken = Arc::new(Woken::default());
        woken.0.store(1, Ordering::SeqCst);
        Polled { future, woken, seen: 0 }
    }

    fn turn(&mut self) -> Option<F::Output> {
        let woken = self.woken.0.load(Ordering::SeqCst);
        if std::mem::replace(&mut self.seen, woken) == woken {
            return None;
        }
        let waker = Waker::from(self.woken.clone());
        match Pin::new(&mut self.future).poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }
}

/// The server's end: reads what is there and writes a byte of what it owes, at every turn.
struct Peer {
    stream: DuplexStream,
    victim: Script,
    heard: Vec<u8>,
    owed: VecDeque<u8>,
}

impl Peer {
    fn turn(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        let _ = self.read(&mut cx);
        for script in [BEFORE, self.victim, AFTER] {
            if self.heard.starts_with(script.request.as_bytes()) {
                self.heard.drain(..script.request.len());
                self.owed.extend(script.reply.as_bytes());
            }
        }
        if let Some(&byte) = self.owed.front()
            && Pin::new(&mut self.stream).poll_write(&mut cx, &[byte]).is_ready()
        {
            self.owed.pop_front();
        }
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let mut room = [0; 64];
            let mut buffer = ReadBuf::new(&mut room);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)).unwrap();
            self.heard.extend_from_slice(buffer.filled());
        }
    }
}

/// Three callers, the second of whom goes at this step. Gives how many steps there were, and the answer if it stayed.
fn run(victim: Script, pipe_bytes: usize, goes_at: usize) -> (usize, Option<Answer>) {
    let mut config = ServerConfig { queue_requests_max: 3, ..ServerConfig::default() };
    config.limits.value_bytes_max = 8;
    let endpoint: Endpoint = "127.0.0.1:1".parse().unwrap();
    let lanes = [Arc::new(Lane::new(endpoint, Arc::new(config), Arc::default()))];
    let ask = |script| Some(Polled::new(Exchange::new(&lanes, 0, script)));
    let (mut before, mut stays, mut after) = (ask(BEFORE), ask(victim), ask(AFTER));
    let (stream, server) = duplex(pipe_bytes);
    let mut stream = Some(Stream::Memory(stream));
    let mut driver = None;
    let mut peer = Peer { stream: server, victim, heard: Vec::new(), owed: VecDeque::new() };
    let mut answer = None;
    for step in 0..1000 {
        if step == goes_at {
            stays = None;
        }
        if step == OPENED_AT {
            let dialect = Dialect { meta: true, ..Dialect::classic() };
            let dialled = Dialled { stream: stream.take().unwrap(), dialect };
            let epoch = lanes[0].open(dialled.link()).unwrap();
            driver = Some(Polled::new(Driver::new(lanes[0].clone(), epoch, dialled, || {})));
        }
        for (caller, script) in [(&mut before, BEFORE), (&mut stays, victim), (&mut after, AFTER)] {
            let Some(answered) = caller.as_mut().and_then(Polled::turn) else { continue };
            let answered = answered.unwrap();
            if script.request == victim.request {
                answer = Some(answered);
            } else {
                let own = script.reply.trim_end().parse().unwrap();
                assert_eq!(answered, Answer::Number(own), "another's");
            }
            *caller = None;
        }
        if let Some(driver) = &mut driver {
            let ending = driver.turn();
            assert!(ending.is_none(), "{ending:?}");
            peer.turn();
        }
        if before.is_none() && stays.is_none() && after.is_none() && lanes[0].waiting() == 0 {
            assert!(peer.heard.is_empty() && peer.owed.is_empty(), "{}", peer.heard.escape_ascii());
            return (step, answer);
        }
    }
    panic!("somebody waits for ever, or a slot is never free");
}

#[tokio::test]
async fn whenever_a_caller_goes_the_others_get_their_own_answers() {
    // Tokio would have a task that does so much in one turn wait for the next.
    tokio::task::unconstrained(async {
        for script in scripts() {
            for pipe_bytes in [1, 7, 1024] {
                let (steps, answer) = run(script, pipe_bytes, usize::MAX);
                assert!(answer.is_some());
                for goes_at in 0..=steps {
                    run(script, pipe_bytes, goes_at);
                }
            }
        }
    })
    .await;
}
