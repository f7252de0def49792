//! Clients that pipeline random commands and check every reply.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use peerset_testkit::wait_for;

use super::fleet::PATIENCE;
use super::stored::{generation, value};

/// Commands that a client sends before it reads the replies, at most.
pub(super) const BATCH_MAX: usize = 16;

/// Longer than any time-out of a proxy under test.
const REPLY_PATIENCE: Duration = Duration::from_secs(60);

const KEYS: u32 = 60;

/// Running clients. Each has keys of its own, so it knows what they must be; a wrong value panics in its thread, which
/// [`Load::finish`] passes on.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    clients: Vec<JoinHandle<Tally>>,
}

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// The last one written, and it must be there: servers and their keys stay where they are.
    Exactly,
    /// One that was written, or none: servers come, go and fail.
    AnyWritten,
}

/// What happened.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) hits: u64,
    pub(super) misses: u64,
    /// Stores that were answered NOT_STORED.
    pub(super) refused: u64,
    pub(super) errors: u64,
    /// Those of the errors that took a whole time-out.
    pub(super) overdue: u64,
    /// Some of the errors' texts.
    pub(super) texts: Vec<String>,
}

impl Load {
    pub(super) fn start(proxy: SocketAddr, clients: usize, expect: Expect) -> Load {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let client = |number| {
            let (stop, done) = (Arc::clone(&stop), Arc::clone(&done));
            thread::spawn(move || {
                let mut client = Client::connect(proxy, number, expect);
                while !stop.load(Ordering::Relaxed) {
                    done.fetch_add(client.turn(), Ordering::Relaxed);
                }
                client.tally
            })
        };
        let clients = (0..clients).map(client).collect();
        Load { stop, done, clients }
    }

    /// Waits until so many more commands have been answered, as long as any are.
    #[track_caller]
    pub(super) fn go_on_for(&self, commands: u64) {
        let mut done = self.done.load(Ordering::Relaxed);
        let until = done + commands;
        while done < until {
            // A client that found something wrong shows it in `finish`.
            if self.clients.iter().any(JoinHandle::is_finished) {
                return;
            }
            done = wait_for("the load to go on", PATIENCE, || {
                let now = self.done.load(Ordering::Relaxed);
                (now > done || self.clients.iter().any(JoinHandle::is_finished)).then_some(now)
            });
        }
    }

    /// Stops, and sums up.
    #[track_caller]
    pub(super) fn finish(self) -> Tally {
        self.stop.store(true, Ordering::Relaxed);
        let mut sum = Tally::default();
        for client in self.clients {
            let Ok(tally) = client.join() else { panic!("a client found something wrong, see above") };
            sum.hits += tally.hits;
            sum.misses += tally.misses;
            sum.refused += tally.refused;
            sum.errors += tally.errors;
            sum.overdue += tally.overdue;
            sum.texts.extend(tally.texts);
        }
        assert!(sum.hits > 0, "{sum:?}");
        sum
    }
}

struct Client {
    input: BufReader<TcpStream>,
    number: usize,
    expect: Expect,
    rng: fastrand::Rng,
    /// The generation last written of each key, or 0 if it is deleted or was never written.
    written: HashMap<String, u32>,
    generation: u32,
    tally: Tally,
}

/// A command under way, and what its reply must be.
enum Asked {
    Set { key: String },
    Delete { key: String, had: u32 },
    Get { keys: Vec<(String, u32)> },
    MetaGet { key: String, wanted: u32 },
    Noreply,
}

