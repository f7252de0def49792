//! What a pool's settings in the config file do.

use std::fs;

use peerset_testkit::{Memcached, Peerset, TempDir, wait_for};

use super::fleet::{PATIENCE, proxy, wait_until_known};
use crate::wire::{PEERSET, Wire};

/// A proxy for one server with these settings of its pool, patient unless they say otherwise.
#[track_caller]
fn proxy_with(server: &Memcached, settings: &str) -> Peerset {
    proxy_for(&server.addr().to_string(), settings)
}

/// The same for a list of servers.
#[track_caller]
fn proxy_for(servers: &str, settings: &str) -> Peerset {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("proxy.toml");
    let told = |name: &str| settings.lines().any(|line| line.starts_with(name));
    let patience = ["timeout", "connect-timeout"].into_iter().filter(|name| !told(name));
    let patience: String = patience.map(|name| format!("{name} = \"10s\"\n")).collect();
    let pool = format!("[pools.one]\ndiscover = \"static:{servers}\"\n{patience}{settings}\n");
    fs::write(&path, format!("{pool}\n[routes]\nshard = \"one\"\n")).unwrap();
    let proxy = Peerset::start_proxy(PEERSET, &["--config", path.to_str().unwrap()]);
    wait_until_known(proxy.addr());
    proxy
}

/// The same from the command line.
#[track_caller]
fn proxy_with_flags(server: &Memcached, flags: &[&str]) -> Peerset {
    proxy(&format!("static:{}", server.addr()), flags)
}

#[test]
fn flags_know_servers_as_pools_do() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("auth");
    fs::write(&file, "us:secret\n").unwrap();
    let server = Memcached::start_with_users(&[("us", "secret")], &[]);
    let proxy = proxy_with_flags(&server, &["--auth-file", file.to_str().unwrap(), "--prefix", "app:"]);
    Wire::connect(proxy.addr()).ask("set a 0 0 1\r\n1\r\nget a\r\n", "STORED\r\nVALUE a 0 1\r\n1\r\nEND\r\n");
    let plain = proxy_with_flags(&server, &["--auth-file", file.to_str().unwrap()]);
    Wire::connect(plain.addr()).ask("get a\r\nget app:a\r\n", "END\r\nVALUE app:a 0 1\r\n1\r\nEND\r\n");

    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/../client-memcache/testdata/tls");
    let chain = format!("ssl_chain_cert={files}/server.pem,ssl_key={files}/server.key");
    let server = Memcached::start(&["-Z", "-o", &chain]);
    let proxy = proxy_with_flags(&server, &["--tls-ca", &format!("{files}/ca.pem")]);
    Wire::connect(proxy.addr()).ask("set a 0 0 1\r\n1\r\nget a\r\n", "STORED\r\nVALUE a 0 1\r\n1\r\nEND\r\n");
    let stranger = proxy_with_flags(&server, &["--tls", "--owner-down", "error"]);
    let mut wire = Wire::connect(stranger.addr());
    wire.send("get a\r\n");
    assert!(wire.read_until("\r\n").starts_with("SERVER_ERROR"), "its certificate is nobody's we know");
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
    // Both ways at once, and more than fits anywhere.
    let value = "v".repeat(20_000);
    let mut writer = Wire::of(wire.stream());
    let sets = format!("set many 0 0 20000\r\n{value}\r\n").repeat(1000);
    let writing = std::thread::spawn(move || writer.send(sets));
    wire.expect("STORED\r\n".repeat(1000));
    writing.join().unwrap();

    let stranger = proxy_with(&server, "owner-down = \"error\"\ntls = true");
    let mut wire = Wire::connect(stranger.addr());
    wire.send("get a\r\n");
    assert!(wire.read_until("\r\n").starts_with("SERVER_ERROR"), "its certificate is nobody's we know");
    wait_for("a word of it in the log", PATIENCE, || {
        stranger.program().stderr().contains("certificate").then_some(())
    });
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

