//! A pool that is a Finagle serverset in ZooKeeper, written by another implementation.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use peerset_testkit::{Memcached, Peerset, Program, TempDir, Zookeeper, wait_for};

use super::fleet::{PATIENCE, cluster, proxy, wait_for_members};
use super::languages::packages;
use super::load::{Expect, Load};
use crate::registry;
use crate::wire::PEERSET;

/// Registers an endpoint as go.serversets does, until it is killed.
const REGISTER: &str = r#"
import json, sys, time
from kazoo.client import KazooClient

client = KazooClient(HOSTS, timeout=SECONDS)
client.start()
client.ensure_path(PATH)
entity = {"serviceEndpoint": {"host": HOST, "port": PORT}, "additionalEndpoints": {}, "status": "ALIVE"}
client.create(PATH + "/member_", json.dumps(entity).encode(), ephemeral=True, sequence=True)
print("registered", flush=True)
while True:
    time.sleep(60)
"#;

/// A registration that goes with its process, within the time-out of its session.
struct Registered(Program);

impl Registered {
    #[track_caller]
    fn start(zookeeper: SocketAddr, endpoint: SocketAddr, session_seconds: u32) -> Registered {
        let script = format!(
            "HOSTS, PATH, HOST, PORT, SECONDS = '{zookeeper}', '/discovery/local/cache', '{}', {}, {session_seconds}\n\
             {REGISTER}",
            endpoint.ip(),
            endpoint.port()
        );
        let mut command = Command::new("python3");
        command.env("PYTHONPATH", packages()).args(["-c", &script]);
        let mut program = Program::start(&mut command, "apt-get install python3");
        program.line_after("registered");
        Registered(program)
    }
}

#[test]
fn the_ring_follows_a_serverset() {
    let zookeeper = Zookeeper::start();
    let servers = [(); 3].map(|()| Memcached::start(&[]));
    let register = |at: usize, seconds| Registered::start(zookeeper.addr(), servers[at].addr(), seconds);
    // Long for who is to stay on a busy machine, short for who is to go.
    let (first, second) = (register(0, 20), register(1, 8));
    let proxy = proxy(&format!("serverset://{}/local/cache", zookeeper.addr()), &[]);
    wait_for_members(proxy.addr(), &[&servers[0], &servers[1]]);
    let load = Load::start(proxy.addr(), 2, Expect::AnyWritten);
    load.go_on_for(500);
    let third = register(2, 20);
    wait_for_members(proxy.addr(), &[&servers[0], &servers[1], &servers[2]]);
    load.go_on_for(500);
    // A registrant that dies; its server goes on, so nothing may fail.
    drop(second);
    wait_for_members(proxy.addr(), &[&servers[0], &servers[2]]);
    load.go_on_for(500);
    let tally = load.finish();
    assert_eq!((tally.errors, tally.refused), (0, 0), "{tally:?}");
    assert!(first.0.id() != third.0.id());
}

#[test]
fn losing_zookeeper_empties_nothing() {
    let mut zookeeper = Zookeeper::start();
    let servers = [(); 2].map(|()| Memcached::start(&[]));
    let registered = servers.each_ref().map(|server| Registered::start(zookeeper.addr(), server.addr(), 20));
    let mut proxy =
        proxy(&format!("serverset://{}/local/cache", zookeeper.addr()), &["--http", "127.0.0.1:0"]);
    wait_for_members(proxy.addr(), &[&servers[0], &servers[1]]);
    let before = cluster(proxy.addr());
    let load = Load::start(proxy.addr(), 2, Expect::Exactly);
    zookeeper.kill();
    let http = proxy.http_addr();
    wait_for("the pool to be stale", PATIENCE, || {
        crate::admin::get(http, "/api/members").1.contains("stale").then_some(())
    });
    load.go_on_for(500);
    assert_eq!(cluster(proxy.addr()), before);
    zookeeper.restart();
    load.go_on_for(500);
    load.finish();
    assert_eq!(registered.len(), 2);
}

/// A file may hold other credentials under the same name, of which its name tells nothing.
#[test]
fn other_credentials_in_the_same_file_are_taken_with_a_reload() {
    let (zookeeper, folder) = (Zookeeper::start(), TempDir::new().unwrap());
    let (auth, config) = (folder.path().join("auth"), folder.path().join("proxy.toml"));
    let url = registry::url(&zookeeper);
    let own = ["--auth", "digest:bob:secret", "--acl", "creator-only"];
    let mut owner = registry::register(&url, "10.0.0.1:1", &own);
    registry::wait_for_log(&mut owner, "INFO registered");
    fs::write(&auth, "digest:eve:guess\n").unwrap();
    let text = format!("[proxy]\npool = '{url}'\ndiscover-auth-file = '{}'\n", auth.display());
    fs::write(&config, text).unwrap();
    let flags = ["--config", config.to_str().unwrap(), "--http", "127.0.0.1:0"];
    let mut proxy = Peerset::start_proxy(PEERSET, &flags);
    let http = proxy.http_addr();
    assert!(!crate::admin::get(http, "/api/members").1.contains("10.0.0.1:1"));
    fs::write(&auth, "digest:bob:secret\n").unwrap();
    proxy.program().signal("HUP");
    wait_for("the member to be shown", PATIENCE, || {
        crate::admin::get(http, "/api/members").1.contains("10.0.0.1:1").then_some(())
    });
}
