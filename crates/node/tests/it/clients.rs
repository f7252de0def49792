//! Other people's clients against a node.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};

use crate::wire::node;

#[track_caller]
fn run(command: &mut Command, install: &str) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} ({error}): {install}"));
    let Output { status, stdout, stderr } = output;
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {status}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

#[test]
fn memccapable_of_libmemcached_passes() {
    let node = node(&[]);
    let (host, port) = (node.addr().ip().to_string(), node.addr().port().to_string());
    let report = run(
        Command::new("memccapable").args(["-h", &host, "-p", &port, "-a", "-t", "60"]),
        "apt-get install libmemcached-tools",
    );
    assert!(report.contains("All tests passed"), "{report}");
}

/// Runs a script with pymemcache on its path; `HOST` and `PORT` are defined.
#[track_caller]
fn python(address: SocketAddr, script: &str) {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python");
    assert!(packages.is_dir(), "no {}: run `cargo xtask setup`", packages.display());
    let script = format!("HOST, PORT = {:?}, {}\n{script}", address.ip().to_string(), address.port());
    run(Command::new("python3").env("PYTHONPATH", packages).args(["-c", &script]), "apt-get install python3");
}

#[test]
fn pymemcache_does_its_everyday_work() {
    let node = node(&[]);
    python(
        node.addr(),
        r#"
from pymemcache.client.base import Client, PooledClient
from pymemcache import serde
from pymemcache.exceptions import MemcacheClientError, MemcacheServerError

c = Client((HOST, PORT), default_noreply=False, timeout=60)
assert c.get("absent") is None and c.get("absent", "default") == "default"
assert c.set("a", b"1", expire=60) and c.get("a") == b"1"
assert not c.add("a", b"2") and c.add("b", b"2")
assert c.replace("b", b"3") and not c.replace("absent", b"3")
assert c.append("b", b"4") and c.prepend("b", b"2") and c.get("b") == b"234"
assert c.incr("a", 41) == 42 and c.decr("a", 100) == 0 and c.incr("absent", 1) is None
value, cas = c.gets("b")
assert value == b"234" and c.cas("b", b"new", cas) is True and c.cas("b", b"newer", cas) is False
assert c.cas("absent", b"x", 1) is None
assert c.set_many({f"k{i}": str(i).encode() for i in range(100)}) == []
many = c.get_many([f"k{i}" for i in range(100)] + ["absent"])
assert many == {f"k{i}": str(i).encode() for i in range(100)}
assert set(c.gets_many(["k1", "k2"])) == {"k1", "k2"}
assert c.touch("a", 100) and not c.touch("absent", 1)
assert c.delete("a") and not c.delete("a") and c.delete_many(["k1", "k2"])
large = bytes(range(256)) * 4000
assert c.set("large", large) and c.get("large") == large
try:
    c.set("larger", b"x" * (1 << 20)); assert False
except MemcacheServerError as error:
    assert b"too large" in error.args[0], error
assert c.get("k3") == b"3"
assert c.stats()[b"curr_items"] > 90
assert c.version() == b"1.6.18"
assert c.flush_all() and c.get("k3") is None

c.set("quiet", b"1", noreply=True); c.incr("quiet", 1, noreply=True); c.delete("quiet", noreply=True)
assert c.get("quiet") is None

p = PooledClient((HOST, PORT), max_pool_size=4, serde=serde.pickle_serde, key_prefix=b"app:")
p.set("object", {"a": [1, 2, 3]})
assert p.get("object") == {"a": [1, 2, 3]}
assert c.get("app:object") is not None
assert c.raw_command(b"mg app:object t", b"\r\n") == b"HD t-1"
"#,
    );
}

#[test]
fn an_elasticache_client_discovers_the_node() {
    let node = node(&[]);
    python(
        node.addr(),
        r#"
from elasticache_auto_discovery import discover
from pymemcache.client.base import Client

found = discover(f"{HOST}:{PORT}", 60)
assert found == [[HOST.encode(), HOST.encode(), str(PORT).encode()]], found
host, ip, port = found[0]
c = Client((ip.decode(), int(port)), default_noreply=False)
assert c.set("a", b"1") and c.get("a") == b"1"
"#,
    );
}
