//! Gets of many keys: whose values come, and whose cannot.

use std::fs;

use peerset_testkit::{Memcached, Peerset, TempDir};

use super::fleet::{proxy, wait_until_known};
use crate::wire::{PEERSET, Wire};

#[test]
fn a_value_too_large_is_the_fault_of_who_asked_for_it() {
    let server = Memcached::start(&["-I", "8m", "-m", "256"]);
    let mut direct = Wire::connect(server.addr());
    let value = "v".repeat(2_000_000);
    direct.ask(format!("set big 0 0 2000000\r\n{value}\r\n"), "STORED\r\n");
    let value = "v".repeat(20_000);
    for key in ["x", "y", "z"] {
        direct.ask(format!("set {key} 0 0 20000\r\n{value}\r\n"), "STORED\r\n");
    }
    direct.ask("set a 0 0 1\r\n1\r\nset b 0 0 1\r\n2\r\n", "STORED\r\nSTORED\r\n");
    let url = format!("static:{}", server.addr());
    // Held for one get are at most half of the memory for buffers.
    let proxy = proxy(&url, &["--max-item", "21kb", "--buffer-memory", "84kb"]);
    let mut wire = Wire::connect(proxy.addr());
    let small = "VALUE a 0 1\r\n1\r\nVALUE b 0 1\r\n2\r\nEND\r\n";
    // Both lines go to the server as one.
    for large in ["get big none", "get none big", "get a big b", "get x y z", "get a x y z"] {
        for (first, second) in [("get a b", large), (large, "get a b"), ("get none nobody", large)] {
            wire.send(format!("{first}\r\n{second}\r\n"));
            for line in [first, second] {
                let expected = match line {
                    "get a b" => small,
                    "get none nobody" => "END\r\n",
                    _ => "SERVER_ERROR",
                };
                wire.expect(expected);
                if expected == "SERVER_ERROR" {
                    wire.read_until("\r\n");
                }
            }
        }
    }
}

#[test]
fn a_prefix_does_not_make_lines_too_long_for_the_server() {
    let (server, folder) = (Memcached::start(&[]), TempDir::new().unwrap());
    let path = folder.path().join("proxy.toml");
    let prefix = "p".repeat(200);
    let pool = format!(
        "[pools.one]\ndiscover = \"static:{}\"\nprefix = \"{prefix}\"\n\
         timeout = \"10s\"\nconnect-timeout = \"10s\"\n",
        server.addr()
    );
    fs::write(&path, pool).unwrap();
    let proxy = Peerset::start_proxy(PEERSET, &["--config", path.to_str().unwrap()]);
    wait_until_known(proxy.addr());
    let mut wire = Wire::connect(proxy.addr());
    let keys: Vec<_> = (0..270).map(|number| format!("k{number}")).collect();
    for key in &keys {
        wire.ask(format!("set {key} 0 0 1\r\n1\r\n"), "STORED\r\n");
    }
    let values: String = keys.iter().map(|key| format!("VALUE {key} 0 1\r\n1\r\n")).collect();
    wire.ask(format!("gat 100 {}\r\n", keys.join(" ")), format!("{values}END\r\n"));
    // Nor does a client see it.
    wire.send("me k0\r\n");
    let line = wire.read_until("\r\n");
    assert!(line.starts_with("ME k0 exp="), "{line:?}");
}

#[test]
fn keys_that_wait_take_a_bounded_memory() {
    let mut server = Memcached::start(&[]);
    let url = format!("static:{}", server.addr());
    let more = ["--timeout", "100s", "--threads", "1", "--max-item", "1mb", "--buffer-memory", "16mb"];
    let proxy = proxy(&url, &more);
    server.stop();
    // Remembering so many keys takes twenty times the line.
    let line = format!("get{}\r\n", " a".repeat(60_000));
    let clients: Vec<_> = (0..30)
        .map(|_| {
            let (mut wire, line) = (Wire::connect(proxy.addr()), line.clone());
            std::thread::spawn(move || {
                wire.send(line);
                wire
            })
        })
        .collect();
    let clients: Vec<_> = clients.into_iter().map(|client| client.join().unwrap()).collect();
    server.resume();
    for mut wire in clients {
        wire.expect("END\r\n");
    }
    let status = fs::read_to_string(format!("/proc/{}/status", proxy.program().id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kilobytes < 70_000, "{peak} at most");
}
