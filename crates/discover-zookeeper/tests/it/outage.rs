//! Lost connections, expired sessions, servers that come back.

use peerset_cluster::{Discover, State};
use peerset_discover_zookeeper::ServersetConfig;
use peerset_testkit::{FaultProxy, Way, Zookeeper, wait_for};

use crate::support::{
    Notes, PATIENCE, SET, connect, connect_briefly, join, kazoo, path, set, until, when, within,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_server_finds_everything_as_it_was() {
    let mut server = Zookeeper::start();
    let (mine, other) = (set(server.addr()), set(server.addr()));
    let _membership = join(&mine, "a:1").await;
    until(&other.watch(), "ready a:1").await;
    let notes = Notes::take(&other);
    let before = kazoo(server.addr(), "print(*zk.get_children(SET))");
    for _ in 0..2 {
        server.kill();
        when(&other.watch(), "a stale set", |s| s.state().stale_since().is_some() && s.len() == 1).await;
        server.restart();
        until(&other.watch(), "ready a:1").await;
    }
    let _second = join(&mine, "b:1").await;
    until(&other.watch(), "ready a:1 b:1").await;
    let after = kazoo(server.addr(), "print(*sorted(zk.get_children(SET)))");
    assert!(after.starts_with(before.trim()), "{before} became {after}");
    other.close();
    let notes = notes.read().await;
    assert!(notes.iter().all(|note| note.starts_with("ready a:1")), "{notes:?}");
}

/// The client gives up, and the ensemble, which was down, knows nothing of that: the session and its members live on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_longer_than_the_session_does_not_end_it() {
    let mut server = Zookeeper::start();
    let zookeeper = connect_briefly(server.addr());
    let mine = zookeeper.serverset(path(SET), ServersetConfig::default());
    let _membership = join(&mine, "a:1").await;
    let children = |server: &Zookeeper| kazoo(server.addr(), "print(*sorted(zk.get_children(SET)))");
    let (session, before) = (zookeeper.session_id(), children(&server));
    server.kill();
    wait_for("the client to give up", PATIENCE, || {
        zookeeper.trouble().filter(|trouble| trouble.contains("refused"))
    });
    server.restart();
    until(&mine.watch(), "ready a:1").await;
    assert_eq!((zookeeper.session_id(), children(&server)), (session, before));
    // And the znode is still guarded, though the client that watched it is no more.
    kazoo(server.addr(), "zk.delete(SET + '/member_0000000000')");
    let again = || children(&server).contains("_0000000001").then_some(());
    wait_for("another znode", PATIENCE, again);
}

/// The watch went with the connection, and the znode is looked at over the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_znode_that_somebody_changes_meanwhile_is_replaced() {
    let server = Zookeeper::start();
    let network = FaultProxy::start(server.addr());
    let mine = set(network.addr());
    let _membership = join(&mine, "a:1").await;
    network.refuse();
    network.close();
    when(&mine.watch(), "a stale set", |s| s.state().stale_since().is_some()).await;
    kazoo(server.addr(), "zk.set(SET + '/member_0000000000', b'{}')");
    network.heal();
    let replaced =
        || (kazoo(server.addr(), "print(*zk.get_children(SET))").trim() == "member_0000000001").then_some(());
    wait_for("another znode in its place", PATIENCE, replaced);
    until(&mine.watch(), "ready a:1").await;
}

/// Their watches went with the connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vectors_are_followed_over_the_next_connection() {
    let server = Zookeeper::start();
    let network = FaultProxy::start(server.addr());
    let mine = set(network.addr());
    let _membership = join(&mine, "a:1").await;
    let vector = |call: &str, weight: f64| {
        let json = format!(r#"{{"vector":[{{"select":"inet=a:1","weight":{weight}}}]}}"#);
        kazoo(server.addr(), &format!("zk.{call}(SET + '/vector_0000000001', b'{json}')"))
    };
    vector("create", 0.5);
    until(&mine.watch(), "ready a:1@0.5").await;
    for weight in [0.25, 2.0] {
        network.refuse();
        network.close();
        when(&mine.watch(), "a stale set", |s| s.state().stale_since().is_some()).await;
        network.heal();
        when(&mine.watch(), "the same set", |s| s.state() == State::Ready).await;
        vector("set", weight);
        until(&mine.watch(), &format!("ready a:1@{weight}")).await;
    }
}

/// Where an ensemble comes back with other data, the names of znodes begin anew, and so does what was read of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wiped_ensemble_is_read_anew() {
    let mut server = Zookeeper::start();
    let fill = |server: &Zookeeper, hosts: [&str; 2]| {
        let script = r#"
zk.ensure_path(SET)
for host in HOSTS:
    value = {'serviceEndpoint': {'host': host, 'port': 1}, 'status': 'ALIVE'}
    zk.create(SET + '/member_', json.dumps(value).encode(), sequence=True)
print(zk.exists(SET).czxid, *sorted(zk.get_children(SET)))
"#;
        kazoo(server.addr(), &script.replace("HOSTS", &format!("{hosts:?}")))
    };
    let before = fill(&server, ["a", "b"]);
    let network = FaultProxy::start(server.addr());
    let mine = connect_briefly(network.addr()).serverset(path(SET), ServersetConfig::default());
    until(&mine.watch(), "ready a:1 b:1").await;
    network.refuse();
    network.close();
    server.wipe();
    server.restart();
    let after = fill(&server, ["c", "d"]);
    assert_eq!(before, after, "nothing but the content tells the two apart");
    when(&mine.watch(), "the last set, meanwhile", |s| s.state().stale_since().is_some() && s.len() == 2)
        .await;
    network.heal();
    until(&mine.watch(), "ready c:1 d:1").await;
}

