//! Another implementation, reading what is written here.

use peerset_cluster::Register;
use peerset_testkit::Zookeeper;

use crate::support::{SET, join, kazoo, member, set, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn znodes_are_byte_for_byte_finagles() {
    let server = Zookeeper::start();
    let set = set(server.addr());
    let _plain = join(&set, "10.0.0.1:80").await;
    let mut full = member("[::1]:81");
    full.endpoints.insert("admin".into(), "host:82".parse().unwrap());
    full.shard = Some(7);
    full.metadata.insert("k".into(), "v".into());
    let full = set.create_membership(full).await.unwrap();
    within("register", full.register()).await.unwrap();
    let seen = kazoo(
        server.addr(),
        r#"
for name in sorted(zk.get_children(SET)):
    value, stat = zk.get(SET + '/' + name)
    acls, _ = zk.get_acls(SET + '/' + name)
    print(name, value.decode(), stat.ephemeralOwner != 0, acls[0].id.scheme, acls[0].id.id, acls[0].perms)
for parent in ['/discovery', '/discovery/test', SET]:
    value, stat = zk.get(parent)
    print(parent, value, stat.ephemeralOwner)
"#,
    );
    let expected = [
        r#"member_0000000000 {"serviceEndpoint":{"host":"10.0.0.1","port":80},"additionalEndpoints":{},"status":"ALIVE"} True world anyone 31"#,
        r#"member_0000000001 {"serviceEndpoint":{"host":"::1","port":81},"additionalEndpoints":{"admin":{"host":"host","port":82}},"status":"ALIVE","shard":7,"metadata":{"k":"v"}} True world anyone 31"#,
        "/discovery b'' 0",
        "/discovery/test b'' 0",
        &format!("{SET} b'' 0"),
    ];
    assert_eq!(seen.lines().collect::<Vec<_>>(), expected);
}
