//! What is counted, and that no count goes back.

use std::net::SocketAddr;

use peerset_testkit::wait_for;

use super::fleet::{Fleet, PATIENCE, wait_for_members};
use super::reload::Configured;
use crate::admin::get;
use crate::wire::Wire;

/// The sum of a metric over all lines that have these labels.
#[track_caller]
fn value(http: SocketAddr, name: &str, labels: &str) -> u64 {
    let (status, page) = get(http, "/metrics");
    assert_eq!(status, 200, "{page}");
    let of = |line: &&str| line.starts_with(&format!("{name}{{")) && line.contains(labels);
    let values: Vec<u64> =
        page.lines().filter(of).map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect();
    assert!(!values.is_empty(), "no {name} with {labels} in\n{page}");
    values.iter().sum()
}

#[test]
fn each_request_is_counted_once_everywhere() {
    let fleet = Fleet::start(2);
    let mut proxy = fleet.proxy(&["--http", "127.0.0.1:0"]);
    let http = proxy.http_addr();
    let counts = [
        ("pool_hits_total", "", 3),
        ("pool_misses_total", "", 3),
        ("pool_errors_total", "", 0),
        ("server_hits_total", "", 3),
        ("server_misses_total", "", 3),
        ("route_requests_total", "", 8),
        ("route_hits_total", "", 3),
        ("route_misses_total", "", 3),
        ("route_errors_total", "", 0),
        // Keys of several in one request are not timed.
        ("route_latency_seconds_bucket", "le=\"+Inf\"", 6),
    ];
    let count = |name: &str, labels: &str| value(http, &format!("peerset_{name}"), labels);
    let before = counts.map(|(name, labels, _)| count(name, labels));
    let mut wire = Wire::connect(proxy.addr());
    wire.ask("set a 0 0 1\r\n1\r\n", "STORED\r\n");
    wire.ask("get a\r\nget absent\r\nget gone\r\n", "VALUE a 0 1\r\n1\r\nEND\r\nEND\r\nEND\r\n");
    wire.ask("get a absent\r\nincr a 1\r\nmg a\r\n", "VALUE a 0 1\r\n1\r\nEND\r\n2\r\nHD\r\n");
    for ((name, labels, expected), before) in counts.into_iter().zip(before) {
        assert_eq!(count(name, labels) - before, expected, "{name}");
    }
    // Every request to a server is timed.
    let requests = count("pool_requests_total", "pool=\"default\"");
    for buckets in ["pool", "server"] {
        assert_eq!(count(&format!("{buckets}_latency_seconds_bucket"), "le=\"+Inf\""), requests);
    }
}

#[test]
fn counts_of_servers_that_left_stay() {
    let mut fleet = Fleet::start(3);
    fleet.set_members(&[0, 1]);
    let mut proxy = fleet.proxy(&["--http", "127.0.0.1:0"]);
    let http = proxy.http_addr();
    let keys = fleet.keys_on(1, proxy.addr());
    let mut wire = Wire::connect(proxy.addr());
    wire.ask(
        format!("get {}\r\n", keys[0]),
        format!("VALUE {0} 0 {1}\r\n{0}\r\nEND\r\n", keys[0], keys[0].len()),
    );
    fleet.servers[1].kill();
    let ejections = || value(http, "peerset_pool_ejections_total", "");
    wait_for("the server to be found down", PATIENCE, || {
        wire.send(format!("delete {}\r\n", keys[0]));
        wire.read_until("\r\n");
        (ejections() > 0).then_some(())
    });
    let count = |name: &str| value(http, &format!("peerset_pool_{name}"), "");
    let names =
        ["requests_total", "hits_total", "ejections_total", "connects_total", "latency_seconds_bucket"];
    let before = names.map(count);
    fleet.set_members(&[0, 2]);
    wait_for_members(proxy.addr(), &[&fleet.servers[0], &fleet.servers[2]]);
    // The killed one is gone when no worker has a connection to it any more.
    let label = fleet.servers[1].addr().to_string();
    wait_for("all workers to leave it", PATIENCE, || {
        wire.send("get a\r\n");
        wire.read_until("END\r\n");
        (!get(http, "/metrics").1.contains(&label)).then_some(())
    });
    for (name, before) in names.into_iter().zip(before) {
        let after = count(name);
        assert!(after >= before && after > 0, "{name}: {before}, then {after}");
    }
    wire.send("stats\r\n");
    let stats = wire.read_until("END\r\n");
    assert!(!stats.contains("server_ejections 0\r\n") && !stats.contains("get_hits 0\r\n"), "{stats}");
}

#[test]
fn reloads_set_no_count_back() {
    let mut configured = Configured::start_with("failover = [\"main\", \"one\"]", &["--http", "127.0.0.1:0"]);
    let http = configured.proxy.http_addr();
    let (patient, routes) = ("connect-timeout = \"30s\"\ntimeout = \"3", "failover = [\"main\", \"one\"]");
    configured.set_main_with(&format!("{patient}0s\""), routes);
    let mut wire = Wire::connect(configured.proxy.addr());
    for key in 0..50 {
        wire.ask(format!("set k{key} 0 0 1\r\n1\r\n"), "STORED\r\n");
    }
    let all = ["pool_requests_total", "server_requests_total", "route_requests_total"];
    let count = |name: &str| value(http, &format!("peerset_{name}"), "");
    let labelled = || value(http, "peerset_route_requests_total", "route=\"shard main\"");
    let (before, at_route) = (all.map(count), labelled());
    assert!(before.iter().all(|&count| count >= 50), "{before:?}");
    // A comment, then settings that need new connections.
    for settings in ["0s\" # nothing new", "1s\"", "2s\""] {
        configured.set_main_with(&format!("{patient}{settings}"), routes);
        for key in 0..50 {
            wire.ask(format!("get k{key}\r\n"), format!("VALUE k{key} 0 1\r\n1\r\nEND\r\n"));
        }
    }
    for (name, before) in all.into_iter().zip(before) {
        assert_eq!(count(name), before + 150, "{name}");
    }
    assert_eq!(labelled(), at_route + 150);
}
