//! The comparison itself: equal servers are found equal, and every kind of difference is found.

use std::io::{Read, Write};
use std::net::TcpStream;

use peerset_testkit::Memcached;
use peerset_testkit::differential::{Mismatch, Session, check, check_proxy};

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
