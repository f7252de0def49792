//! Connections to servers that a test plays, at moments that it chooses.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use mio::{Events, Poll};
use peerset_client_memcache::ServerConfig;
use peerset_placement::Spec;
use peerset_route::{Operation, OwnerDown};

use super::trouble::IDLE_MIN;
use super::*;
use crate::proxy::exchange::PartId;
use crate::proxy::pending::{Kind, To};
use crate::proxy::pool::Tally;
use crate::proxy::translate;

/// What became of requests.
#[derive(Default)]
struct Desk {
    answered: usize,
    failed: Vec<Answer>,
    /// Of each answer a word: a value's key, or how its line begins.
    heard: Vec<String>,
    /// The keys of the one who asks for several, as long as they are to come.
    several: Vec<&'static str>,
}

impl Replies for Desk {
    fn part(&mut self, _: &Pending, reply: &Reply<'_>, _: &[u8]) -> bool {
        let Reply::Value(value) = reply else { return false };
        let found = self.several.iter().position(|key| key.as_bytes() == value.key.as_bytes());
        if let Some(at) = found {
            self.several.drain(..=at);
        }
        found.is_some()
    }

    fn spoil(&mut self, _: &Pending, _: &[u8], _: &str) -> bool {
        true
    }

    fn last(&mut self, _: &Pending, reply: &Reply<'_>, bytes: &[u8]) -> bool {
        self.answered += 1;
        self.heard.push(match reply {
            Reply::Value(value) => value.key.as_bytes().escape_ascii().to_string(),
            _ => str::from_utf8(bytes).unwrap().split_whitespace().next().unwrap().to_owned(),
        });
        true
    }

    fn failed(&mut self, _: Pending, _: &Server, _: &Settings, why: Answer) {
        self.failed.push(why);
        self.heard.push(format!("{why:?}"));
    }
}

/// A connection and its poller.
struct Rig {
    poll: Poll,
    upstream: Upstream,
    desk: Desk,
    /// Bytes read at once.
    scratch: usize,
}

impl Rig {
    /// With a server of these addresses, not connected yet.
    fn new(addresses: &[SocketAddr], change: impl FnOnce(&mut ServerConfig)) -> Rig {
        let mut server = ServerConfig::default();
        change(&mut server);
        let settings = Settings {
            pool: "pool".into(),
            server,
            spec: Spec::default(),
            owner_down: OwnerDown::Error,
            meta: true,
            stale_in_use: Arc::default(),
        };
        let mut limits = Limits::default();
        limits.value_bytes_max = 100;
        let upstream = Upstream::new(
            Arc::new(Server::at(addresses.to_vec())),
            Arc::new(settings),
            Arc::<Tally>::default().count(&"server".into()),
            limits,
            0,
            7,
            Instant::now(),
        );
        Rig { poll: Poll::new().unwrap(), upstream, desk: Desk::default(), scratch: 1024 }
    }

    /// Connects, and gives the server's end.
    #[track_caller]
    fn open(&mut self, listener: &TcpListener, now: Instant) -> TcpStream {
        self.maintain(now);
        let stream = greet(listener);
        self.turn_until(now, is_open);
        stream
    }

    fn maintain(&mut self, now: Instant) {
        self.upstream.maintain(self.poll.registry(), now, &mut self.desk);
    }

    /// Lets a request wait, as a client's would.
    #[track_caller]
    fn ask(&mut self, now: Instant) -> Room {
        let room = self.upstream.admit(self.poll.registry(), now).unwrap();
        self.upstream.output().0.extend_from_slice(b"delete a\r\n");
        self.upstream.expect(pending(Kind::Line, Operation::Delete, now));
        room
    }

    /// Lets a read of one key wait.
    #[track_caller]
    fn read(&mut self, key: &str, now: Instant) {
        self.upstream.admit(self.poll.registry(), now).unwrap();
        let (line, prefix) = self.upstream.line(false, true);
        translate::keys(line, prefix, [key.as_bytes()].into_iter());
        self.upstream.read(pending(Kind::Read { answered: false }, Operation::Read, now));
    }

    fn flush(&mut self, now: Instant) {
        self.upstream.flush(self.poll.registry(), now, &mut self.desk);
    }

    /// Handles what happens, all of it at this moment, until it led to what is waited for.
    #[track_caller]
    fn turn_until(&mut self, now: Instant, done: impl Fn(&Upstream, &Desk) -> bool) {
        let mut events = Events::with_capacity(16);
        let mut scratch = vec![0; self.scratch];
        while !done(&self.upstream, &self.desk) {
            self.poll.poll(&mut events, Some(Duration::from_secs(30))).unwrap();
            assert!(!events.is_empty(), "nothing happens");
            let (registry, desk) = (self.poll.registry(), &mut self.desk);
            for event in &events {
                self.upstream.ready(registry, event.is_read_closed(), &mut scratch, now, desk);
            }
            self.upstream.flush(registry, now, desk);
        }
    }
}