/// Silence for longer than a session, as a partition or SIGSTOP makes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_expires_is_followed_by_another() {
    let server = Zookeeper::start();
    let network = FaultProxy::start(server.addr());
    let zookeeper = connect_briefly(network.addr());
    let mine = zookeeper.serverset(path(SET), ServersetConfig::default());
    let other = set(server.addr());
    let membership = join(&mine, "a:1").await;
    until(&other.watch(), "ready a:1").await;
    let notes = Notes::take(&other);
    notes.until("ready a:1").await;
    let (first, before) = (zookeeper.session_id(), kazoo(server.addr(), "print(*zk.get_children(SET))"));
    // Silence for longer than the session: the server ends it, and nobody tells the client.
    network.stall();
    notes.until("ready").await;
    when(&mine.watch(), "a stale set", |s| s.state().stale_since().is_some() && s.len() == 1).await;
    network.heal();
    notes.until("ready a:1").await;
    until(&mine.watch(), "ready a:1").await;
    assert_ne!(zookeeper.session_id(), first);
    let after = kazoo(server.addr(), "print(*zk.get_children(SET))");
    assert_ne!(before, after);
    assert_eq!(after.split_whitespace().count(), 1);
    within("deregister", membership.deregister()).await.unwrap();
    notes.until("ready").await;
    other.close();
    assert_eq!(notes.read().await, ["ready a:1", "ready", "ready a:1", "ready"]);
}

/// The answer to a write is lost, so that nobody knows whether it was made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_in_doubt_is_not_made_twice() {
    let server = Zookeeper::start();
    let network = FaultProxy::start(server.addr());
    let other = set(server.addr());
    let (mine, sure) = (set(network.addr()), join(&other, "b:1").await);
    until(&mine.watch(), "ready b:1").await;
    let notes = Notes::take(&other);
    for _ in 0..5 {
        network.cut_after(Way::ToClient, 1);
        let joining = tokio::spawn({
            let mine = mine.clone();
            async move { join(&mine, "a:1").await }
        });
        when(&mine.watch(), "a cut connection", |s| s.state().stale_since().is_some()).await;
        network.heal();
        let membership = joining.await.unwrap();
        until(&other.watch(), "ready a:1 b:1").await;
        let members = kazoo(server.addr(), "print(*zk.get_children(SET))");
        assert_eq!(members.split_whitespace().count(), 2, "{members}");
        drop(membership);
        until(&other.watch(), "ready b:1").await;
    }
    drop(sure);
    until(&other.watch(), "ready").await;
    other.close();
    assert!(notes.read().await.iter().all(|note| note.matches("a:1").count() <= 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_end_with_their_last_handle() {
    let server = Zookeeper::start();
    let connections =
        || wait_for("an answer to cons", PATIENCE, || server.ask("cons")).matches("sid=").count();
    let sets: Vec<_> = (0..3).map(|_| set(server.addr())).collect();
    for set in &sets {
        until(&set.watch(), "absent").await;
    }
    wait_for("a session for each", PATIENCE, || (connections() == 3).then_some(()));
    let mut watch = sets[0].watch();
    sets[2].close();
    wait_for("a closed set to let its session go", PATIENCE, || (connections() == 2).then_some(()));
    drop(sets);
    wait_for("the sessions to end", PATIENCE, || (connections() == 0).then_some(()));
    when(&watch, "the last snapshot", |_| true).await;
    within("the end of the watch", async { while watch.changed().await.is_ok() {} }).await;
}

/// From a second connection with the session's number and password, as an administrator might. The password is a
/// function of the number that every server knows. The owner is cut off meanwhile, or it would take the session back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_somebody_closes_is_followed_by_another() {
    let server = Zookeeper::start();
    let network = FaultProxy::start(server.addr());
    let zookeeper = connect(network.addr());
    let mine = zookeeper.serverset(path(SET), ServersetConfig::default());
    let (other, _sure) = (set(server.addr()), join(&set(server.addr()), "b:1").await);
    let (_a, _c) = (join(&mine, "a:1").await, join(&mine, "c:1").await);
    let first = zookeeper.session_id();
    let script = r#"
def owners():
    stats = [zk.exists(SET + '/' + n) for n in zk.get_children(SET)]
    return [stat.ephemeralOwner for stat in stats if stat]
owner = max(owners(), key=owners().count)  # of two members, the other one has one
seed = ((owner ^ 0xB3415C00) ^ 0x5DEECE66D) & (2**48 - 1)  # java.util.Random
password = b''
for _ in range(4):
    seed = (seed * 0x5DEECE66D + 0xB) & (2**48 - 1)
    password += (seed >> 16).to_bytes(4, 'little')
thief = KazooClient(hosts=zk.hosts[0][0] + ':' + str(zk.hosts[0][1]), client_id=(owner, password), timeout=60)
thief.start(timeout=60)
thief.stop()
assert owner not in owners()
"#;
    network.refuse();
    network.close();
    when(&mine.watch(), "a stale set", |s| s.state().stale_since().is_some()).await;
    kazoo(server.addr(), script);
    network.heal();
    wait_for("another session", PATIENCE, || {
        (zookeeper.session_id() != first && zookeeper.is_connected()).then_some(())
    });
    until(&mine.watch(), "ready a:1 b:1 c:1").await;
    until(&other.watch(), "ready a:1 b:1 c:1").await;
    let members = kazoo(server.addr(), "print(*zk.get_children(SET))");
    assert_eq!(members.split_whitespace().count(), 3, "{members}");
}
