//! A proxy over several servers against one server: every byte of the replies.

use std::fs;

use peerset_testkit::{Memcached, Peerset, TempDir, differential};

use super::fleet::{proxy, wait_until_known};
use crate::wire::{PEERSET, node};

/// Without what depends on the moment, as for a node.
const DETERMINISTIC: [&str; 4] = ["-o", "no_lru_maintainer", "-m", "512"];

fn memcached() -> Memcached {
    Memcached::start(&DETERMINISTIC)
}

#[test]
fn three_servers_answer_as_one() {
    let three = [(); 3].map(|()| memcached());
    let list = three.each_ref().map(|server| server.addr().to_string()).join(",");
    let proxy = proxy(&format!("static:{list}"), &[]);
    differential::check_proxy(0..120, memcached().addr(), proxy.addr());
}

#[test]
fn pools_behind_routes_answer_as_one_server() {
    let servers = [(); 3].map(|()| memcached());
    let [a, b, c] = servers.each_ref().map(Memcached::addr);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("proxy.toml");
    let pool = |name, server| {
        format!(
            "[pools.{name}]\ndiscover = \"static:{server}\"\ntimeout = \"10s\"\nconnect-timeout = \"10s\"\n"
        )
    };
    let config = [pool("a", a), pool("b", b), pool("c", c)].concat()
        + "[routes]\nprefix = { \"a\" = { failover = [\"a\", \"c\"], expiry = \"10s\" }, \"f\" = { shard = \"a\" }, \
           \"k\" = { shard = \"b\" } }\ndefault = { shard = \"c\" }\n";
    fs::write(&path, config).unwrap();
    let proxy = Peerset::start_proxy(PEERSET, &["--config", path.to_str().unwrap()]);
    wait_until_known(proxy.addr());
    differential::check_proxy(1000..1060, memcached().addr(), proxy.addr());
}

#[test]
fn our_own_nodes_behind_two_proxies_answer_as_memcached() {
    let nodes = [(); 2].map(|()| node(&["--memory", "512mb"]));
    let list = nodes.each_ref().map(|node| node.addr().to_string()).join(",");
    let inner = proxy(&format!("static:{list}"), &[]);
    let outer = proxy(&format!("static:{}", inner.addr()), &[]);
    differential::check_proxy(2000..2060, memcached().addr(), outer.addr());
}