fn pending(kind: Kind, operation: Operation, since: Instant) -> Pending {
    Pending::new(To::Part(PartId { exchange: 0, part: 0 }), kind, operation, 0, since)
}

fn is_open(upstream: &Upstream, _: &Desk) -> bool {
    matches!(upstream.link, Link::Open(_))
}

fn is_closed(upstream: &Upstream, _: &Desk) -> bool {
    matches!(upstream.link, Link::Closed)
}

/// Takes a connection, which is on its way.
#[track_caller]
fn accept(listener: &TcpListener) -> TcpStream {
    let start = Instant::now();
    loop {
        match listener.accept() {
            Ok((stream, _)) => return stream,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
        assert!(start.elapsed() < Duration::from_secs(30), "nobody connects");
    }
}

/// Takes a connection and answers its greeting.
#[track_caller]
fn greet(listener: &TcpListener) -> TcpStream {
    let mut stream = accept(listener);
    stream.write_all(b"VERSION 1.6.18\r\n").unwrap();
    stream
}

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn an_address_that_cannot_even_be_tried_leaves_nobody_waiting() {
    // Nobody listens on the first; to the second there is no way, which connecting says at once.
    let addresses = ["127.0.0.1:1", "255.255.255.255:1"].map(|address| address.parse().unwrap());
    let mut rig = Rig::new(&addresses, |_| {});
    let now = Instant::now();
    rig.ask(now);
    rig.turn_until(now, is_closed);
    assert_eq!(rig.desk.failed, [Answer::Down]);
    assert!(rig.upstream.is_down() && !rig.upstream.is_busy() && rig.upstream.output.is_empty());
}

#[test]
fn an_address_that_breaks_greetings_is_passed_over() {
    let ((broken, first), (well, second)) = (listen(), listen());
    let mut rig = Rig::new(&[first, second], |_| {});
    let now = Instant::now();
    rig.maintain(now);
    drop(accept(&broken));
    rig.turn_until(now, is_closed);
    rig.maintain(now);
    let _stream = greet(&well);
    rig.turn_until(now, is_open);
}

#[test]
fn a_probe_that_fails_late_does_not_tell_of_a_server_that_is_back() {
    let mut rigs = [(); 2].map(|()| Rig::new(&[], |_| {}));
    let server = rigs[0].upstream.server.clone();
    rigs[1].upstream.server = server.clone();
    let mut fail = |rig: usize, failure: Failure| {
        rigs[rig].upstream.settle(&Trouble::new(failure, "refused"), Instant::now());
        assert!(rigs[rig].upstream.is_down());
    };
    fail(0, Failure::Connect);
    fail(1, Failure::Connect);
    fail(1, Failure::Timeout);
    assert_eq!(server.tell(None), Some(Failure::Timeout), "the first is answered: the server is back");
    fail(1, Failure::Connect);
    assert_eq!(server.tell(None), None, "which the second does not know yet");
    let mut third = Rig::new(&[], |_| {});
    third.upstream.server = server.clone();
    third.upstream.settle(&Trouble::new(Failure::Connect, "refused"), Instant::now());
    assert_eq!(server.tell(None), Some(Failure::Connect), "a connection that was fine until now tells of it");
}

/// Connections that a server closes after so long, having answered a greeting and nothing more: how often until it is
/// taken for down, of ten times.
#[track_caller]
fn check_idle_ends(after: Duration, asked: bool, expected: Option<usize>) {
    let (listener, address) = listen();
    let mut rig = Rig::new(&[address], |_| {});
    let mut now = Instant::now();
    for round in 1..=10 {
        let mut stream = rig.open(&listener, now);
        if asked {
            rig.ask(now);
            rig.flush(now);
            stream.write_all(b"NOT_FOUND\r\n").unwrap();
            rig.turn_until(now, |_, desk| desk.answered == round);
        }
        drop(stream);
        now += after;
        rig.turn_until(now, is_closed);
        if rig.upstream.is_down() {
            assert_eq!(expected, Some(round));
            return;
        }
    }
    assert_eq!(expected, None);
}

#[test]
fn a_server_may_close_idle_connections_but_not_all_at_once() {
    check_idle_ends(Duration::ZERO, false, Some(3));
    check_idle_ends(IDLE_MIN, false, None);
    check_idle_ends(Duration::ZERO, true, None);
}

#[test]
fn what_is_half_full_is_crowded_until_it_is_a_quarter_full() {
    let (listener, address) = listen();
    let mut rig = Rig::new(&[address], |server| server.queue_requests_max = 8);
    let now = Instant::now();
    let mut stream = rig.open(&listener, now);
    let rooms: Vec<Room> = (0..8).map(|_| rig.ask(now)).collect();
    assert_eq!(rooms, [[Room::Enough; 4], [Room::Little; 4]].concat());
    assert_eq!(rig.upstream.admit(rig.poll.registry(), now), Err(Refused::Overloaded));
    rig.upstream.crowded = true;
    rig.flush(now);
    for (answered, crowded) in [(5, true), (6, false)] {
        stream.write_all(&b"NOT_FOUND\r\n".repeat(answered - rig.desk.answered)).unwrap();
        rig.turn_until(now, |_, desk| desk.answered == answered);
        assert_eq!(rig.upstream.stays_crowded(), crowded, "{answered} of 8 answered");
    }
}

#[test]
fn what_a_server_at_work_is_asked_waits_for_the_next_turn_and_no_longer() {
    let (listener, address) = listen();
    let mut rig = Rig::new(&[address], |_| {});
    let turns: Vec<Instant> = (0..6).map(|turn| Instant::now() + Duration::from_millis(turn)).collect();
    let _stream = rig.open(&listener, turns[0]);
    let mut check = |turn: usize, asked: usize, holds: bool| {
        for _ in 0..asked {
            rig.ask(turns[turn]);
        }
        assert_eq!(rig.upstream.holds(turns[turn]), holds, "turn {turn}");
        if !holds {
            rig.upstream.flush(rig.poll.registry(), turns[turn], &mut rig.desk);
        }
    };
    check(0, 1, false); // a lone request never waits
    check(1, 1, true);
    check(1, 1, true);
    check(2, 1, false);
    check(3, 1, true);
    check(4, 0, false);
    check(5, HELD_MAX, false);
}

#[track_caller]
fn check_excuse(flushed: bool) {
    let (listener, address) = listen();
    let mut rig = Rig::new(&[address], |_| {});
    let (start, limit) = (Instant::now(), ServerConfig::default().request_timeout);
    let _stream = rig.open(&listener, start);
    rig.ask(start);
    if flushed {
        rig.flush(start);
    }
    let back = start + limit * 3;
    rig.upstream.excuse(limit * 3, back);
    rig.maintain(back);
    rig.flush(back);
    rig.maintain(back + limit - Duration::from_millis(1));
    assert_eq!(rig.desk.failed, []);
    rig.maintain(back + limit);
    assert_eq!(rig.desk.failed, [Answer::TimedOut]);
}

#[test]
fn a_server_is_not_silent_while_nobody_listens() {
    check_excuse(true);
    check_excuse(false);
}

#[test]
fn what_follows_an_earlier_connection_is_sent_when_that_is_done() {
    let (listener, address) = listen();
    let mut rig = Rig::new(&[address], |_| {});
    let (start, limit) = (Instant::now(), ServerConfig::default().request_timeout);
    let _stream = rig.open(&listener, start);
    rig.upstream.follows = true;
    rig.ask(start);
    rig.upstream.flush(rig.poll.registry(), start, &mut rig.desk);
    rig.maintain(start + limit * 2);
    assert!(!rig.upstream.output.is_empty() && rig.desk.failed.is_empty(), "it was not asked yet");
    rig.upstream.follow(start + limit * 2);
    rig.upstream.flush(rig.poll.registry(), start + limit * 2, &mut rig.desk);
    rig.maintain(start + limit * 2);
    assert!(rig.upstream.output.is_empty() && rig.desk.failed.is_empty());
}

/// Keys that nobody has, in front of a line, so that it is long enough for one.
const BEFORE: usize = 12;

/// Eight reads at the end of a line and a request behind it: what becomes of each, in the order in which it does, when
/// the server says this and then closes, or hangs.
#[track_caller]
fn check_line(replied: &str, hangs: bool, expected: &str) {
    // Those in front miss as soon as anything fits.
    let before = if expected.starts_with("Lost") { "Lost " } else { "END " }.repeat(BEFORE);
    let expected = before + expected;
    for scratch in [1, 1024] {
        let (listener, address) = listen();
        let mut rig = Rig::new(&[address], |_| {});
        rig.scratch = scratch;
        let now = Instant::now();
        let mut stream = rig.open(&listener, now);
        for key in ["z"; BEFORE].into_iter().chain(["a", "b", "c", "a", "d", "e", "f", "g"]) {
            rig.read(key, now);
        }
        rig.ask(now);
        rig.flush(now);
        let sent = format!("get{} a b c a d e f g\r\ndelete a\r\n", " z".repeat(BEFORE));
        let mut heard = vec![0; sent.len() + "version\r\n".len()];
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.read_exact(&mut heard).unwrap();
        assert!(heard.ends_with(sent.as_bytes()), "{}", heard.escape_ascii());
        stream.write_all(replied.as_bytes()).unwrap();
        let count = expected.split(' ').count();
        if hangs {
            let answered = expected.split(' ').filter(|word| *word != "TimedOut").count();
            rig.turn_until(now, |_, desk| desk.heard.len() == answered);
            let limit = rig.upstream.settings.server.request_timeout;
            rig.maintain(now + limit);
        } else {
            drop(stream);
            rig.turn_until(now, |_, desk| desk.heard.len() >= count);
        }
        assert_eq!(rig.desk.heard.join(" "), expected, "{replied:?} by {scratch}");
        assert_eq!(rig.upstream.asked.texts(), b"");
    }
}

/// A read of `a`, one of `x y z` and one of `b`, in one line.
#[track_caller]
fn check_several(replied: &str, expected: &str) {
    let (listener, address) = listen();
    let mut rig = Rig::new(&[address], |_| {});
    let now = Instant::now();
    let mut stream = rig.open(&listener, now);
    rig.read("a", now);
    rig.desk.several = vec!["x", "y", "z"];
    translate::keys(
        rig.upstream.line(false, false).0,
        b"",
        rig.desk.several.iter().map(|key| key.as_bytes()),
    );
    rig.upstream.read(pending(Kind::Values, Operation::Read, now));
    rig.read("b", now);
    rig.flush(now);
    stream.write_all(replied.as_bytes()).unwrap();
    rig.turn_until(now, |_, desk| desk.heard.len() == 3);
    assert_eq!(rig.desk.heard.join(" "), expected, "{replied:?}");
}

#[test]
fn who_asks_for_several_keys_of_a_line_gets_them_in_order() {
    let [a, b, x, y, z] = ["a", "b", "x", "y", "z"].map(value);
    check_several(&format!("{a}{x}{y}{z}{b}END\r\n"), "a END b");
    check_several(&format!("{y}END\r\n"), "END END END");
    check_several(&format!("{z}{b}END\r\n"), "END END b");
    check_several(&format!("{b}END\r\n"), "END END b");
    // Nobody after it asks for what came out of order, so nobody misses.
    check_several(&format!("{a}{y}{x}"), "a Lost Lost");
    check_several(&format!("{a}{x}{a}"), "a Lost Lost");
}

fn value(key: &str) -> String {
    format!("VALUE {key} 0 1\r\n1\r\n")
}

#[test]
fn each_reader_of_a_line_gets_its_own() {
    let [a, b, c, g] = ["a", "b", "c", "g"].map(value);
    let end = "END\r\nNOT_FOUND\r\n";
    check_line(end, false, "END END END END END END END END NOT_FOUND");
    check_line(&format!("{a}{c}{g}{end}"), false, "a END c END END END END g NOT_FOUND");
    check_line(&format!("{a}{a}{end}"), false, "a END END a END END END END NOT_FOUND");
    check_line(&format!("{b}{a}{end}"), false, "END b END a END END END END NOT_FOUND");
    let large = |key| format!("VALUE {key} 0 200\r\n{}\r\n", "v".repeat(200));
    let (large_c, large_g) = (large("c"), large("g"));
    check_line(&format!("{a}{large_c}{g}{end}"), false, "a END SERVER_ERROR END END END END g NOT_FOUND");
    check_line(
        &format!("{large_c}{large_g}{end}"),
        false,
        "END END SERVER_ERROR END END END END SERVER_ERROR NOT_FOUND",
    );
}

#[test]
fn what_ends_a_line_early_is_told_to_those_without_a_reply() {
    let [a, c, g] = ["a", "c", "g"].map(value);
    let lost = |count| [" Lost"].repeat(count).concat();
    let errors = " SERVER_ERROR".repeat(7);
    check_line(&format!("{a}SERVER_ERROR no\r\nNOT_FOUND\r\n"), false, &format!("a{errors} NOT_FOUND"));
    check_line("", false, lost(9).trim());
    check_line(&format!("{a}VALUE c 0 5\r\n12"), false, &format!("a{}", lost(8)));
    check_line(&format!("{c}{a}"), false, &format!("END END c a{}", lost(5)));
    check_line(&format!("{a}{g}"), false, &format!("a END END END END END END g{}", lost(1)));
    // Nobody asked for these, or no more.
    check_line(&value("x"), false, lost(9).trim());
    check_line(&format!("{a}VALUE x 0 200\r\n"), false, &format!("a{}", lost(8)));
    check_line(&format!("{a}{}", value("x")), false, &format!("a{}", lost(8)));
    check_line(&format!("{c}{c}"), false, &format!("END END c{}", lost(6)));
    check_line(&format!("{g}{g}"), false, &format!("END END END END END END END g{}", lost(1)));
    check_line("NOT_FOUND\r\n", false, lost(9).trim());
    check_line(&a, true, &format!("a{}", " TimedOut".repeat(8)));
    check_line(&g, true, "END END END END END END END g TimedOut");
}
