//! Members that come and go while clients work, and pools that nobody is in.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use peerset_testkit::{FaultProxy, Peerset, TempDir, Way, wait_for};

use super::fleet::{Fleet, KEYS, PATIENCE, cluster, wait_for_members, wait_until_known};
use super::load::{Expect, Load};
use crate::wire::{PEERSET, Wire};

#[test]
fn members_join_and_leave_under_load() {
    let fleet = Fleet::start(5);
    fleet.set_members(&[0, 1, 2]);
    let proxy = fleet.proxy(&[]);
    let load = Load::start(proxy.addr(), 6, Expect::AnyWritten);
    let mut version = cluster(proxy.addr()).0;
    let changes: [&[usize]; 10] = [
        &[0, 1, 2, 3],
        &[0, 1, 2, 3, 4],
        &[1, 2, 3, 4],
        &[4, 0],
        &[3],
        &[0, 1, 2, 3, 4],
        &[4, 3, 2],
        &[0, 1],
        &[2, 3],
        &[0, 1, 2, 3, 4],
    ];
    for members in changes {
        load.go_on_for(1500);
        fleet.set_members(members);
        let servers: Vec<_> = members.iter().map(|&at| &fleet.servers[at]).collect();
        let next = wait_for_members(proxy.addr(), &servers);
        assert!(next > version, "version {next} after {version}");
        version = next;
    }
    load.go_on_for(1500);
    let tally = load.finish();
    // No server failed, so nothing may have: each request was answered by the old owner or by the new one.
    assert_eq!((tally.errors, tally.refused), (0, 0), "{tally:?}");
    assert!(tally.misses > 0, "keys moved, but nothing missed: {tally:?}");
    assert!(fleet.keys_on(3, proxy.addr()).len() < KEYS);
}

#[test]
fn a_member_that_never_answers_does_not_hold_up_the_others() {
    let mut fleet = Fleet::start(3);
    fleet.set_members(&[0, 1]);
    let proxy = fleet.proxy(&["--timeout", "1s"]);
    let load = Load::start(proxy.addr(), 4, Expect::AnyWritten);
    fleet.servers[2].stop();
    fleet.set_members(&[0, 1, 2]);
    wait_for_members(proxy.addr(), &fleet.servers.iter().collect::<Vec<_>>());
    load.go_on_for(3000);
    assert!(load.finish().errors < 100);
}

#[test]
fn a_set_that_keeps_changing_is_taken_all_the_same() {
    let fleet = Fleet::start(2);
    fleet.set_members(&[0]);
    let proxy = fleet.proxy(&["--connect-timeout", "3s"]);
    let mut wire = Wire::connect(proxy.addr());
    let (mut hung, mut changed) = (Vec::new(), None::<Instant>);
    wait_for("the second member to get keys", PATIENCE, || {
        // Each set has somebody else who takes connections and says nothing.
        if changed.is_none_or(|changed| changed.elapsed() > Duration::from_millis(400)) {
            changed = Some(Instant::now());
            hung.push(TcpListener::bind("127.0.0.1:0").unwrap());
            let silent = hung.last().unwrap().local_addr().unwrap();
            let members = [fleet.servers[0].addr(), fleet.servers[1].addr(), silent];
            fleet.write(&members.map(|member| format!("{member}\n")).concat());
        }
        for key in 0..40 {
            wire.send(format!("set k{key} 0 0 1\r\n1\r\n"));
            wire.read_until("\r\n");
        }
        let mut second = Wire::connect(fleet.servers[1].addr());
        second.send("stats\r\n");
        (!second.read_until("END\r\n").contains("STAT curr_items 0\r\n")).then_some(())
    });
}

/// Asks for a key, and looks for the pool's name and state in the answer, at once.
#[track_caller]
fn check_refused(pool: &str, state: &str) {
    let proxy = Peerset::start_proxy(PEERSET, &["--pool", pool, "--timeout", "60s"]);
    // Sources take a moment to say that there is nothing.
    if state != "pending" {
        wait_until_known(proxy.addr());
    }
    let mut wire = Wire::connect(proxy.addr());
    for request in ["get a\r\n", "get a b\r\n", "set a 0 0 1\r\n1\r\n", "mg a v\r\n", "incr a 1\r\n"] {
        wire.send(request);
        let line = wire.read_until("\r\n");
        let names = line.starts_with("SERVER_ERROR") && line.contains("default") && line.contains(state);
        assert!(names, "{request:?} of {pool} ({state}): {line:?}");
    }
    wire.ask("mn\r\n", "MN\r\n");
}

#[test]
fn a_pool_without_members_says_so_at_once() {
    let folder = TempDir::new().unwrap();
    let url = |name: &str| format!("file:{}", folder.path().join(name).display());
    std::fs::write(folder.path().join("empty"), "# nobody yet\n").unwrap();
    check_refused(&url("empty"), "empty");
    // A folder is no list, so what the members are is not known.
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    check_refused(&url("folder"), "pending");
    check_refused(&url("nonesuch"), "absent");
}

#[test]
fn the_first_members_of_a_pool_are_waited_for() {
    let fleet = Fleet::start(1);
    let network = FaultProxy::start(fleet.servers[0].addr());
    network.delay(Way::ToClient, Duration::from_millis(500));
    fleet.write("# nobody yet\n");
    let proxy = fleet.proxy(&[]);
    fleet.write(&format!("{}\n", network.addr()));
    wait_for("the first member", PATIENCE, || {
        (cluster(proxy.addr()).1 == [network.addr().to_string()]).then_some(())
    });
    // Whoever connects now is served by a worker that knows the member, and is not connected to it yet.
    Wire::connect(proxy.addr()).ask("set a 0 0 1\r\n1\r\n", "STORED\r\n");
}

#[test]
fn a_pool_is_filled_and_emptied_while_it_is_used() {
    let fleet = Fleet::start(2);
    fleet.write("# nobody yet\n");
    let proxy = fleet.proxy(&[]);
    let mut wire = Wire::connect(proxy.addr());
    wire.send("get a\r\n");
    assert!(wire.read_until("\r\n").starts_with("SERVER_ERROR"));
    fleet.set_members(&[1]);
    wait_for("the first member", PATIENCE, || {
        wire.send("set a 0 0 1\r\n1\r\n");
        (wire.read_until("\r\n") == "STORED\r\n").then_some(())
    });
    assert_eq!(fleet.owner("a"), 1);
    fleet.write("# nobody again\n");
    wait_for("the pool to be empty", PATIENCE, || {
        wire.send("delete a\r\n");
        wire.read_until("\r\n").starts_with("SERVER_ERROR").then_some(())
    });
}
