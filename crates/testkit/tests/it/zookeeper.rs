//! ZooKeeper, alone and as three.

use std::time::Duration;

use peerset_testkit::{Ensemble, Zookeeper, wait_for};

/// What it answers, when it does.
#[track_caller]
fn answer(server: &Zookeeper, word: &str) -> String {
    wait_for("an answer", Duration::from_secs(60), || server.ask(word).filter(|answer| !answer.is_empty()))
}

#[test]
fn one_is_killed_halted_and_started_again() {
    let mut server = Zookeeper::start();
    assert!(answer(&server, "srvr").contains("Mode: standalone"));
    assert_eq!((server.requests(), server.count("zk_znode_count") > 0), (0, true));
    let addr = server.addr();
    server.kill();
    assert_eq!(server.ask("srvr"), None);
    server.restart();
    assert_eq!(server.addr(), addr);
    server.stop();
    assert_eq!(server.ask("ruok"), None);
    server.resume();
    assert_eq!(answer(&server, "ruok"), "imok");
}

#[test]
fn three_elect_another_leader_when_theirs_dies() {
    let mut ensemble = Ensemble::start(3);
    assert_eq!(ensemble.hosts().split(',').count(), 3);
    let first = ensemble.leader();
    ensemble.servers_mut()[first].kill();
    assert_ne!(ensemble.leader(), first);
    ensemble.kill();
    assert!(ensemble.servers().iter().all(|server| server.ask("srvr").is_none()));
    ensemble.restart();
    ensemble.leader();
}
