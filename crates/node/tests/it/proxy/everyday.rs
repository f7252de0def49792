//! What a client sees on an ordinary day.

use std::net::SocketAddr;

use peerset_testkit::{Answer, Memcached, ScriptedServer, TempDir, wait_for};

use super::fleet::{Fleet, KEYS, PATIENCE, cluster, proxy};
use super::load::{Expect, Load};
use crate::wire::Wire;

#[test]
fn keys_are_spread_and_come_back_in_order() {
    let fleet = Fleet::start(3);
    let proxy = fleet.proxy(&[]);
    let counts = [0, 1, 2].map(|server| fleet.keys_on(server, proxy.addr()).len());
    assert_eq!(counts.iter().sum::<usize>(), KEYS);
    let mut wire = Wire::connect(proxy.addr());
    let numbers = [7, 3, 39, 0, 21, 3, 12];
    let asked: String = numbers.iter().map(|number| format!(" key:{number} absent:{number}")).collect();
    let value =
        |number: &i32| format!("VALUE key:{number} 0 {0}\r\nkey:{number}\r\n", format!("key:{number}").len());
    let expected: String = numbers.iter().map(value).collect();
    wire.ask(format!("get{asked}\r\n"), format!("{expected}END\r\n"));
}

#[test]
fn many_clients_pipeline_in_any_order() {
    let fleet = Fleet::start(3);
    let proxy = fleet.proxy(&[]);
    let load = Load::start(proxy.addr(), 24, Expect::Exactly);
    load.go_on_for(40_000);
    let tally = load.finish();
    assert_eq!((tally.errors, tally.refused), (0, 0), "{tally:?}");
}

#[test]
fn large_values_pass() {
    let fleet = Fleet::start(2);
    let proxy = fleet.proxy(&[]);
    let mut wire = Wire::connect(proxy.addr());
    for length in [0, 1, 4096, 65_535, 65_536, 300_000, 1_000_000] {
        let value = "v".repeat(length);
        wire.ask(format!("set k{length} 3 0 {length}\r\n{value}\r\n"), "STORED\r\n");
        wire.ask(format!("get k{length}\r\n"), format!("VALUE k{length} 3 {length}\r\n{value}\r\nEND\r\n"));
        wire.ask(format!("mg k{length} v\r\n"), format!("VA {length}\r\n{value}\r\n"));
    }
}

#[test]
fn a_value_too_large_takes_the_old_one_with_it() {
    let fleet = Fleet::start(2);
    let proxy = fleet.proxy(&[]);
    let mut wire = Wire::connect(proxy.addr());
    let value = "v".repeat((1 << 20) + 1);
    for (key, request) in
        [("a", format!("set a 0 0 {}", value.len())), ("b", format!("ms b {}", value.len()))]
    {
        wire.ask(format!("set {key} 0 0 1\r\n1\r\n"), "STORED\r\n");
        // Or somebody would read what should have been replaced.
        wire.ask(
            format!("{request}\r\n{value}\r\nget {key}\r\nmn\r\n"),
            "SERVER_ERROR object too large for cache\r\nEND\r\nMN\r\n",
        );
    }
}

#[test]
fn flush_all_and_verbosity_reach_every_server() {
    let fleet = Fleet::start(3);
    let proxy = fleet.proxy(&[]);
    let on_each = |request: &str, expected: &str| {
        fleet.servers.iter().for_each(|server| Wire::connect(server.addr()).ask(request, expected));
    };
    let mut wire = Wire::connect(proxy.addr());
    on_each("set here 0 0 1\r\n1\r\n", "STORED\r\n");
    wire.ask("flush_all\r\n", "OK\r\n");
    on_each("get here\r\n", "END\r\n");
    on_each("set here 0 0 1\r\n1\r\n", "STORED\r\n");
    wire.ask("flush_all noreply\r\nmn\r\n", "MN\r\n");
    // Without a reply there is nothing to wait for but the reply to what comes behind it, at each server.
    fleet.keys_on(0, proxy.addr());
    on_each("get here\r\n", "END\r\n");
}

#[test]
fn verbosity_reaches_every_server() {
    let servers = [(); 3].map(|()| ScriptedServer::start(Answer::of_empty_memcached));
    let list = servers.each_ref().map(|server| server.addr().to_string()).join(",");
    let proxy = proxy(&format!("static:{list}"), &[]);
    Wire::connect(proxy.addr()).ask("verbosity 1\r\nverbosity 0 noreply\r\nmn\r\n", "OK\r\nMN\r\n");
    for server in &servers {
        wait_for("both lines", PATIENCE, || {
            let heard = server.heard();
            let lines: Vec<_> = heard.iter().filter(|line| line.starts_with("verbosity")).collect();
            (lines == ["verbosity 1", "verbosity 0"]).then_some(())
        });
    }
}

#[test]
fn statistics_are_the_proxys_and_the_servers() {
    let fleet = Fleet::start(2);
    let proxy = fleet.proxy(&[]);
    let mut wire = Wire::connect(proxy.addr());
    wire.ask("set a 0 0 1\r\n1\r\nget a\r\nget b\r\n", "STORED\r\nVALUE a 0 1\r\n1\r\nEND\r\nEND\r\n");
    wire.send("version\r\n");
    assert!(wire.read_until("\r\n").starts_with("VERSION "));
    let mut stats = |request: &str| {
        wire.send(request);
        let stats = wire.read_until("END\r\n");
        assert!(stats.lines().all(|line| line.starts_with("STAT ") || line == "END"), "{stats}");
        stats
    };
    let own = stats("stats\r\n");
    assert!(own.contains(&format!("STAT pid {}\r\n", proxy.program().id())), "{own}");
    let servers = stats("stats servers\r\n");
    for server in &fleet.servers {
        assert!(servers.contains(&server.addr().to_string()), "{servers}");
    }
}

#[test]
fn the_cluster_is_told_to_clients_that_ask() {
    let fleet = Fleet::start(3);
    let proxy = fleet.proxy(&[]);
    let (version, mut nodes) = cluster(proxy.addr());
    let mut expected: Vec<_> = fleet.servers.iter().map(|server| server.addr().to_string()).collect();
    nodes.sort();
    expected.sort();
    assert_eq!(nodes, expected);
    assert!(version > 0);
}

#[test]
fn servers_on_unix_sockets_and_several_listeners() {
    let servers = [Memcached::start_unix(&[]), Memcached::start_unix(&[])];
    let folder = TempDir::new().unwrap();
    let list = folder.path().join("members");
    let lines: String = servers.iter().map(|server| format!("unix:{}\n", server.path().display())).collect();
    std::fs::write(&list, lines).unwrap();
    let proxy = proxy(&format!("file:{}", list.display()), &["--listen", "127.0.0.1:0"]);
    let second: SocketAddr = {
        let stdout = proxy.program().stdout();
        let mut listeners = stdout.lines().filter_map(|line| line.strip_prefix("listening on "));
        listeners.nth(1).unwrap().parse().unwrap()
    };
    let mut first = Wire::connect(proxy.addr());
    for key in 0..20 {
        first.ask(format!("set k{key} 0 0 1\r\n1\r\n"), "STORED\r\n");
        Wire::connect(second).ask(format!("get k{key}\r\n"), format!("VALUE k{key} 0 1\r\n1\r\nEND\r\n"));
    }
}
