//! Servers, and the file that says which of them are members.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use peerset_testkit::{Memcached, Peerset, TempDir, wait_for};

use crate::wire::{PEERSET, Wire};

/// For what is to happen soon, on a machine that is busy with other tests.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// So many that each of a few servers has some of them, whatever its port makes of the ring.
pub(super) const KEYS: usize = 200;

/// memcacheds, and a `file:` pool of them.
pub(super) struct Fleet {
    pub(super) servers: Vec<Memcached>,
    folder: TempDir,
}

impl Fleet {
    /// Starts so many servers, members all of them.
    #[track_caller]
    pub(super) fn start(count: usize) -> Fleet {
        let servers =
            (0..count).map(|_| Memcached::start(&["-m", "256", "-o", "no_lru_maintainer"])).collect();
        let fleet = Fleet { servers, folder: TempDir::new().unwrap() };
        fleet.set_members(&(0..count).collect::<Vec<_>>());
        fleet
    }

    /// Makes these servers the members, by a rename into place as a careful person does it.
    #[track_caller]
    pub(super) fn set_members(&self, members: &[usize]) {
        let list: String = members.iter().map(|&at| format!("{}\n", self.servers[at].addr())).collect();
        self.write(&format!("# members now\n{list}"));
    }

    /// Makes this the list of members.
    #[track_caller]
    pub(super) fn write(&self, list: &str) {
        let aside = self.folder.path().join("aside");
        fs::write(&aside, list).unwrap();
        fs::rename(aside, self.path()).unwrap();
    }

    /// The file with the list.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("members")
    }

    /// The pool as the command line names it.
    pub(super) fn url(&self) -> String {
        format!("file:{}", self.path().display())
    }

    /// A proxy in front of the members.
    #[track_caller]
    pub(super) fn proxy(&self, extra: &[&str]) -> Peerset {
        proxy(&self.url(), extra)
    }

    /// The one server that has a key; killed ones have none.
    #[track_caller]
    pub(super) fn owner(&self, key: &str) -> usize {
        self.owners(&[key.to_owned()])[0]
    }

    #[track_caller]
    fn owners(&self, keys: &[String]) -> Vec<usize> {
        let mut owners = vec![Vec::new(); keys.len()];
        for (at, server) in self.servers.iter().enumerate() {
            let Ok(stream) = TcpStream::connect(server.addr()) else { continue };
            let mut wire = Wire::of(&stream);
            wire.send(keys.iter().map(|key| format!("mg {key}\r\n")).collect::<String>());
            for owners in &mut owners {
                match &*wire.read_until("\r\n") {
                    "HD\r\n" => owners.push(at),
                    line => assert_eq!(line, "EN\r\n"),
                }
            }
        }
        let sole = |(owners, key): (&Vec<usize>, &String)| match owners[..] {
            [owner] => owner,
            _ => panic!("{key} is on servers {owners:?}"),
        };
        owners.iter().zip(keys).map(sole).collect()
    }

    /// Keys on a server, stored through the proxy with themselves as value.
    #[track_caller]
    pub(super) fn keys_on(&self, server: usize, proxy: SocketAddr) -> Vec<String> {
        let mut wire = Wire::connect(proxy);
        let keys: Vec<_> = (0..KEYS).map(|number| format!("key:{number}")).collect();
        for key in &keys {
            wire.ask(format!("set {key} 0 0 {}\r\n{key}\r\n", key.len()), "STORED\r\n");
        }
        let owners = self.owners(&keys);
        let keys: Vec<_> =
            keys.into_iter().zip(owners).filter(|(_, owner)| *owner == server).map(|(key, _)| key).collect();
        assert!(keys.len() > 3, "server {server} has only {keys:?} of {KEYS}");
        keys
    }
}

/// A proxy in front of a pool that it knows by now, patient unless told otherwise: a busy machine is no failed server.
#[track_caller]
pub(super) fn proxy(pool: &str, extra: &[&str]) -> Peerset {
    let patience = ["--timeout", "--connect-timeout"].into_iter().filter(|flag| !extra.contains(flag));
    let patience: Vec<_> = patience.flat_map(|flag| [flag, "10s"]).collect();
    let proxy = Peerset::start_proxy(PEERSET, &[&["--pool", pool], &patience[..], extra].concat());
    wait_until_known(proxy.addr());
    proxy
}

/// Waits until no pool is pending.
#[track_caller]
pub(super) fn wait_until_known(proxy: SocketAddr) {
    let mut wire = Wire::connect(proxy);
    wait_for("the pool to be known", PATIENCE, || {
        wire.send("delete nonesuch\r\n");
        (!wire.read_until("\r\n").contains("pending")).then_some(())
    });
}

/// What `config get cluster` tells: the version, and the addresses in the order given.
#[track_caller]
pub(super) fn cluster(proxy: SocketAddr) -> (u64, Vec<String>) {
    let mut wire = Wire::connect(proxy);
    wire.send("config get cluster\r\n");
    let reply = wire.read_until("\r\nEND\r\n");
    let mut lines = reply.lines();
    let announced: usize = lines.next().unwrap().strip_prefix("CONFIG cluster 0 ").unwrap().parse().unwrap();
    let version = lines.next().unwrap().parse().unwrap();
    let nodes = lines.next().unwrap();
    assert_eq!(
        announced,
        reply.len() - "CONFIG cluster 0 \r\n".len() - announced.to_string().len() - "\r\nEND\r\n".len()
    );
    let node = |node: &str| {
        let fields: Vec<_> = node.split('|').collect();
        let [host, ip, port] = fields[..] else { panic!("{node:?} in {reply:?}") };
        format!("{}:{port}", if ip.is_empty() { host } else { ip })
    };
    (version, nodes.split_whitespace().map(node).collect())
}

/// Waits until the proxy has taken these servers for its pool, and gives the version under which it tells so.
#[track_caller]
pub(super) fn wait_for_members(proxy: SocketAddr, members: &[&Memcached]) -> u64 {
    let mut expected: Vec<_> = members.iter().map(|server| server.addr().to_string()).collect();
    expected.sort();
    wait_for("the pool to change", PATIENCE, || {
        let (version, mut nodes) = cluster(proxy);
        nodes.sort();
        (nodes == expected).then_some(version)
    })
}
