//! Three servers, of which some die.

use std::str::FromStr;

use peerset_cluster::{Discover, DiscoveryUrl};
use peerset_discover_zookeeper::{Serverset, ServersetConfig};
use peerset_testkit::Ensemble;

use crate::support::{Notes, config, join, until, when};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_dies_and_then_all() {
    let mut ensemble = Ensemble::start(3);
    let url = DiscoveryUrl::from_str(&format!("serverset://{}/test/set", ensemble.hosts())).unwrap();
    let mut session = config();
    session.session_timeout = std::time::Duration::from_secs(6);
    let set = Serverset::from_url(&url, session, ServersetConfig::default()).unwrap();
    let _member = join(&set, "a:1").await;
    let notes = Notes::take(&set);
    let leader = ensemble.leader();
    ensemble.servers_mut()[leader].kill();
    let _second = join(&set, "b:1").await;
    until(&set.watch(), "ready a:1 b:1").await;

    ensemble.kill();
    when(&set.watch(), "a stale set", |s| s.state().stale_since().is_some() && s.len() == 2).await;
    ensemble.restart();
    until(&set.watch(), "ready a:1 b:1").await;
    let _third = join(&set, "c:1").await;
    until(&set.watch(), "ready a:1 b:1 c:1").await;
    set.close();
    let notes = notes.read().await;
    assert!(notes.iter().all(|note| note.starts_with("ready a:1")), "{notes:?}");
}
