//! What the tests share: handles with short sessions, a second implementation, waiting.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use peerset_cluster::{Discover, Member, Register, Snapshot, Watch};
use peerset_cluster::{Membership, State};
use peerset_discover_zookeeper::{Serverset, ServersetConfig, ServersetPath, Zookeeper, ZookeeperConfig};
use tokio::sync::watch::{Receiver, channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long anything may take that must happen, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const SET: &str = "/discovery/test/set";

/// Sessions that no busy machine lets expire.
pub(crate) fn config() -> ZookeeperConfig {
    let mut config = ZookeeperConfig::default();
    config.session_timeout = Duration::from_secs(30);
    config.retry_max = Some(Duration::from_millis(200));
    config
}

/// A session of its own, as of another process.
pub(crate) fn connect(addr: SocketAddr) -> Zookeeper {
    Zookeeper::connect_alone(&[addr.try_into().unwrap()], config()).unwrap()
}

/// The same for one that is to expire, or to lose patience: no sooner than a busy machine makes it wait, or it would
/// expire when nobody expects that.
pub(crate) fn connect_briefly(addr: SocketAddr) -> Zookeeper {
    let mut config = config();
    config.session_timeout = Duration::from_secs(10);
    Zookeeper::connect_alone(&[addr.try_into().unwrap()], config).unwrap()
}

pub(crate) fn path(path: &str) -> ServersetPath {
    ServersetPath::new(path).unwrap()
}

/// The usual set, over a session of its own.
pub(crate) fn set(addr: SocketAddr) -> Serverset {
    connect(addr).serverset(path(SET), ServersetConfig::default())
}

pub(crate) fn member(endpoint: &str) -> Member {
    Member::at(endpoint.parse().unwrap())
}

/// What must come within [`PATIENCE`].
#[track_caller]
pub(crate) fn within<T>(what: &str, future: impl Future<Output = T>) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move { timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{caller}: waited for {what}")) }
}

/// A registered membership.
pub(crate) async fn join(set: &Serverset, endpoint: &str) -> Membership {
    let membership = set.create_membership(member(endpoint)).await.unwrap();
    within(&format!("{endpoint} to register"), membership.register()).await.unwrap();
    membership
}

/// `ready a:1 b:1@0.5`
pub(crate) fn show(snapshot: &Snapshot) -> String {
    let mut text = snapshot.state().to_string();
    for member in snapshot.members() {
        text += &format!(" {}", member.endpoint);
        if member.weight.value() != 1.0 {
            text += &format!("@{}", member.weight.value());
        }
    }
    text
}

/// Waits until the set is as [`show`] writes it.
#[track_caller]
pub(crate) fn until<'w>(watch: &'w Watch, expected: &'w str) -> impl Future<Output = Snapshot> + 'w {
    let caller = std::panic::Location::caller();
    async move {
        let mut own = watch.clone();
        match timeout(PATIENCE, own.wait_for(|snapshot| show(snapshot) == expected)).await {
            Ok(Ok(snapshot)) => snapshot,
            other => {
                panic!("{caller}: {other:?} while waiting for {expected:?}; now {}", show(&watch.borrow()))
            }
        }
    }
}

/// Waits for a condition of a snapshot.
pub(crate) async fn when(watch: &Watch, what: &str, wanted: impl FnMut(&Snapshot) -> bool) -> Snapshot {
    match timeout(PATIENCE, watch.clone().wait_for(wanted)).await {
        Ok(Ok(snapshot)) => snapshot,
        _ => panic!("waited for {what}; now {}", show(&watch.borrow())),
    }
}

/// Every snapshot that the watch gives out, noted while the test goes on.
pub(crate) struct Notes {
    noted: Receiver<Vec<String>>,
    task: JoinHandle<()>,
}

impl Notes {
    pub(crate) fn take(set: &Serverset) -> Notes {
        let mut watch = set.watch();
        let (notes, noted) = channel(Vec::new());
        let task = tokio::spawn(async move {
            while let Ok(snapshot) = watch.changed().await {
                if matches!(snapshot.state(), State::Ready | State::Absent) {
                    notes.send_modify(|notes| {
                        notes.push(show(&snapshot));
                        notes.dedup(); // stale in between, on a busy machine
                    });
                }
            }
        });
        Notes { noted, task }
    }

    /// Waits until this is the newest. A watch skips what is over before it is looked at, so whoever wants it noted has
    /// to wait.
    pub(crate) async fn until(&self, expected: &str) {
        let mut noted = self.noted.clone();
        let wait = noted.wait_for(|notes| notes.last().is_some_and(|last| last == expected));
        match timeout(PATIENCE, wait).await {
            Ok(noted) => drop(noted.unwrap()),
            Err(_) => panic!("waited for the note {expected:?}; there are {:?}", self.noted.borrow()),
        }
    }

    /// What was noted until the set was closed.
    pub(crate) async fn read(self) -> Vec<String> {
        within("the notes of a closed set", self.task).await.unwrap();
        self.noted.borrow().clone()
    }
}

/// Runs a script of the second implementation; `zk` is its client, connected, and `SET` the usual set.
#[track_caller]
pub(crate) fn kazoo(addr: SocketAddr, script: &str) -> String {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python");
    assert!(packages.join("kazoo").is_dir(), "no {}/kazoo: run `cargo xtask setup`", packages.display());
    let script = format!(
        "import json\nfrom kazoo.client import KazooClient\nSET = {SET:?}\n\
         zk = KazooClient(hosts='{addr}', timeout=60)\nzk.start(timeout=60)\n{script}\nzk.stop()\nzk.close()\n"
    );
    let output = Command::new("python3").env("PYTHONPATH", packages).args(["-c", &script]).output();
    let Output { status, stdout, stderr } = output.expect("apt-get install python3");
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{script}: {status}\n{stdout}\n{stderr}");
    stdout.into_owned()
}
