//! The contract of all backends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use peerset_cluster::contract::{Backend, Law, check};
use peerset_discover_zookeeper::ServersetConfig;
use peerset_testkit::{FaultProxy, Zookeeper};

use crate::support::{PATIENCE, connect, path};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_serverset_keeps_it() {
    let server = Zookeeper::start();
    let sets = AtomicUsize::new(0);
    let report = check(async || {
        let network = Arc::new(FaultProxy::start(server.addr()));
        let number = sets.fetch_add(1, Ordering::Relaxed);
        let set = connect(network.addr())
            .serverset(path(&format!("/contract/{number}")), ServersetConfig::default());
        let (losing, recovering) = (network.clone(), network.clone());
        let lose = move || {
            losing.refuse();
            losing.close();
        };
        Backend::new(set.clone())
            .registering(set)
            .losing(lose, move || recovering.heal())
            .patience(PATIENCE)
            .holding(network)
    })
    .await;
    assert_eq!(report.kept, Law::ALL, "{report}");
}
