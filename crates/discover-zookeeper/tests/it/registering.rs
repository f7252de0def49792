//! What is written, and that a process shows exactly once.

use std::time::Duration;

use peerset_cluster::{Discover, Register, RegisterError, Snapshot, Status, Weight};
use peerset_discover_zookeeper::{ServersetConfig, Zookeeper as Session};
use peerset_testkit::{FaultProxy, Way, Zookeeper};
use tokio::task::JoinSet;

use crate::support::{Notes, PATIENCE, SET, config, join, kazoo, member, path, set, until, when, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_replaces_the_znode_in_one_step() {
    let server = Zookeeper::start();
    let (mine, other) = (set(server.addr()), set(server.addr()));
    let notes = Notes::take(&other);
    let membership = join(&mine, "a:1").await;
    notes.until("ready a:1").await;
    for weight in [2.0, 3.0, 0.5] {
        membership.update(|member| member.weight = Weight::new(weight).unwrap()).unwrap();
        notes.until(&format!("ready a:1@{weight}")).await;
    }
    let children = kazoo(server.addr(), "print(*zk.get_children(SET))");
    assert_eq!(children.trim(), "member_0000000003");
    within("deregister", membership.deregister()).await.unwrap();
    notes.until("ready").await;
    other.close();
    let notes = notes.read().await;
    let changes: Vec<_> = notes.iter().map(String::as_str).filter(|note| *note != "absent").collect();
    // Perhaps an empty set before the first; never two, and never none in between.
    let changes = changes.strip_prefix(&["ready"]).unwrap_or(&changes);
    assert_eq!(changes, ["ready a:1", "ready a:1@2", "ready a:1@3", "ready a:1@0.5", "ready"]);
}

/// The second change comes between the list of names and the look at what is new, which the network makes long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_behind_a_change_leaves_no_gap() {
    let server = Zookeeper::start();
    let network = FaultProxy::start(server.addr());
    let (mine, other) = (set(server.addr()), set(network.addr()));
    let membership = join(&mine, "a:1").await;
    until(&other.watch(), "ready a:1").await;
    let notes = Notes::take(&other);
    notes.until("ready a:1").await;
    network.delay(Way::ToClient, Duration::from_secs(2));
    membership.update(|member| member.weight = Weight::new(2.0).unwrap()).unwrap();
    until(&mine.watch(), "ready a:1@2").await;
    // Two of the set and one of the member: the other one has asked for the names, and is waiting for them.
    let listed = || (server.count("zk_watch_count") == 3).then_some(());
    peerset_testkit::wait_for("another list", PATIENCE, listed);
    membership.update(|member| member.weight = Weight::new(3.0).unwrap()).unwrap();
    until(&mine.watch(), "ready a:1@3").await;
    network.heal();
    notes.until("ready a:1@3").await;
    other.close();
    let notes = notes.read().await;
    assert!(notes.iter().all(|note| note.starts_with("ready a:1")), "{notes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_starts_registers_and_shows_when_it_is_alive() {
    let server = Zookeeper::start();
    let set = set(server.addr());
    let mut starting = member("a:1");
    starting.status = Status::Starting;
    let membership = set.create_membership(starting).await.unwrap();
    within("register", membership.register()).await.unwrap();
    assert!(set.watch().borrow().is_empty());
    membership.update(|member| member.status = Status::Alive).unwrap();
    until(&set.watch(), "ready a:1").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_znode_that_somebody_deletes_is_written_again() {
    let server = Zookeeper::start();
    let set = set(server.addr());
    let _membership = join(&set, "a:1").await;
    kazoo(server.addr(), "zk.delete(SET + '/member_0000000000')");
    let again = || kazoo(server.addr(), "print(*zk.get_children(SET))").contains("_0000000001").then_some(());
    peerset_testkit::wait_for("another znode", PATIENCE, again);
    until(&set.watch(), "ready a:1").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_znode_that_somebody_changes_is_replaced() {
    let server = Zookeeper::start();
    let (mine, other) = (set(server.addr()), set(server.addr()));
    let membership = join(&mine, "a:1").await;
    for written in 0..2 {
        let json = r#"{"serviceEndpoint":{"host":"x","port":1},"status":"ALIVE"}"#;
        kazoo(server.addr(), &format!("zk.set(SET + '/member_{written:010}', b'{json}')"));
        let children = || kazoo(server.addr(), "print(*zk.get_children(SET))").trim().to_owned();
        let replaced = || (children() == format!("member_{:010}", written + 1)).then_some(());
        peerset_testkit::wait_for("another znode in its place", PATIENCE, replaced);
        until(&other.watch(), "ready a:1").await;
    }
    within("deregister", membership.deregister()).await.unwrap();
    until(&other.watch(), "ready").await;
}

/// Between its creation and the watch on it, which the network makes long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_znode_that_is_changed_before_it_is_watched_is_replaced() {
    let server = Zookeeper::start();
    let network = FaultProxy::start(server.addr());
    let (mine, other) = (set(network.addr()), set(server.addr()));
    let joined = join(&mine, "b:1").await;
    within("deregister", joined.deregister()).await.unwrap();
    until(&other.watch(), "ready").await;
    network.delay(Way::ToClient, Duration::from_secs(3));
    let joining = tokio::spawn({
        let mine = mine.clone();
        async move { join(&mine, "a:1").await }
    });
    until(&other.watch(), "ready a:1").await;
    let json = r#"{"serviceEndpoint":{"host":"x","port":1},"status":"ALIVE"}"#;
    kazoo(server.addr(), &format!("zk.set(SET + '/member_0000000001', b'{json}')"));
    network.heal();
    let _membership = joining.await.unwrap();
    let children = || kazoo(server.addr(), "print(*zk.get_children(SET))").trim().to_owned();
    let replaced = || (children() == "member_0000000002").then_some(());
    peerset_testkit::wait_for("another znode in its place", PATIENCE, replaced);
    until(&other.watch(), "ready a:1").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_fit_into_the_set_is_told() {
    let server = Zookeeper::start();
    let mut small = config();
    small.limits.members_max = 2;
    let session = Session::connect_alone(&[server.addr().try_into().unwrap()], small).unwrap();
    let set = session.serverset(path(SET), ServersetConfig::default());
    let (_a, b) = (join(&set, "a:1").await, join(&set, "b:1").await);
    let membership = set.create_membership(member("c:1")).await.unwrap();
    let error = within("register", membership.register()).await.unwrap_err();
    assert!(matches!(error, RegisterError::LeftOut { members_max: 2, .. }), "{error}");
    within("deregister", b.deregister()).await.unwrap();
    until(&set.watch(), "ready a:1 c:1").await;
    within("register", membership.register()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_written_is_refused_at_once() {
    let server = Zookeeper::start();
    let set = set(server.addr());
    let membership = set.create_membership(member("unix:/run/a.sock")).await.unwrap();
    let error = within("register", membership.register()).await.unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("no host and port"), "{error}");
    membership.update(|member| member.endpoint = "a:1".parse().unwrap()).unwrap();
    within("register", membership.register()).await.unwrap();
    let json = kazoo(server.addr(), "print(zk.get(SET + '/' + zk.get_children(SET)[0])[0].decode())");
    assert!(json.contains(r#""metadata":{"peerset.id":"unix:/run/a.sock"}"#), "{json} in {SET}");
}

/// 500 a second for ten seconds, all of which stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_joins_is_followed() {
    const TICKS: usize = 500;
    const JOINS: usize = 10;
    let server = Zookeeper::start();
    let (joining, watching) = (set(server.addr()), set(server.addr()));
    let mut watch = watching.watch();
    let shrunk = tokio::spawn(async move {
        let mut least = 0;
        while least < TICKS * JOINS {
            let snapshot = watch.changed().await.unwrap();
            if snapshot.len() < least {
                return Some((least, snapshot.len()));
            }
            least = snapshot.len();
        }
        None
    });
    let mut clock = tokio::time::interval(Duration::from_millis(20));
    let mut registering = JoinSet::new();
    for tick in 0..TICKS {
        clock.tick().await;
        for port in tick * JOINS..(tick + 1) * JOINS {
            let membership = joining.create_membership(member(&format!("a:{}", port + 1))).await.unwrap();
            registering.spawn(async move {
                membership.register().await.unwrap();
                membership
            });
        }
    }
    assert_eq!(within("all to be seen", shrunk).await.unwrap(), None, "members seen, then fewer");
    let memberships = within("all to register", registering.join_all()).await;
    drop(memberships);
    when(&watching.watch(), "an empty set", Snapshot::is_empty).await;
}
