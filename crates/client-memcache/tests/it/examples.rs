//! The examples, run as they are.

use peerset_testkit::{Memcached, Port};

use crate::eventually;

#[path = "../../examples/failover_get.rs"]
#[expect(dead_code, reason = "its main reads the command line")]
mod failover_get;
#[path = "../../examples/sharded_get.rs"]
#[expect(dead_code, reason = "its main reads the command line")]
mod sharded_get;

#[tokio::test]
async fn sharded_get_follows_any_url_it_says() {
    let servers = [(); 2].map(|()| Memcached::start(&[]));
    let list = servers.each_ref().map(|server| server.addr().to_string());
    // With the usual time-outs, which a machine that is busy may need several tries to keep.
    let runs = async |url: &str| eventually(url, || async { sharded_get::run(url).await.ok() }).await;
    runs(&format!("static:{}", list.join(","))).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), list.join("\n")).unwrap();
    runs(&format!("file:{}", file.path().display())).await;
    let error = sharded_get::run("zk://127.0.0.1:1/a").await.unwrap_err().to_string();
    assert!(error.contains("static: and file:") && error.contains("peerset-discover-zookeeper"), "{error}");
}

#[tokio::test]
async fn failover_get_does_with_one_server() {
    let server = Memcached::start(&[]);
    let (closed, second) = (Port::claim(), server.addr().to_string());
    for first in [server.addr(), closed.addr()].map(|addr| addr.to_string()) {
        eventually("a session", || async { failover_get::run(&first, &second).await.ok() }).await;
    }
}
