//! Reads of single keys that go to a server in one line: each client hears what it would have heard alone.

use peerset_testkit::{Answer, Peerset, Request, ScriptedServer};

use super::fleet::{Fleet, proxy};
use super::load::{Expect, Load};
use crate::wire::Wire;

/// So many reads in one piece are a line.
const KEYS: usize = 24;

/// All keys, for one who asks for each by itself.
fn reads() -> String {
    (0..KEYS).map(|at| format!("get k{at}\r\n")).collect()
}

/// A server that answers the line of all keys in this way, and a client behind a proxy that has asked for them.
fn ask(answer: impl Fn() -> Answer + Send + Sync + 'static) -> (ScriptedServer, Peerset, Wire) {
    let server = ScriptedServer::start(move |request: &Request| match request.words()[..] {
        ["get", _, _, ..] => answer(),
        _ => Answer::of_empty_memcached(request),
    });
    let url = format!("static:{}", server.addr());
    let proxy = proxy(&url, &["--threads", "1", "--owner-down", "error", "--timeout", "3s"]);
    let mut wire = Wire::connect(proxy.addr());
    wire.ask("delete it\r\n", "NOT_FOUND\r\n");
    wire.send(reads());
    (server, proxy, wire)
}

fn value(key: &str) -> String {
    format!("VALUE {key} 0 2\r\nhi\r\n")
}

/// What the client hears, and a word that its last replies all have.
#[track_caller]
fn check(answer: impl Fn() -> Answer + Send + Sync + 'static, first: &str, others: usize, word: &str) {
    let (server, _proxy, mut wire) = ask(answer);
    wire.expect(first);
    for _ in 0..others {
        let line = wire.read_until("\r\n");
        assert!(line.starts_with("SERVER_ERROR") && line.contains(word), "{line:?}");
    }
    let keys: String = (0..KEYS).map(|at| format!(" k{at}")).collect();
    assert!(server.heard().contains(&format!("get{keys}")), "{:?}", server.heard());
}

#[test]
fn readers_of_a_line_get_their_own() {
    let (k1, k11) = (value("k1"), value("k11"));
    let [nine, twelve] = [9, 12].map(|count| "END\r\n".repeat(count));
    let replies = format!("END\r\n{k1}END\r\n{nine}{k11}END\r\n{twelve}");
    check(move || Answer::reply(format!("{k1}{k11}END\r\n")), &replies, 0, "");
}

#[test]
fn readers_of_a_line_that_fails_hear_why() {
    let (k0, first) = (value("k0"), format!("{}END\r\n", value("k0")));
    let part = k0.clone() + "VALUE k1 0 2\r\nh";
    check(move || Answer::Close(part.clone().into()), &first, KEYS - 1, "closed the connection");
    let error = k0.clone() + "SERVER_ERROR out of memory\r\n";
    check(move || Answer::reply(&error), &first, KEYS - 1, "out of memory");
    let other = k0.clone() + &value("other");
    check(move || Answer::reply(&other), &first, KEYS - 1, "closed the connection");
    check(move || Answer::reply(&k0), &first, KEYS - 1, "in time");
}

/// Such as a proxy before servers of which one is down.
#[test]
fn a_server_that_refuses_lines_for_one_key_is_asked_for_each_by_itself() {
    const DOWN: &str = "SERVER_ERROR k5 is down\r\n";
    let server = ScriptedServer::start(|request: &Request| match request.words()[..] {
        ["get", .., _, _] | ["mg", "k5", ..] => Answer::reply(DOWN),
        _ => Answer::of_empty_memcached(request),
    });
    let proxy = proxy(&format!("static:{}", server.addr()), &["--threads", "1", "--owner-down", "error"]);
    let mut wire = Wire::connect(proxy.addr());
    wire.ask("delete it\r\n", "NOT_FOUND\r\n");
    wire.ask(reads(), DOWN.repeat(KEYS));
    let each = format!("{}{DOWN}{}", "END\r\n".repeat(5), "END\r\n".repeat(KEYS - 6));
    wire.ask(reads(), &each);
    wire.ask(reads(), &each);
}

#[test]
fn who_leaves_before_the_line_is_answered_takes_nothing_along() {
    let mut fleet = Fleet::start(1);
    let proxy = fleet.proxy(&["--threads", "1", "--timeout", "60s"]);
    let mut wires = [(); 3].map(|()| Wire::connect(proxy.addr()));
    wires[0].ask("set k3 0 0 2\r\nhi\r\n", "STORED\r\n");
    fleet.servers[0].stop();
    wires.iter_mut().for_each(|wire| wire.send(reads()));
    let [mut first, leaver, mut last] = wires;
    drop(leaver);
    fleet.servers[0].resume();
    let replies = format!("{}{}END\r\n{}", "END\r\n".repeat(3), value("k3"), "END\r\n".repeat(KEYS - 4));
    for wire in [&mut first, &mut last] {
        wire.expect(&replies);
    }
}

#[test]
fn a_prefix_is_put_before_each_key_and_seen_by_no_client() {
    let fleet = Fleet::start(1);
    let proxy = fleet.proxy(&["--threads", "1", "--prefix", "app:"]);
    let mut wire = Wire::connect(proxy.addr());
    for at in 0..KEYS {
        wire.ask(format!("set k{at} 0 0 2\r\nhi\r\n"), "STORED\r\n");
    }
    let values: String = (0..KEYS).map(|at| value(&format!("k{at}")) + "END\r\n").collect();
    wire.ask(reads(), values);
    Wire::connect(fleet.servers[0].addr()).ask("get app:k1\r\n", value("app:k1") + "END\r\n");
}

#[test]
fn many_clients_find_what_they_have_written() {
    let fleet = Fleet::start(1);
    let proxy = fleet.proxy(&["--threads", "1"]);
    let load = Load::start(proxy.addr(), 24, Expect::Exactly);
    load.go_on_for(20_000);
    assert_eq!(load.finish().errors, 0);
}
