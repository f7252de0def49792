//! A fleet as it is meant to be run: every server registered, a proxy that follows.

use std::time::{Duration, Instant};

use super::*;
use peerset_testkit::Peerset;

/// Keys, all stored through the proxy in one go with themselves as value. It may take a moment until that works: the set
/// that a proxy tells of reaches its workers a little later.
#[track_caller]
fn fill(wire: &mut Wire) -> Vec<String> {
    let keys: Vec<_> = (0..200).map(|number| format!("key:{number}")).collect();
    wait_for("every key to be stored", PATIENCE, || {
        let stored = |key: &String| {
            wire.send(format!("set {key} 0 0 {}\r\n{key}\r\n", key.len()));
            let line = wire.read_until("\r\n");
            // A server that is down stores nothing, which is no error.
            assert!(["STORED\r\n", "NOT_STORED\r\n"].contains(&&*line), "{line:?}");
            line == "STORED\r\n"
        };
        keys.iter().all(stored).then_some(())
    });
    keys
}

/// Asks for every key; a miss is fine, an error is not. Says how many were hit.
#[track_caller]
fn hits(wire: &mut Wire, keys: &[String]) -> usize {
    let hit = |key: &&String| {
        wire.send(format!("get {key}\r\n"));
        match wire.read_until("END\r\n") {
            miss if miss == "END\r\n" => false,
            hit => {
                assert_eq!(hit, format!("VALUE {key} 0 {}\r\n{key}\r\nEND\r\n", key.len()));
                true
            }
        }
    };
    keys.iter().filter(hit).count()
}

/// How long a proxy holds who left.
const HELD: Duration = Duration::from_secs(10);

/// The servers that the proxy tells its clients of. Clients are served meanwhile.
fn members(wire: &mut Wire) -> Vec<String> {
    wire.send("config get cluster\r\n");
    let reply = wire.read_until("\r\nEND\r\n");
    // A node is HOST|ADDRESS|PORT.
    let node = |node: &str| Some(node.split_once('|')?.1.replace('|', ":"));
    let nodes = reply.lines().nth(2).unwrap_or_default();
    sorted(nodes.split(' ').filter_map(node))
}

fn sorted(servers: impl IntoIterator<Item = impl ToString>) -> Vec<String> {
    let mut servers: Vec<_> = servers.into_iter().map(|server| server.to_string()).collect();
    servers.sort();
    servers
}

/// Waits until the proxy tells of these.
#[track_caller]
fn wait_for_members(wire: &mut Wire, expected: &[&str]) {
    let expected = sorted(expected);
    wait_for(&format!("the ring to have {expected:?}"), PATIENCE, || {
        (members(wire) == expected).then_some(())
    });
}

#[test]
fn a_proxy_follows_and_clients_see_misses_only() {
    let zookeeper = Zookeeper::start();
    let url = url(&zookeeper);
    let mut servers = [(); 3].map(|()| Memcached::start(&[]));
    let [first, second, third] = servers.each_ref().map(|server| server.addr().to_string());
    let join = |address: &str| register(&url, address, &["--check", "memcached"]);
    let mut registered = vec![join(&first), join(&second)];
    let mut watch = start(&["watch", &url]);
    wait_for_line(&mut watch, &line_of(&[&servers[0], &servers[1]]));
    let proxy = Peerset::start_proxy(
        PEERSET,
        &["--pool", &url, "--placement", "mcset", "--timeout", "1m", "--connect-timeout", "1m"],
    );
    let mut wire = Wire::connect(proxy.addr());
    wait_for_members(&mut wire, &[&first, &second]);
    wait_for("the proxy to have connected", PATIENCE, || {
        wire.send("delete nonesuch\r\n");
        (wire.read_until("\r\n") == "NOT_FOUND\r\n").then_some(())
    });
    let keys = fill(&mut wire);
    assert_eq!(hits(&mut wire, &keys), keys.len());

    let killed = Instant::now();
    servers[0].kill();
    wait_for_line(&mut watch, &second);
    let hit = hits(&mut wire, &keys);
    assert!(hit > 0 && hit < keys.len(), "{hit} of {}", keys.len());
    // Who joins is in the ring at once; who left is held there for a while, in case it comes back.
    registered.push(join(&third));
    let (held, over) = (sorted([&first, &second, &third]), sorted([&second, &third]));
    wait_for(&format!("the ring to have {held:?}"), PATIENCE, || {
        let members = members(&mut wire);
        (members == held || members == over && killed.elapsed() >= HELD).then_some(())
    });
    hits(&mut wire, &keys);
    wait_for_members(&mut wire, &[&second, &third]);
    fill(&mut wire);
    assert_eq!(hits(&mut wire, &keys), keys.len(), "the ring follows");

    for mut registered in registered.drain(..) {
        assert!(registered.terminate().success());
    }
    wait_for_line(&mut watch, "empty");
}
