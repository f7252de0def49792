//! Three servers, of which some die.

use std::str::FromStr;
use std::time::Duration;

use peerset_cluster::{Discover, DiscoveryUrl, Snapshot};
use peerset_discover_zookeeper::{Serverset, ServersetConfig};
use peerset_testkit::Ensemble;

use crate::support::{Notes, config, join, until, when};

/// How long all servers are down.
const OUTAGE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_dies_and_then_all() {
    let mut ensemble = Ensemble::start(3);
    let url = DiscoveryUrl::from_str(&format!("serverset://{}/test/set", ensemble.hosts())).unwrap();
    let mut session = config();
    session.session_timeout = Duration::from_secs(15);
    let set = Serverset::from_url(&url, session, ServersetConfig::default()).unwrap();
    let _member = join(&set, "a:1").await;
    let notes = Notes::take(&set);
    let leader = ensemble.leader();
    ensemble.servers_mut()[leader].kill();
    let _second = join(&set, "b:1").await;
    until(&set.watch(), "ready a:1 b:1").await;

    ensemble.kill();
    let stale = |snapshot: &Snapshot| snapshot.state().stale_since().is_some() && snapshot.len() == 2;
    when(&set.watch(), "a stale set", stale).await;
    // The set stays as it was, however long nobody is there: much longer than a session, here. It may have been ready once
    // more, by the word of a server that went after the one before.
    let outage = tokio::time::timeout(OUTAGE, set.watch().wait_for(|snapshot| snapshot.len() != 2)).await;
    assert!(outage.is_err(), "{outage:?}");
    assert!(stale(&set.watch().borrow()), "{:?}", set.watch());
    ensemble.restart();
    until(&set.watch(), "ready a:1 b:1").await;
    let _third = join(&set, "c:1").await;
    until(&set.watch(), "ready a:1 b:1 c:1").await;
    set.close();
    let notes = notes.read().await;
    assert!(notes.iter().all(|note| note.starts_with("ready a:1")), "{notes:?}");
}
