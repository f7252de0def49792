//! Where requests go besides the owner of their key.

use peerset_testkit::wait_for;

use super::fleet::PATIENCE;
use super::reload::Configured;
use crate::wire::Wire;

/// The pool `main` of two servers, and the second of these alone as its stand-in, once both take keys.
#[track_caller]
fn with_stand_in(more: &str) -> Configured {
    let configured = Configured::start(&format!("failover = [\"main\", \"one\"]\nexpiry = \"100s\"\n{more}"));
    // Until the pool is known and connected, the stand-in has everything.
    let mut wire = Wire::connect(configured.proxy.addr());
    wait_for("the first of the pools to take keys", PATIENCE, || {
        for number in 0..20 {
            wire.ask(format!("set early{number} 0 0 1\r\n1\r\n"), "STORED\r\n");
        }
        let mut first = Wire::connect(configured.fleet.servers[0].addr());
        first.send("stats\r\n");
        (!first.read_until("END\r\n").contains("STAT curr_items 0\r\n")).then_some(())
    });
    wire.ask("flush_all\r\n", "OK\r\n");
    configured
}

#[test]
fn a_stand_in_keeps_what_it_gets_for_a_while_only() {
    let mut configured = with_stand_in("");
    let key = configured.fleet.keys_on(0, configured.proxy.addr()).remove(0);
    configured.fleet.servers[0].kill();
    configured.wait_for_answer(&format!("set {key} 0 0 1\r\n1\r\n"), "STORED\r\n");
    let mut stand_in = Wire::connect(configured.fleet.servers[1].addr());
    stand_in.send(format!("mg {key} t\r\n"));
    let line = stand_in.read_until("\r\n");
    let left: i32 =
        line.trim_end().strip_prefix("HD t").unwrap_or_else(|| panic!("{line:?}")).parse().unwrap();
    assert!((1..=100).contains(&left), "{line:?}");
    configured.wait_for_answer(&format!("get {key}\r\n"), &format!("VALUE {key} 0 1\r\n1\r\nEND\r\n"));
}

#[test]
fn a_stand_in_gets_in_order_what_the_first_has_lost() {
    let mut configured = with_stand_in("");
    let key = configured.fleet.keys_on(0, configured.proxy.addr()).remove(0);
    configured.fleet.servers[0].stop();
    let mut wire = Wire::connect(configured.proxy.addr());
    let values = 10..20;
    wire.send(values.clone().map(|value| format!("set {key} 0 0 2\r\n{value}\r\n")).collect::<String>());
    Wire::connect(configured.proxy.addr()).ask("mn\r\n", "MN\r\n");
    configured.fleet.servers[0].kill();
    wire.expect("STORED\r\n".repeat(values.len()));
    wire.ask(format!("get {key}\r\n"), format!("VALUE {key} 0 2\r\n19\r\nEND\r\n"));
}

#[test]
fn a_stand_in_gets_nothing_while_the_first_is_up() {
    let configured = with_stand_in("");
    let keys = configured.fleet.keys_on(0, configured.proxy.addr());
    let mut wire = Wire::connect(configured.proxy.addr());
    let (a, b) = (&keys[0], &keys[1]);
    // Silence is a success.
    wire.ask(format!("ms {a} 2 q\r\n40\r\nmn\r\nma {a} q\r\nmn\r\n"), "MN\r\nMN\r\n");
    wire.ask(format!("md {b} q\r\nset {b} 0 0 1 noreply\r\n1\r\nmn\r\n"), "MN\r\n");
    wire.ask(format!("get {a} {b}\r\n"), format!("VALUE {a} 0 2\r\n41\r\nVALUE {b} 0 1\r\n1\r\nEND\r\n"));
    let mut stand_in = Wire::connect(configured.fleet.servers[1].addr());
    stand_in.ask(format!("get {a} {b}\r\n"), "END\r\n");
}

#[test]
fn what_the_first_misses_is_read_from_the_next() {
    let configured = with_stand_in("on = \"miss\"");
    let keys = configured.fleet.keys_on(0, configured.proxy.addr());
    let (a, b, c) = (&keys[0], &keys[1], &keys[2]);
    let mut wire = Wire::connect(configured.proxy.addr());
    let mut stand_in = Wire::connect(configured.fleet.servers[1].addr());
    wire.ask(format!("delete {a}\r\ndelete {b}\r\ndelete {c}\r\n"), "DELETED\r\n".repeat(3));
    wire.ask(format!("set {a} 0 0 1\r\n1\r\n"), "STORED\r\n");
    stand_in.ask(format!("set {a} 0 0 1\r\n8\r\nset {b} 0 0 1\r\n9\r\n"), "STORED\r\nSTORED\r\n");
    let [first, second] = [(a, 1), (b, 9)].map(|(key, value)| format!("VALUE {key} 0 1\r\n{value}\r\n"));
    wire.ask(format!("get {a}\r\nget {b}\r\nget {c}\r\n"), format!("{first}END\r\n{second}END\r\nEND\r\n"));
    wire.ask(format!("get {c} {b} {a} {b}\r\n"), format!("{second}{first}{second}END\r\n"));
    wire.ask(format!("mg {b} v k\r\nmg {c} v O5\r\n"), format!("VA 1 k{b}\r\n9\r\nEN O5\r\n"));
    // A write that the first one refuses is an answer, and no reason to write elsewhere.
    wire.ask(format!("replace {b} 0 0 1\r\n7\r\ndelete {b}\r\n"), "NOT_STORED\r\nNOT_FOUND\r\n");
    stand_in.ask(format!("get {b}\r\n"), format!("{second}END\r\n"));
}

#[test]
fn a_version_means_nothing_to_a_stand_in() {
    let mut configured = with_stand_in("");
    let key = configured.fleet.keys_on(0, configured.proxy.addr()).remove(0);
    let mut stand_in = Wire::connect(configured.fleet.servers[1].addr());
    stand_in.ask(format!("set {key} 0 0 1\r\n5\r\n"), "STORED\r\n");
    stand_in.send(format!("mg {key} c\r\n"));
    let version = stand_in.read_until("\r\n").trim_end().replace("HD c", "");
    configured.fleet.servers[0].kill();
    configured.wait_for_answer(&format!("get {key}\r\n"), &format!("VALUE {key} 0 1\r\n5\r\nEND\r\n"));
    let mut wire = Wire::connect(configured.proxy.addr());
    wire.ask(format!("cas {key} 0 0 1 {version}\r\n6\r\n"), "NOT_FOUND\r\n");
    wire.ask(
        format!("ms {key} 1 C{version}\r\n6\r\nma {key} C{version}\r\nmd {key} C{version}\r\n"),
        "NF\r\n".repeat(3),
    );
    stand_in.ask(format!("get {key}\r\n"), format!("VALUE {key} 0 1\r\n5\r\nEND\r\n"));
    // Without a version all of them go there.
    wire.ask(format!("ma {key} v\r\nmd {key}\r\n"), "VA 1\r\n6\r\nHD\r\n");
}
