//! Servers and networks that fail, under load: misses, few errors, never a wrong value.

use peerset_testkit::{
    Answer, FaultProxy, Memcached, Peerset, Program, Request, ScriptedServer, Way, wait_for,
};

use super::fleet::{Fleet, PATIENCE, proxy};
use super::load::{BATCH_MAX, Expect, Load, Tally};
use crate::wire::{PEERSET, Wire};

const CLIENTS: usize = 4;

/// At most the batch that each client had under way may fail, each time that something does.
#[track_caller]
fn assert_few_errors(tally: &Tally, failures: u64) {
    assert!(tally.errors <= failures * (CLIENTS * BATCH_MAX) as u64, "{tally:?}");
}

/// Waits until a key can be stored and read again, in one breath: a connection that has nothing under way may be moved
/// to a worker that has not found out yet.
#[track_caller]
fn wait_until_back(wire: &mut Wire, key: &str) {
    let expected = format!("STORED\r\nVALUE {key} 0 4\r\nback\r\nEND\r\nMN\r\n");
    wait_for("the server to be asked again", PATIENCE, || {
        wire.send(format!("set {key} 0 0 4\r\nback\r\nget {key}\r\nmn\r\n"));
        (wire.read_until("MN\r\n") == expected).then_some(())
    });
}

#[test]
fn a_killed_server_costs_misses_and_comes_back() {
    let mut fleet = Fleet::start(3);
    let proxy = fleet.proxy(&[]);
    let keys = fleet.keys_on(1, proxy.addr());
    let load = Load::start(proxy.addr(), CLIENTS, Expect::AnyWritten);
    load.go_on_for(2000);
    fleet.servers[1].kill();
    load.go_on_for(5000);
    let mut wire = Wire::connect(proxy.addr());
    wire.ask(format!("get {}\r\n", keys.join(" ")), "END\r\n");
    wire.ask(format!("set {} 0 0 1\r\n1\r\n", keys[0]), "NOT_STORED\r\n");
    for (request, expected) in [
        ("delete KEY", "NOT_FOUND\r\n"),
        ("incr KEY 1", "NOT_FOUND\r\n"),
        ("touch KEY 0", "NOT_FOUND\r\n"),
        ("append KEY 0 0 1\r\n1", "NOT_STORED\r\n"),
        ("mg KEY v", "EN\r\n"),
        ("mg KEY v k O7", "EN kKEY O7\r\n"),
        ("ms KEY 1 O8\r\n1", "NS O8\r\n"),
        ("md KEY O9 k", "NF O9 kKEY\r\n"),
        ("mg KEY v q\r\nmn", "MN\r\n"),
    ] {
        let [request, expected] = [request, expected].map(|text| text.replace("KEY", &keys[0]));
        wire.ask(format!("{request}\r\n"), expected);
    }
    let state = format!("STAT default:{}:state ", fleet.servers[1].addr());
    wait_for("all workers to know that it is down", PATIENCE, || {
        wire.send(format!("get {}\r\nstats servers\r\n", keys.join(" ")));
        let stats = wire.read_until("STAT ") + &wire.read_until("\r\nEND\r\n");
        stats.contains(&format!("{state}down\r\n")).then_some(())
    });
    fleet.servers[1].restart();
    wait_until_back(&mut wire, &keys[0]);
    load.go_on_for(2000);
    let tally = load.finish();
    assert_few_errors(&tally, 1);
    assert!(tally.misses > 0 && tally.refused > 0, "{tally:?}");
}

#[test]
fn all_workers_tell_of_a_server_once() {
    let mut fleet = Fleet::start(2);
    let mut proxy = fleet.proxy(&["--threads", "3"]);
    let keys = fleet.keys_on(1, proxy.addr());
    fleet.servers[1].kill();
    let (address, server) = (proxy.addr(), fleet.servers[1].addr());
    let wait_for_state = |state: &str| {
        let stat = |name: &str, value: &str| format!("STAT default:{server}:{name} {value}\r\n");
        // The state alone may be what some of them know, while the others have merely lost their connections.
        let expected = [stat("state", state), stat("ejections", "3")];
        wait_for("all workers to know it", PATIENCE, || {
            let mut wires: Vec<_> = (0..6).map(|_| Wire::connect(address)).collect();
            for wire in &mut wires {
                wire.send(format!("delete {}\r\nstats servers\r\n", keys[0]));
            }
            let known = |wire: &mut Wire| {
                wire.read_until("\r\n");
                let stats = wire.read_until("\r\nEND\r\n");
                expected.iter().all(|line| stats.contains(line))
            };
            wires.iter_mut().filter_map(|wire| known(wire).then_some(())).last()
        });
    };
    wait_for_state("down");
    let told = |program: &Program, what: &str| program.stderr().matches(what).count();
    proxy.program_mut().wait_until("tell", |program| (told(program, "server is down") > 0).then_some(()));
    assert_eq!(told(proxy.program(), "server is down"), 1, "{}", proxy.program().stderr());
    fleet.servers[1].restart();
    wait_for_state("up");
    proxy.program_mut().wait_until("be told", |program| (told(program, "server is back") > 0).then_some(()));
    assert_eq!(told(proxy.program(), "server is back"), 1, "{}", proxy.program().stderr());
}