/// A proxy whose queues are short, for two servers of which the second is stopped; and a key of each, with value 1.
#[track_caller]
fn proxy_with_one_stopped(settings: &str) -> ([Memcached; 2], Peerset, [String; 2]) {
    let mut servers = [Memcached::start(&[]), Memcached::start(&[])];
    let list = format!("{},{}", servers[0].addr(), servers[1].addr());
    let proxy = proxy_for(&list, &format!("queue = 10\nconnect-timeout = \"10s\"\n{settings}"));
    let mut wire = Wire::connect(proxy.addr());
    let keys: Vec<_> = (0..40).map(|number| format!("key:{number}")).collect();
    for key in &keys {
        // Until it is: what is waited for later may be less than what a busy machine takes.
        wait_for("the key to be stored", PATIENCE, || {
            wire.send(format!("set {key} 0 0 1\r\n1\r\n"));
            (wire.read_until("\r\n") == "STORED\r\n").then_some(())
        });
    }
    let keys = [0, 1].map(|at: usize| {
        let mut server = Wire::connect(servers[at].addr());
        let has = |key: &&String| {
            server.send(format!("mg {key}\r\n"));
            server.read_until("\r\n") == "HD\r\n"
        };
        keys.iter().find(has).expect("each server has some").clone()
    });
    servers[1].stop();
    (servers, proxy, keys)
}

#[test]
fn a_full_queue_makes_its_clients_wait_and_no_others() {
    let (servers, proxy, [other, key]) = proxy_with_one_stopped("timeout = \"60s\"");
    let mut clients: Vec<_> = (0..3).map(|_| Wire::connect(proxy.addr())).collect();
    for client in &mut clients {
        client.send(format!("incr {key} 1 noreply\r\n").repeat(30));
        client.send(format!("incr {key} 1\r\n").repeat(30));
    }
    for _ in 0..30 {
        Wire::connect(proxy.addr()).ask(format!("set {other} 0 0 1\r\n1\r\n"), "STORED\r\n");
    }
    servers[1].resume();
    for client in &mut clients {
        for _ in 0..30 {
            let line = client.read_until("\r\n");
            assert!(line.trim_end().parse::<u32>().is_ok(), "{line}");
        }
    }
    clients[0].ask(format!("get {key}\r\n"), format!("VALUE {key} 0 3\r\n181\r\nEND\r\n"));
}

#[test]
fn what_wants_no_reply_is_not_lost_for_being_much() {
    let server = Memcached::start(&[]);
    let proxy = proxy_with(&server, "queue = 100\ntimeout = \"60s\"\nconnect-timeout = \"10s\"");
    let mut wire = Wire::connect(proxy.addr());
    wire.ask("set a 0 0 1\r\n0\r\n", "STORED\r\n");
    wire.send("incr a 1 noreply\r\n".repeat(20_000));
    wire.ask("get a\r\n", "VALUE a 0 5\r\n20000\r\nEND\r\n");
}

#[test]
fn who_waits_for_a_full_queue_goes_on_when_the_server_is_down() {
    let (_servers, proxy, [_, key]) = proxy_with_one_stopped("timeout = \"3s\"");
    let mut clients: Vec<_> = (0..3).map(|_| Wire::connect(proxy.addr())).collect();
    for client in &mut clients {
        client.send(format!("mg {key} v\r\n").repeat(30) + "mn\r\n");
    }
    for client in &mut clients {
        let replies = client.read_until("MN\r\n");
        assert_eq!(replies.lines().count(), 31, "{replies}");
        assert!(!replies.contains("overloaded"), "{replies}");
    }
}

#[test]
fn what_cannot_wait_is_refused_by_a_full_queue() {
    let (servers, proxy, _) = proxy_with_one_stopped("timeout = \"60s\"");
    let mut wire = Wire::connect(proxy.addr());
    wire.send("verbosity 0\r\n".repeat(12));
    let mut another = Wire::connect(proxy.addr());
    let overloads = format!("one:{}:overloads 2\r\n", servers[1].addr());
    wait_for("two to be refused", PATIENCE, || {
        another.send("stats servers\r\n");
        another.read_until("\r\nEND\r\n").contains(&overloads).then_some(())
    });
    servers[1].resume();
    for at in 0..12 {
        assert_eq!(wire.read_until("\r\n").contains("overloaded"), at >= 10, "of request {at}");
    }
}

#[test]
fn idle_connections_to_servers_are_kept_alive() {
    let server = Memcached::start(&[]);
    let proxy = proxy_with(&server, "");
    Wire::connect(proxy.addr()).ask("set a 0 0 1\r\n1\r\n", "STORED\r\n");
    let address = format!("0100007F:{:04X}", server.addr().port());
    wait_for("a keepalive timer on each connection", PATIENCE, || {
        let sockets = fs::read_to_string("/proc/net/tcp").unwrap();
        let sockets = sockets.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        // Remote address, established, and the timer: 02 is the one that keeps alive.
        let mut timers = sockets
            .filter(|line| line[2] == address && line[3] == "01")
            .map(|line| line[5].starts_with("02:"));
        timers.next().is_some_and(|first| first && timers.all(|timer| timer)).then_some(())
    });
}
