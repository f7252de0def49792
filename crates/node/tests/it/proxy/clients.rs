//! Clients that leave, or mean harm, beside others that work.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use peerset_testkit::{FaultProxy, Way, wait_for};

use super::fleet::{Fleet, PATIENCE};
use super::load::{Expect, Load};
use crate::wire::Wire;

/// How long the proxy waits for replies when it is to end.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

#[test]
fn clients_that_leave_in_the_middle_take_nothing_from_others() {
    let fleet = Fleet::start(3);
    let proxy = fleet.proxy(&[]);
    let load = Load::start(proxy.addr(), 4, Expect::Exactly);
    let value = "x".repeat(3000);
    let asked = format!("set left 0 0 3000\r\n{value}\r\nget left\r\nmg left v k\r\nget left a b c left\r\n")
        .repeat(20);
    for round in 0..100 {
        let mut leaving = TcpStream::connect(proxy.addr()).unwrap();
        // Some leave in the middle of a command, some with replies unread, which resets the connection.
        leaving.write_all(&asked.as_bytes()[..asked.len() - round * 37]).unwrap();
        load.go_on_for(20);
    }
    let tally = load.finish();
    assert_eq!((tally.errors, tally.refused), (0, 0), "{tally:?}");
}

#[test]
fn a_client_that_reads_nothing_holds_up_itself_only() {
    let fleet = Fleet::start(2);
    let proxy = fleet.proxy(&["--buffer-memory", "16mb"]);
    let mut wire = Wire::connect(proxy.addr());
    let (count, value) = (1000, "v".repeat(100_000));
    wire.ask(format!("set big 0 0 {}\r\n{value}\r\n", value.len()), "STORED\r\n");
    let load = Load::start(proxy.addr(), 4, Expect::Exactly);
    load.go_on_for(1000);
    let before = proxy.program().usage().resident_bytes;
    wire.send("get big\r\n".repeat(count));
    let mut peak = before;
    for _ in 0..20 {
        load.go_on_for(200);
        peak = peak.max(proxy.program().usage().resident_bytes);
    }
    assert!(peak - before < 32 << 20, "{} MB for 100 MB of replies that nobody reads", (peak - before) >> 20);
    // One that takes nothing for a second while memory is scarce may be closed; what it was sent is right.
    let expected = format!("VALUE big 0 {}\r\n{value}\r\nEND\r\n", value.len()).into_bytes().repeat(count);
    let mut chunk = vec![0; 1 << 16];
    let mut rest = &expected[..];
    while !rest.is_empty() {
        let Ok(length @ 1..) = wire.stream().read(&mut chunk) else { break };
        assert!(rest.starts_with(&chunk[..length]), "{} bytes before the end", rest.len());
        rest = &rest[length..];
    }
    load.finish();
}

#[test]
fn replies_cannot_be_shifted_by_odd_keys() {
    let fleet = Fleet::start(2);
    let proxy = fleet.proxy(&[]);
    let load = Load::start(proxy.addr(), 4, Expect::Exactly);
    let mut hostile = Wire::connect(proxy.addr());
    // In base64: a line end with a reply behind it, a space, NUL and bytes that are no text. memcached writes keys
    // that it made up for `N` as they are into replies.
    for key in ["eA0KSEQNClNUT1JFRA0KVkEgMQ0KeA==", "YSBi", "AP+AfyA="] {
        for flags in ["v k N30", "k N30 t", "v k"] {
            hostile.send(format!("mg {key} b {flags}\r\n").repeat(5));
        }
        hostile.send(format!("ma {key} b k v N30\r\nms {key} 1 b k\r\n1\r\nme {key} b\r\nmd {key} b k\r\n"));
        load.go_on_for(500);
    }
    let tally = load.finish();
    assert_eq!((tally.errors, tally.refused), (0, 0), "{tally:?}");
}

#[test]
fn sigterm_waits_for_replies_that_are_on_their_way() {
    let fleet = Fleet::start(1);
    let network = FaultProxy::start(fleet.servers[0].addr());
    fleet.write(&format!("{}\n", network.addr()));
    let mut proxy = fleet.proxy(&[]);
    let mut wire = Wire::connect(proxy.addr());
    wire.ask("set a 0 0 1\r\n1\r\n", "STORED\r\n");
    network.delay(Way::ToClient, Duration::from_millis(400));
    wire.send("get a\r\n");
    let mut server = Wire::connect(fleet.servers[0].addr());
    wait_for("the request to reach the server", PATIENCE, || {
        server.send("stats\r\n");
        server.read_until("END\r\n").contains("STAT get_hits 1\r\n").then_some(())
    });
    let asked = Instant::now();
    proxy.program().signal("TERM");
    let reply = wire.read_to_end();
    // A machine that stands still for as long as is waited at most proves nothing.
    assert!(reply == "VALUE a 0 1\r\n1\r\nEND\r\n" || asked.elapsed() >= DRAIN_LIMIT, "{reply:?}");
    assert!(proxy.program_mut().wait().success());
}

#[test]
fn memccapable_of_libmemcached_passes() {
    let fleet = Fleet::start(3);
    let proxy = fleet.proxy(&[]);
    let (host, port) = (proxy.addr().ip().to_string(), proxy.addr().port().to_string());
    let output = Command::new("memccapable").args(["-h", &host, "-p", &port, "-a", "-t", "20"]).output();
    let output = output.unwrap_or_else(|e| panic!("memccapable ({e}): apt-get install libmemcached-tools"));
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(report.contains("All tests passed"), "{report}");
}