#[test]
fn a_hung_server_costs_one_timeout() {
    let mut fleet = Fleet::start(3);
    let keys = fleet.keys_on(1, fleet.proxy(&[]).addr());
    // Each worker finds out by itself.
    let proxy = fleet.proxy(&["--timeout", "3s", "--threads", "1"]);
    let load = Load::start(proxy.addr(), CLIENTS, Expect::AnyWritten);
    load.go_on_for(2000);
    fleet.servers[1].stop();
    load.go_on_for(5000);
    let mut wire = Wire::connect(proxy.addr());
    // A time-out for each of these would be longer than the wire waits.
    wire.send(format!("get {}\r\n", keys[0]).repeat(100));
    wire.expect("END\r\n".repeat(100));
    fleet.servers[1].resume();
    wait_until_back(&mut wire, &keys[0]);
    load.go_on_for(2000);
    assert_few_errors(&load.finish(), 1);
}

#[test]
fn a_server_that_takes_connections_and_nothing_more() {
    let fleet = Fleet::start(2);
    let network = FaultProxy::start(fleet.servers[0].addr());
    fleet.write(&format!("{}\n{}\n", network.addr(), fleet.servers[1].addr()));
    let keys = fleet.keys_on(0, fleet.proxy(&[]).addr());
    let proxy = fleet.proxy(&["--timeout", "3s", "--connect-timeout", "3s"]);
    network.stall();
    let before = network.connections();
    let mut wire = Wire::connect(proxy.addr());
    // The first ones may be told of the time-out, as they were under way; then it is known.
    wire.send(format!("mg {} v\r\n", keys[0]).repeat(100));
    let mut lines = (0..100).map(|_| wire.read_until("\r\n"));
    assert!(lines.all(|line| line == "EN\r\n" || line.starts_with("SERVER_ERROR")));
    for _ in 0..100 {
        wire.ask(format!("mg {} v\r\n", keys[0]), "EN\r\n");
    }
    let tried = network.connections() - before;
    assert!(tried < 20, "{tried} connections for 200 requests: it was asked for most of them");
    network.heal();
    wait_until_back(&mut wire, &keys[0]);
}

#[test]
fn a_slow_server_is_waited_for() {
    let fleet = Fleet::start(2);
    let network = FaultProxy::start(fleet.servers[0].addr());
    fleet.write(&format!("{}\n{}\n", network.addr(), fleet.servers[1].addr()));
    let proxy = fleet.proxy(&["--timeout", "10s"]);
    network.delay(Way::ToServer, std::time::Duration::from_millis(20));
    network.delay(Way::ToClient, std::time::Duration::from_millis(20));
    let load = Load::start(proxy.addr(), CLIENTS, Expect::Exactly);
    load.go_on_for(500);
    assert_eq!(load.finish().errors, 0);
}

#[test]
fn connections_that_break_in_the_middle_of_a_value() {
    let fleet = Fleet::start(2);
    let network = FaultProxy::start(fleet.servers[0].addr());
    fleet.write(&format!("{}\n{}\n", network.addr(), fleet.servers[1].addr()));
    let proxy = fleet.proxy(&[]);
    let mut wire = Wire::connect(proxy.addr());
    let key = &fleet.keys_on(0, proxy.addr())[0];
    let load = Load::start(proxy.addr(), CLIENTS, Expect::AnyWritten);
    for (round, way) in [Way::ToClient, Way::ToServer].into_iter().cycle().enumerate().take(8) {
        load.go_on_for(300);
        network.cut_after(way, 1 + 977 * round);
        let before = network.connections();
        wait_for("another connection", PATIENCE, || (network.connections() > before).then_some(()));
        network.heal();
        wait_until_back(&mut wire, key);
    }
    let tally = load.finish();
    // A connection that ends is known to have ended: nobody waits for replies that cannot come.
    assert!(tally.misses > 0 && tally.overdue == 0, "{tally:?}");
}

#[test]
fn garbage_half_closed_and_closed_connections() {
    let fleet = Fleet::start(2);
    let network = FaultProxy::start(fleet.servers[0].addr());
    fleet.write(&format!("{}\n{}\n", network.addr(), fleet.servers[1].addr()));
    let proxy = fleet.proxy(&[]);
    let mut wire = Wire::connect(proxy.addr());
    let key = &fleet.keys_on(0, proxy.addr())[0];
    let load = Load::start(proxy.addr(), CLIENTS, Expect::AnyWritten);
    let faults: [&dyn Fn(); 5] = [
        &|| network.inject_before_reply(b"garbage\r\n"),
        &|| network.inject_before_reply(b"\0\xff\x80 no line end"),
        &|| network.inject(b"END of what you know\r\n"),
        &|| network.half_close(Way::ToClient),
        &|| network.close(),
    ];
    for fault in faults {
        load.go_on_for(300);
        let before = network.connections();
        fault();
        wait_for("another connection", PATIENCE, || (network.connections() > before).then_some(()));
        wait_until_back(&mut wire, key);
    }
    load.go_on_for(300);
    let tally = load.finish();
    assert_eq!(tally.overdue, 0, "{tally:?}");
}

