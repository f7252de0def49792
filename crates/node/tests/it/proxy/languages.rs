//! A client library of another language goes on while servers die and come.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use peerset_testkit::{Program, TempDir};

use super::fleet::{Fleet, wait_for_members};

/// Writes and reads keys until a file appears; says now and then how far it is, and at the end what it saw.
const SCRIPT: &str = r#"
import os
from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheError

client = Client((HOST, PORT), default_noreply=False, timeout=30)
written, seen = {}, dict(hits=0, misses=0, refused=0, errors=0, wrong=0)
turn = 0
while not os.path.exists(STOP):
    turn += 1
    key = f"python:{turn % 200}"
    try:
        if turn % 3 == 0:
            value = f"{key}={turn}".encode()
            written.setdefault(key, set()).add(value)
            if not client.set(key, value):
                seen["refused"] += 1
        elif turn % 20 == 1:
            keys = [f"python:{number}" for number in range(0, 200, 7)]
            for found, value in client.get_many(keys).items():
                seen["hits"] += 1
                seen["wrong"] += value not in written[found]
        else:
            value = client.get(key)
            seen["hits" if value is not None else "misses"] += 1
            seen["wrong"] += value is not None and value not in written[key]
    except MemcacheError as error:
        seen["errors"] += 1
        print(repr(error), flush=True)
    if turn % 50 == 0:
        print("turn", turn, flush=True)
print("saw", " ".join(f"{name}={count}" for name, count in seen.items()), flush=True)
"#;

/// Where `cargo xtask setup` puts PyPI packages.
#[track_caller]
pub(super) fn packages() -> PathBuf {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python");
    assert!(packages.is_dir(), "no {}: run `cargo xtask setup`", packages.display());
    packages
}

struct Python {
    program: Program,
    folder: TempDir,
}

impl Python {
    #[track_caller]
    fn start(addr: std::net::SocketAddr) -> Python {
        let folder = TempDir::new().unwrap();
        let stop = folder.path().join("stop");
        let script = format!("HOST, PORT, STOP = '{}', {}, {stop:?}\n{SCRIPT}", addr.ip(), addr.port());
        let mut command = Command::new("python3");
        command.env("PYTHONPATH", packages()).args(["-c", &script]);
        Python { program: Program::start(&mut command, "apt-get install python3"), folder }
    }

    /// Turns so far, as it told.
    fn turns(program: &Program) -> u64 {
        let stdout = program.stdout();
        let turns = stdout.lines().rev().find_map(|line| line.strip_prefix("turn ")?.parse().ok());
        turns.unwrap_or(0)
    }

    #[track_caller]
    fn go_on_for(&mut self, turns: u64) {
        let until = Python::turns(&self.program) + turns;
        self.program.wait_until("go on", |program| (Python::turns(program) >= until).then_some(()));
    }

    /// The count that it gives for a name.
    #[track_caller]
    fn finish(mut self) -> impl Fn(&str) -> u64 {
        fs::write(self.folder.path().join("stop"), "").unwrap();
        assert!(self.program.wait().success());
        let saw = self.program.line_after("saw ");
        move |name| {
            let count =
                saw.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok());
            count.unwrap_or_else(|| panic!("no {name} in {saw}"))
        }
    }
}

#[test]
fn an_elasticache_client_finds_all_servers() {
    let fleet = Fleet::start(3);
    let proxy = fleet.proxy(&[]);
    let script = format!(
        "from elasticache_auto_discovery import discover\n\
         for host, ip, port in discover('{}', 10): print((ip or host).decode() + ':' + port.decode())",
        proxy.addr()
    );
    let output =
        Command::new("python3").env("PYTHONPATH", packages()).args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found = String::from_utf8_lossy(&output.stdout);
    for server in &fleet.servers {
        assert!(found.lines().any(|line| line == server.addr().to_string()), "{found}");
    }
}

#[test]
fn python_sees_misses_when_one_dies_and_another_joins() {
    let mut fleet = Fleet::start(4);
    fleet.set_members(&[0, 1, 2]);
    let proxy = fleet.proxy(&[]);
    let mut python = Python::start(proxy.addr());
    python.go_on_for(1000);
    fleet.servers[1].kill();
    python.go_on_for(1000);
    fleet.set_members(&[0, 2, 3]);
    wait_for_members(proxy.addr(), &[&fleet.servers[0], &fleet.servers[2], &fleet.servers[3]]);
    python.go_on_for(1000);
    let saw = python.finish();
    assert_eq!(saw("wrong"), 0);
    // It asks one thing at a time, so one request at most was under way when the server died.
    assert!(saw("errors") <= 1, "{} errors", saw("errors"));
    assert!(saw("misses") > 0 && saw("refused") > 0 && saw("hits") > 1000);
}
