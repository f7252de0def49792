//! Ten thousand members.

use peerset_cluster::Discover;
use peerset_testkit::{Usage, Zookeeper};

use crate::support::{kazoo, set, when};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_members_fit() {
    let server = Zookeeper::start();
    kazoo(
        server.addr(),
        r#"
zk.ensure_path(SET)
for first in range(0, 10_000, 1000):
    t = zk.transaction()
    for n in range(first, first + 1000):
        value = {'serviceEndpoint': {'host': 'host%d.example.com' % n, 'port': 11211}, 'additionalEndpoints': {},
                 'status': 'ALIVE', 'shard': n}
        t.create(SET + '/member_', json.dumps(value).encode(), sequence=True)
    assert not [r for r in t.commit() if isinstance(r, Exception)]
"#,
    );
    let set = set(server.addr());
    let empty = Usage::own().unwrap();
    when(&set.watch(), "10000 members", |snapshot| snapshot.len() == 10_000).await;
    let full = Usage::own().unwrap();
    let each = full.resident_bytes.saturating_sub(empty.resident_bytes) / 10_000;
    assert!(each <= 2048, "{each} bytes a member");
    kazoo(server.addr(), "zk.delete(SET + '/' + zk.get_children(SET)[0])");
    when(&set.watch(), "one less", |snapshot| snapshot.len() == 9_999).await;
}