#[test]
fn what_nobody_asked_for_reaches_nobody() {
    let server = Memcached::start(&[]);
    let network = FaultProxy::start(server.addr());
    let proxy = proxy(&format!("static:{}", network.addr()), &[]);
    let mut wire = Wire::connect(proxy.addr());
    wire.ask("set a 0 0 1\r\n1\r\nset b 0 0 1\r\n2\r\n", "STORED\r\nSTORED\r\n");
    // Well formed, and idle: the reply to a request that was never made.
    let before = network.connections();
    network.inject(b"VA 1 ka f0\r\n9\r\n");
    wait_until_back(&mut wire, "c");
    wire.ask("get a\r\nget b\r\n", "VALUE a 0 1\r\n1\r\nEND\r\nVALUE b 0 1\r\n2\r\nEND\r\n");
    assert!(network.connections() > before, "the connection is trusted no more");
}

/// The value of another key than the one asked for, by whichever command.
fn another_key(request: &Request) -> Answer {
    match request.words()[..] {
        ["get" | "gets", ..] => Answer::reply("VALUE other 0 1 5\r\nx\r\nEND\r\n"),
        ["mg", ..] => Answer::reply("VA 1 kother f0 c5\r\nx\r\n"),
        _ => Answer::of_empty_memcached(request),
    }
}

#[test]
fn a_server_that_answers_a_different_key() {
    let server = ScriptedServer::start(another_key);
    let proxy = proxy(&format!("static:{}", server.addr()), &[]);
    for request in ["get a\r\n", "gets a\r\n", "get a b\r\n"] {
        let mut wire = Wire::connect(proxy.addr());
        wire.send(request);
        let line = wire.read_until("\r\n");
        assert!(line == "END\r\n" || line.starts_with("SERVER_ERROR"), "{request:?}: {line:?}");
        wire.ask("mn\r\n", "MN\r\n");
    }
}

#[test]
fn a_server_that_half_closes() {
    let server = ScriptedServer::start(|request| match request.words()[..] {
        ["get" | "mg", ..] => Answer::HalfClose(Vec::new()),
        _ => Answer::of_empty_memcached(request),
    });
    let proxy = proxy(&format!("static:{}", server.addr()), &[]);
    let mut wire = Wire::connect(proxy.addr());
    wire.send("get a\r\n");
    let line = wire.read_until("\r\n");
    assert!(line == "END\r\n" || line.starts_with("SERVER_ERROR"), "{line:?}");
    wait_until_answered(&mut wire);
}

#[track_caller]
fn wait_until_answered(wire: &mut Wire) {
    wait_for("the server to be asked again", PATIENCE, || {
        wire.send("set a 0 0 1\r\n1\r\n");
        (wire.read_until("\r\n") == "STORED\r\n").then_some(())
    });
}

#[test]
fn the_policy_for_an_owner_that_is_down() {
    let mut fleet = Fleet::start(3);
    let [error, next] = ["error", "next"].map(|policy| fleet.proxy(&["--owner-down", policy]));
    let keys = fleet.keys_on(1, error.addr());
    fleet.servers[1].kill();
    let mut wire = Wire::connect(error.addr());
    let mut ask = |request: String| {
        wire.send(request);
        wire.read_until("\r\n")
    };
    for request in [format!("get {}\r\n", keys[0]), format!("set {} 0 0 1\r\n1\r\n", keys[0])] {
        let line = ask(request);
        assert!(line.starts_with("SERVER_ERROR"), "{line:?}");
    }
    let mut wire = Wire::connect(next.addr());
    wait_until_back(&mut wire, &keys[1]);
    assert_ne!(fleet.owner(&keys[1]), 1);
    // The next owner does not know the owner's versions.
    wire.send(format!("cas {} 0 0 1 1\r\n1\r\n", keys[1]));
    let line = wire.read_until("\r\n");
    assert!(line.starts_with("SERVER_ERROR"), "{line:?}");
}

#[test]
fn a_version_is_not_known_to_be_gone_because_the_next_owner_would_be_asked() {
    let server = Memcached::start(&[]);
    let network = FaultProxy::start(server.addr());
    network.stall();
    let pool = format!("static:{}", network.addr());
    // The request waits for the first connection, which turns out not to come about.
    let proxy = Peerset::start_proxy(
        PEERSET,
        &["--pool", &pool, "--owner-down", "next", "--connect-timeout", "3s", "--timeout", "60s"],
    );
    let mut wire = Wire::connect(proxy.addr());
    wire.send("delete a\r\ncas a 0 0 1 1\r\n1\r\n");
    assert_eq!(wire.read_until("\r\n"), "NOT_FOUND\r\n");
    let line = wire.read_until("\r\n");
    assert!(line.starts_with("SERVER_ERROR"), "{line:?}");
}
