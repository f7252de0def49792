//! A fleet as it is meant to be run: every server registered, a proxy that follows.

use super::*;
use peerset_testkit::Peerset;

/// Every server's keys, stored through the proxy with themselves as value.
fn fill(wire: &mut Wire) -> Vec<String> {
    let keys: Vec<_> = (0..40).map(|number| format!("key:{number}")).collect();
    for key in &keys {
        wire.ask(format!("set {key} 0 0 {}\r\n{key}\r\n", key.len()), "STORED\r\n");
    }
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

/// The addresses that the proxy tells its clients, sorted.
fn members(wire: &mut Wire) -> Vec<String> {
    wire.send("config get cluster\r\n");
    let reply = wire.read_until("\r\nEND\r\n");
    let nodes = reply.lines().nth(2).unwrap_or_default().split(' ').filter(|node| !node.is_empty());
    let mut nodes: Vec<_> =
        nodes.map(|node| node.replacen(&node[..=node.find('|').unwrap()], "", 1).replace('|', ":")).collect();
    nodes.sort();
    nodes
}

#[test]
fn a_proxy_follows_and_clients_see_misses_only() {
    let zookeeper = Zookeeper::start();
    let url = url(&zookeeper);
    let mut servers = [Memcached::start(&[]), Memcached::start(&[])];
    let mut addresses: Vec<_> = servers.iter().map(|server| server.addr().to_string()).collect();
    let mut registered: Vec<_> =
        addresses.iter().map(|address| register(&url, address, &["--check", "memcached"])).collect();
    let mut watch = start(&["watch", &url]);
    wait_for_line(&mut watch, &line_of(&[&servers[0], &servers[1]]));
    let proxy = Peerset::start_proxy(PEERSET, &["--pool", &url, "--placement", "mcset"]);
    let mut wire = Wire::connect(proxy.addr());
    let left = addresses[1].clone();
    addresses.sort();
    wait_for("the proxy to know both", PATIENCE, || (members(&mut wire) == addresses).then_some(()));
    wait_for("the proxy to have connected", PATIENCE, || {
        wire.send("delete nonesuch\r\n");
        (wire.read_until("\r\n") == "NOT_FOUND\r\n").then_some(())
    });
    let keys = fill(&mut wire);
    assert_eq!(hits(&mut wire, &keys), keys.len());

    servers[0].kill();
    wait_for_line(&mut watch, &left);
    // The proxy holds the removal back in case the server returns; meanwhile and afterwards there are misses at most.
    assert_eq!(members(&mut wire), addresses);
    wait_for("the ring to follow", PATIENCE, || {
        let hit = hits(&mut wire, &keys);
        assert!(hit > 0 && hit < keys.len(), "{hit} of {}", keys.len());
        (members(&mut wire) == [left.as_str()]).then_some(())
    });
    fill(&mut wire);
    assert_eq!(hits(&mut wire, &keys), keys.len(), "the ring follows");

    for mut registered in registered.drain(..) {
        assert!(registered.terminate().success());
    }
    wait_for_line(&mut watch, "empty");
}
