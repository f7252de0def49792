//! A proxy over three servers against one server: every byte of the replies.

use peerset_testkit::{Memcached, differential};

use super::fleet::proxy;

/// Without what depends on the moment, as for a node.
const DETERMINISTIC: [&str; 4] = ["-o", "no_lru_maintainer", "-m", "512"];

#[test]
fn three_servers_answer_as_one() {
    let one = Memcached::start(&DETERMINISTIC);
    let three = [(); 3].map(|()| Memcached::start(&DETERMINISTIC));
    let list = three.each_ref().map(|server| server.addr().to_string()).join(",");
    let proxy = proxy(&format!("static:{list}"), &[]);
    differential::check_proxy(0..200, one.addr(), proxy.addr());
}
