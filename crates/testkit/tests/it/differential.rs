//! The comparison itself: equal servers are found equal, and every kind of difference is found.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};

use peerset_testkit::differential::{Batch, Command, Mismatch, Right, Script, Session, check, check_proxy};
use peerset_testkit::{Answer, Memcached, ScriptedServer};

/// Enough memory that no item of a script is ever evicted, and no thread that moves items between queues: one that is
/// just being moved is treated by incr as one that a waiting reply holds.
const CALM: [&str; 4] = ["-m", "512", "-o", "no_lru_maintainer"];

#[test]
fn memcached_equals_itself() {
    let (left, right) = (Memcached::start(&CALM), Memcached::start(&[&CALM[..], &["-t", "1"]].concat()));
    check(0..150, left.addr(), right.addr());
}

#[test]
fn other_cas_values_are_right_from_a_proxy() {
    let (left, right) = (Memcached::start(&CALM), Memcached::start(&CALM));
    let mut ahead = TcpStream::connect(right.addr()).unwrap();
    ahead.write_all(&b"set ahead 0 0 1\r\n1\r\n".repeat(50)).unwrap();
    ahead.read_exact(&mut vec![0; "STORED\r\n".len() * 50]).unwrap();
    check_proxy(0..60, left.addr(), right.addr());
}

/// Runs seeds until one differs from a memcached started with `extra`.
#[track_caller]
fn first_mismatch(extra: &[&str]) -> Box<Mismatch> {
    let (left, right) = (Memcached::start(&CALM), Memcached::start(&[&CALM[..], extra].concat()));
    let found = (0..40).find_map(|seed| Session::run(seed, left.addr(), right.addr()).err());
    found.unwrap_or_else(|| panic!("memcached {extra:?} was taken for an ordinary one"))
}

#[test]
fn a_server_without_cas_is_found() {
    let mismatch = first_mismatch(&["-C"]);
    // One store, one look at it, and the marker: of some two hundred commands, shrinking leaves these.
    let lines = |sent: &[u8]| sent.iter().filter(|&&byte| byte == b'\n').count();
    assert!(mismatch.before.is_empty() && lines(&mismatch.batch) <= 5, "{mismatch}");
}

#[test]
fn a_lower_item_limit_is_found() {
    // Half the usual one. Only values near it can tell, and they may be stored with noreply and missed later.
    let mismatch = first_mismatch(&["-I", "512k"]);
    assert!(mismatch.batch.len() + mismatch.before.concat().len() > 500_000, "{mismatch}");
}

#[test]
fn a_refused_flush_is_found() {
    let mismatch = first_mismatch(&["-F"]);
    assert!(mismatch.to_string().contains("flush_all"), "{mismatch}");
}

/// A server that answers `mg a t` so, and whose clock has ticked as often as `ticks` says at each look at it.
fn with_clock(answer: &'static str, ticks: fn(u64) -> u64) -> ScriptedServer {
    let looks = AtomicU64::new(0);
    ScriptedServer::start(move |request| match request.words()[..] {
        ["mg", "a", "t"] => Answer::reply(answer),
        ["mg", "a", "t", "k"] => {
            let left = 9_000 - ticks(looks.fetch_add(1, Ordering::SeqCst));
            Answer::reply(format!("HD t{left} ka\r\n"))
        }
        _ => Answer::of_empty_memcached(request),
    })
}

#[test]
fn what_a_tick_explains_is_no_difference() {
    let batch = Batch { commands: vec![Command::default().bytes(&b"mg a t\r\n"[..])] };
    let script = Script { seed: 0, keys: vec![b"a".to_vec()], keys_base64: Vec::new(), batches: vec![batch] };
    let check = |answer: &'static str, ticks: fn(u64) -> u64, found: bool| {
        let (left, right) = (with_clock("HD t100\r\n", |_| 0), with_clock(answer, ticks));
        let outcome = Session::run_script(&script, left.addr(), right.addr(), Right::Server);
        assert_eq!(outcome.is_err(), found, "{answer:?}: {outcome:?}");
    };
    // A run that differs looks at the clock before and after.
    let never = |_| 0;
    let in_every_run = |look| look;
    let in_every_other_run = |look: u64| look.div_ceil(4);
    check("HD t100\r\n", in_every_run, false);
    check("HD t99\r\n", never, true);
    check("HD t99\r\n", in_every_run, false);
    check("HD t99\r\n", in_every_other_run, false);
    check("HD t98\r\n", in_every_other_run, true);
    check("EN\r\n", never, true);
    check("EN\r\n", in_every_run, false);
    check("EN\r\n", in_every_other_run, true);
}