impl Client {
    fn connect(proxy: SocketAddr, number: usize, expect: Expect) -> Client {
        let stream = TcpStream::connect(proxy).unwrap();
        stream.set_read_timeout(Some(REPLY_PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client {
            input: BufReader::with_capacity(64 * 1024, stream),
            number,
            expect,
            rng: fastrand::Rng::with_seed(number as u64),
            written: HashMap::new(),
            generation: 0,
            tally: Tally::default(),
        }
    }

    /// Sends a batch and checks its replies; gives how many commands it was.
    fn turn(&mut self) -> u64 {
        let len = self.rng.usize(1..=BATCH_MAX);
        let mut sent = Vec::new();
        let asked: Vec<_> = (0..len).map(|_| self.ask(&mut sent)).collect();
        self.input.get_mut().write_all(&sent).unwrap();
        for asked in asked {
            self.check(asked);
        }
        len as u64
    }

    fn key(&mut self) -> String {
        format!("client{}:{}", self.number, self.rng.u32(..KEYS))
    }

    fn wanted(&self, key: &str) -> u32 {
        self.written.get(key).copied().unwrap_or(0)
    }

    fn ask(&mut self, sent: &mut Vec<u8>) -> Asked {
        let key = self.key();
        let wanted = self.wanted(&key);
        match self.rng.u32(..10) {
            kind @ 0..4 => {
                self.generation += 1;
                let value = value(&key, self.generation);
                self.written.insert(key.clone(), self.generation);
                let (noreply, asked) = match kind {
                    0 => (" noreply", Asked::Noreply),
                    _ => ("", Asked::Set { key: key.clone() }),
                };
                sent.extend_from_slice(format!("set {key} 7 0 {}{noreply}\r\n", value.len()).as_bytes());
                sent.extend_from_slice(&value);
                sent.extend_from_slice(b"\r\n");
                asked
            }
            4 => {
                self.written.insert(key.clone(), 0);
                sent.extend_from_slice(format!("delete {key}\r\n").as_bytes());
                Asked::Delete { key, had: wanted }
            }
            5 => {
                sent.extend_from_slice(format!("mg {key} v f k\r\n").as_bytes());
                Asked::MetaGet { key, wanted }
            }
            kind => {
                let count = if kind == 9 { self.rng.usize(2..20) } else { 1 };
                let keys: Vec<_> = (0..count)
                    .map(|_| {
                        let key = self.key();
                        let wanted = self.wanted(&key);
                        (key, wanted)
                    })
                    .collect();
                sent.extend_from_slice(if kind == 8 { b"gets" } else { b"get" });
                keys.iter().for_each(|(key, _)| sent.extend_from_slice(format!(" {key}").as_bytes()));
                sent.extend_from_slice(b"\r\n");
                Asked::Get { keys }
            }
        }
    }

    fn check(&mut self, asked: Asked) {
        match asked {
            Asked::Noreply => {}
            Asked::Set { key } => match &*self.line() {
                "STORED" => {}
                "NOT_STORED" if self.expect == Expect::AnyWritten => self.tally.refused += 1,
                error => self.error(error, &format!("set {key}")),
            },
            Asked::Delete { key, had } => match &*self.line() {
                "DELETED" if self.expect == Expect::AnyWritten || had > 0 => {}
                "NOT_FOUND" if self.expect == Expect::AnyWritten || had == 0 => {}
                error => self.error(error, &format!("delete {key}, which had {had}")),
            },
            Asked::Get { keys } => self.check_get(&keys),
            Asked::MetaGet { key, wanted } => {
                let line = self.line();
                match line.split(' ').collect::<Vec<_>>()[..] {
                    ["EN", ..] => self.found(&key, wanted, None),
                    ["VA", length, ref flags @ ..] => {
                        let data = self.data(length);
                        assert_eq!(flags, ["f7", &format!("k{key}")], "mg {key}: {line}");
                        self.found(&key, wanted, Some(&data));
                    }
                    _ => self.error(&line, &format!("mg {key}")),
                }
            }
        }
    }

    fn check_get(&mut self, keys: &[(String, u32)]) {
        let mut rest = keys.iter();
        loop {
            let line = self.line();
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["END"] => break,
                ["VALUE", key, flags, length, ..] => {
                    let data = self.data(length);
                    // Values come in the order in which they were asked for, misses left out.
                    loop {
                        let Some((asked, wanted)) = rest.next() else {
                            panic!("{line:?} in reply to {keys:?}")
                        };
                        if asked == key {
                            assert_eq!(flags, "7", "{line}");
                            self.found(asked, *wanted, Some(&data));
                            break;
                        }
                        self.found(asked, *wanted, None);
                    }
                }
                _ => return self.error(&line, &format!("get {keys:?}")),
            }
        }
        for (asked, wanted) in rest {
            self.found(asked, *wanted, None);
        }
    }

    /// Checks what a read found of a key.
    fn found(&mut self, key: &str, wanted: u32, data: Option<&[u8]>) {
        let Some(data) = data else {
            self.tally.misses += 1;
            assert!(
                self.expect == Expect::AnyWritten || wanted == 0,
                "{key} missed, not of generation {wanted}"
            );
            return;
        };
        self.tally.hits += 1;
        let shown = || String::from_utf8_lossy(&data[..data.len().min(80)]).into_owned();
        let found = generation(key, data).unwrap_or_else(|| panic!("{key} has a wrong value: {}", shown()));
        match self.expect {
            Expect::Exactly => assert_eq!(found, wanted, "generation of {key}"),
            Expect::AnyWritten => assert!(found <= self.generation, "{key} is of the future: {found}"),
        }
    }

    #[track_caller]
    fn error(&mut self, line: &str, of: &str) {
        assert!(line.starts_with("SERVER_ERROR"), "{line:?} in reply to {of}");
        assert_eq!(self.expect, Expect::AnyWritten, "{line} in reply to {of}");
        self.tally.errors += 1;
        self.tally.overdue += u64::from(line.contains("in time"));
        if self.tally.texts.len() < 3 {
            self.tally.texts.push(line.to_owned());
        }
    }

    fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.input.read_until(b'\n', &mut line).unwrap_or_else(|e| panic!("no reply: {e}"));
        let line = String::from_utf8(line).unwrap();
        line.strip_suffix("\r\n").unwrap_or_else(|| panic!("closed after {line:?}")).to_owned()
    }

    fn data(&mut self, length: &str) -> Vec<u8> {
        let mut data = vec![0; length.parse::<usize>().unwrap() + 2];
        self.input.read_exact(&mut data).unwrap();
        assert!(data.ends_with(b"\r\n"));
        data.truncate(data.len() - 2);
        data
    }
}
