//! What a pool's settings in the config file do.

use std::fs;

use peerset_testkit::{Memcached, Peerset, TempDir};

use super::fleet::wait_until_known;
use crate::wire::{PEERSET, Wire};

/// A proxy for one server with these settings of its pool.
#[track_caller]
fn proxy_with(server: &Memcached, settings: &str) -> Peerset {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("proxy.toml");
    let pool = format!("[pools.one]\ndiscover = \"static:{}\"\n{settings}\n", server.addr());
    fs::write(&path, format!("{pool}\n[routes]\nshard = \"one\"\n")).unwrap();
    let proxy = Peerset::start_proxy(PEERSET, &["--config", path.to_str().unwrap()]);
    wait_until_known(proxy.addr());
    proxy
}

#[test]
fn servers_that_ask_for_a_password_get_it() {
    let server = Memcached::start_with_users(&[("us", "secret")], &[]);
    let proxy = proxy_with(&server, "auth = { user = \"us\", password = \"secret\" }");
    let mut wire = Wire::connect(proxy.addr());
    wire.ask("set a 0 0 1\r\n1\r\nget a\r\n", "STORED\r\nVALUE a 0 1\r\n1\r\nEND\r\n");
}

#[test]
fn a_wrong_password_is_an_error_that_names_the_server() {
    let server = Memcached::start_with_users(&[("us", "secret")], &[]);
    let proxy = proxy_with(&server, "owner-down = \"error\"\nauth = { user = \"us\", password = \"guess\" }");
    let mut wire = Wire::connect(proxy.addr());
    wire.send("get a\r\n");
    let line = wire.read_until("\r\n");
    assert!(line.starts_with("SERVER_ERROR") && line.contains(&server.addr().to_string()), "{line:?}");
    let log = proxy.program().stderr();
    assert!(!log.contains("guess"), "a password in the log: {log}");
}

#[test]
fn servers_that_speak_tls_are_spoken_to_so() {
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/../client-memcache/testdata/tls");
    let chain = format!("ssl_chain_cert={files}/server.pem,ssl_key={files}/server.key");
    let server = Memcached::start(&["-Z", "-o", &chain]);
    let proxy = proxy_with(&server, &format!("timeout = \"10s\"\ntls = {{ ca = \"{files}/ca.pem\" }}"));
    let mut wire = Wire::connect(proxy.addr());
    wire.ask("set a 0 0 1\r\n1\r\nget a\r\n", "STORED\r\nVALUE a 0 1\r\n1\r\nEND\r\n");
    // More than a record, a read, or the socket's buffer holds.
    let value = "v".repeat(900_000);
    wire.ask(format!("set big 0 0 900000\r\n{value}\r\n"), "STORED\r\n");
    wire.ask("get big\r\n".repeat(3), format!("VALUE big 0 900000\r\n{value}\r\nEND\r\n").repeat(3));
    wire.ask("get a\r\n".repeat(500), "VALUE a 0 1\r\n1\r\nEND\r\n".repeat(500));

    let stranger = proxy_with(&server, "owner-down = \"error\"\ntls = true");
    let mut wire = Wire::connect(stranger.addr());
    wire.send("get a\r\n");
    assert!(wire.read_until("\r\n").starts_with("SERVER_ERROR"), "its certificate is nobody's we know");
}

#[test]
fn a_prefix_is_on_the_server_and_nowhere_else() {
    let server = Memcached::start(&[]);
    let proxy = proxy_with(&server, "prefix = \"app:\"");
    let mut wire = Wire::connect(proxy.addr());
    wire.ask("set a 0 0 1\r\n1\r\nms b 1\r\n2\r\n", "STORED\r\nHD\r\n");
    wire.ask("get a b c\r\n", "VALUE a 0 1\r\n1\r\nVALUE b 0 1\r\n2\r\nEND\r\n");
    wire.ask("get a\r\nmg b v k O1\r\nmg c k\r\n", "VALUE a 0 1\r\n1\r\nEND\r\nVA 1 kb O1\r\n2\r\nEN kc\r\n");
    // A prefix goes before what base64 says, not before the base64. The key is told as it was when it was stored.
    wire.ask("mg YQ== b v k\r\nms Yw== 1 b\r\n3\r\nmg c k\r\n", "VA 1 ka\r\n1\r\nHD\r\nHD kYw== b\r\n");
    wire.ask("incr b 3\r\ntouch a 100\r\nmd a k\r\n", "5\r\nTOUCHED\r\nHD ka\r\n");
    let mut server = Wire::connect(server.addr());
    server.ask("get app:a a app:b b\r\n", "VALUE app:b 0 1\r\n5\r\nEND\r\n");
    // As long as it is with the prefix, no server would take it.
    let key = "k".repeat(247);
    wire.send(format!("get {key}\r\nmn\r\n"));
    let line = wire.read_until("MN\r\n");
    assert!(line.starts_with("CLIENT_ERROR") || line.starts_with("SERVER_ERROR"), "{line:?}");
}

#[test]
fn a_full_queue_refuses_at_once() {
    let mut server = Memcached::start(&[]);
    let proxy = proxy_with(&server, "queue = 10\ntimeout = \"5s\"");
    let mut wire = Wire::connect(proxy.addr());
    wire.ask("set a 0 0 1\r\n1\r\n", "STORED\r\n");
    server.stop();
    wire.send("set a 0 0 1\r\n1\r\n".repeat(30));
    // The first ten wait, and replies come in order, so it is another connection that sees the refusal.
    let refused = peerset_testkit::wait_for("a refusal", super::fleet::PATIENCE, || {
        let mut another = Wire::connect(proxy.addr());
        another.send("set b 0 0 1\r\n1\r\n");
        another.stream().set_read_timeout(Some(std::time::Duration::from_millis(300))).unwrap();
        let mut reply = [0; 12];
        std::io::Read::read_exact(another.stream(), &mut reply).ok().map(|()| reply)
    });
    assert_eq!(&refused, b"SERVER_ERROR");
    server.resume();
    let mut replies: Vec<_> = (0..30).map(|_| wire.read_until("\r\n")).collect();
    replies.retain(|line| line != "STORED\r\n");
    assert!(replies.iter().all(|line| line.contains("overloaded")) && replies.len() >= 19, "{replies:?}");
}
