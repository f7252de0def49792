//! One session and one cache, however many look.

use std::time::Duration;

use peerset_cluster::Discover;
use peerset_discover_zookeeper::{Serverset, ServersetConfig, Zookeeper as Session};
use peerset_testkit::{Zookeeper, wait_for};

use crate::support::{PATIENCE, SET, config, join, path, set, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_watchers_cost_as_much_as_one() {
    let server = Zookeeper::start();
    // The path is there when the sets are opened, or each would watch for it.
    crate::support::kazoo(server.addr(), "zk.ensure_path(SET)");
    let joining = set(server.addr());
    let _first = join(&joining, "a:1").await;
    let open = |_| {
        let session = Session::connect(&[server.addr().try_into().unwrap()], config()).unwrap();
        session.serverset(path(SET), ServersetConfig::default())
    };
    let sets: Vec<Serverset> = (0..100).map(open).collect();
    for set in &sets {
        until(&set.watch(), "ready a:1").await;
    }
    // A connection that was closed may be listed a moment longer.
    wait_for("one session for all hundred and one for who registers", PATIENCE, || {
        (server.ask("cons")?.matches("sid=").count() == 2).then_some(())
    });
    assert_eq!(server.count("zk_watch_count"), 3, "two of the set, one of the member");
}

/// A long session pings no more often than this.
const PING: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_among_a_thousand_costs_a_list_and_a_read() {
    let server = Zookeeper::start();
    // Sessions so long that there is hardly a ping, which would be counted too.
    let quiet = || {
        let mut config = config();
        config.session_timeout = Duration::from_secs(60);
        let session = Session::connect_alone(&[server.addr().try_into().unwrap()], config).unwrap();
        session.serverset(path(SET), ServersetConfig::default())
    };
    let (joining, watching) = (quiet(), quiet());
    let mut memberships = Vec::new();
    let joins = (1..=1000).map(|port| {
        let joining = joining.clone();
        tokio::spawn(async move { join(&joining, &format!("a:{port}")).await })
    });
    for task in joins.collect::<Vec<_>>() {
        memberships.push(task.await.unwrap());
    }
    crate::support::when(&watching.watch(), "1000 members", |snapshot| snapshot.len() == 1000).await;
    drop(joining); // its memberships keep it open, and its own watcher is counted too
    let json = r#"{"serviceEndpoint":{"host":"b","port":1},"status":"ALIVE"}"#;
    let create = format!("zk.create(SET + '/member_', b'{json}', sequence=True)");
    crate::support::kazoo(server.addr(), "pass"); // so that both runs below cost the same besides the join
    let idle = requests_of(&server, || drop(crate::support::kazoo(server.addr(), "zk.get(SET)")));
    let (before, start) = (server.requests(), std::time::Instant::now());
    crate::support::kazoo(server.addr(), &create);
    crate::support::when(&watching.watch(), "another", |snapshot| snapshot.len() == 1001).await;
    let cost = server.requests() - before;
    // Two watchers with two requests each, and their pings.
    let pings = 2 * (1 + start.elapsed().as_secs() / PING.as_secs());
    assert!(cost <= idle + 4 + pings, "{cost} requests, {idle} without a join");
}

fn requests_of(server: &Zookeeper, what: impl FnOnce()) -> u64 {
    let before = server.requests();
    what();
    server.requests() - before
}
