//! What the admin pages say of pools, servers and keys.

use std::net::SocketAddr;

use peerset_testkit::{Peerset, Port, wait_for};

use super::fleet::{Fleet, PATIENCE};
use crate::admin::get;
use crate::wire::{PEERSET, Wire};

#[track_caller]
fn page(http: SocketAddr, path: &str) -> String {
    let (status, page) = get(http, path);
    assert_eq!(status, 200, "{path}: {page}");
    page
}

#[test]
fn pages_know_members_and_owners() {
    let fleet = Fleet::start(3);
    let mut proxy = fleet.proxy(&["--http", "127.0.0.1:0"]);
    let http = proxy.http_addr();
    assert_eq!(page(http, "/readyz"), "ready\n");
    let members = page(http, "/api/members");
    for server in &fleet.servers {
        assert!(members.contains(&server.addr().to_string()), "{members}");
    }
    for server in 0..3 {
        let key = fleet.keys_on(server, proxy.addr()).remove(0);
        let located = page(http, &format!("/api/locate?key={key}"));
        let owner = format!("\"owner\":\"{}\"", fleet.servers[server].addr());
        assert!(located.contains(&owner), "{key} is not there: {located}");
    }
}

#[test]
fn a_pool_that_is_not_known_says_why() {
    let port = Port::claim();
    let nobody = port.addr();
    let pool = format!("zk://{nobody}/set");
    let mut proxy = Peerset::start_proxy(PEERSET, &["--pool", &pool, "--http", "127.0.0.1:0"]);
    let http = proxy.http_addr();
    let why = format!("no connection to any of {nobody}");
    wait_for("what was tried to be told", PATIENCE, || {
        let members = page(http, "/api/members");
        (members.contains("\"trouble\":\"") && members.contains(&why)).then_some(())
    });
    let (status, ready) = get(http, "/readyz");
    assert!(status == 503 && ready.contains("pending") && ready.contains(&why), "{ready}");
}

#[test]
fn metrics_are_by_pool_and_server() {
    let mut fleet = Fleet::start(2);
    let mut proxy = fleet.proxy(&["--http", "127.0.0.1:0"]);
    let http = proxy.http_addr();
    let key = fleet.keys_on(1, proxy.addr()).remove(0);
    let mut wire = Wire::connect(proxy.addr());
    wire.send(format!("get {key} absent\r\n"));
    wire.read_until("END\r\n");
    let metrics = page(http, "/metrics");
    for server in &fleet.servers {
        let labelled =
            |line: &&str| line.contains("pool=\"default\"") && line.contains(&server.addr().to_string());
        assert!(metrics.lines().filter(labelled).count() > 3, "{metrics}");
    }
    let ejections = |metrics: &str| {
        let counted = |line: &&str| line.contains("eject") && !line.starts_with('#') && !line.ends_with(" 0");
        metrics.lines().filter(counted).count()
    };
    assert_eq!(ejections(&metrics), 0, "{metrics}");
    fleet.servers[1].kill();
    wire.send(format!("get {key}\r\n"));
    wire.read_until("END\r\n");
    let metrics = page(http, "/metrics");
    assert!(ejections(&metrics) > 0, "{metrics}");
}
