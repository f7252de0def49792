//! The admin pages.

use std::net::SocketAddr;
use std::process::Command;

use peerset_testkit::{Peerset, Program};

use crate::wire::{PEERSET, Wire};

#[track_caller]
pub(crate) fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut wire = Wire::connect(address);
    wire.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
    let mut head = wire.read_until("\r\n\r\n");
    let length =
        head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap()];
    std::io::Read::read_exact(wire.stream(), &mut body).unwrap();
    let status = head.split_off("HTTP/1.1 ".len())[..3].parse().unwrap();
    (status, String::from_utf8(body).unwrap())
}

#[test]
fn pages_answer() {
    let mut node = Peerset::start(PEERSET, &["--http", "127.0.0.1:0"]);
    let http = node.http_addr();
    assert_eq!(get(http, "/healthz"), (200, "ok\n".into()));
    assert_eq!(get(http, "/readyz"), (200, "ready\n".into()));
    let (status, index) = get(http, "/");
    assert!(status == 200 && index.contains("/metrics"), "{index}");
    assert_eq!(get(http, "/nowhere").0, 404);
}

#[test]
fn metrics_count_what_happened() {
    let mut node = Peerset::start(PEERSET, &["--http", "127.0.0.1:0"]);
    let http = node.http_addr();
    let mut wire = Wire::connect(node.addr());
    wire.ask("set a 0 0 3\r\nabc\r\nget a b\r\nmg b\r\n", "STORED\r\nVALUE a 0 3\r\nabc\r\nEND\r\nEN\r\n");
    let (status, page) = get(http, "/metrics");
    assert_eq!(status, 200);
    for line in [
        "peerset_items 1",
        "peerset_gets_total{result=\"hit\"} 1",
        "peerset_gets_total{result=\"miss\"} 2",
        "peerset_stores_total 1",
        "peerset_connections 1",
        "peerset_memory_max_bytes 67108864",
        "# EOF",
    ] {
        assert!(page.lines().any(|it| it == line), "no {line:?} in\n{page}");
    }
}

#[test]
fn the_default_port_gives_way() {
    let gave_way = || {
        // Whoever has the port already does as well, unless it lets go of it just then.
        let _holder = std::net::TcpListener::bind("127.0.0.1:7980");
        let mut command = Command::new(PEERSET);
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        let mut node = Program::start(&mut command, "cargo build --package peerset-node");
        let address = node.addr_after("listening on ");
        Wire::connect(address).ask("mn\r\n", "MN\r\n");
        node.wait_until("tell of the port", |program| {
            let warned = program.stderr().contains("no admin pages");
            (warned || program.stdout().contains("http on ")).then_some(warned)
        })
    };
    assert!((0..10).any(|_| gave_way()));
}

#[test]
fn idle_scrapers_take_nothing_from_the_cache() {
    let mut node = Peerset::start(PEERSET, &["--http", "127.0.0.1:0", "--max-conns", "50"]);
    let http = node.http_addr();
    let idle: Vec<Wire> = (0..200).map(|_| Wire::connect(http)).collect();
    for _ in 0..50 {
        Wire::connect(node.addr()).ask("mn\r\n", "MN\r\n");
    }
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", node.program().id())).unwrap().count();
    assert!(descriptors < 60, "{descriptors} descriptors for {} idle scrapers", idle.len());
}
