//! What a watcher sees of what others write.

use peerset_cluster::{Discover, DiscoveryUrl};
use peerset_discover_zookeeper::{OpenError, Serverset, ServersetConfig, Statuses};
use peerset_testkit::Zookeeper;

use crate::support::{PATIENCE, config, connect, connect_briefly, kazoo, path, set, until, when, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absent_set_is_picked_up_when_it_appears() {
    let server = Zookeeper::start();
    let set = set(server.addr());
    let watch = set.watch();
    until(&watch, "absent").await;
    kazoo(server.addr(), "zk.create('/discovery', b''); zk.create('/discovery/test', b'')");
    kazoo(server.addr(), "zk.create(SET, b'')");
    until(&watch, "ready").await;
    let json = r#"{"serviceEndpoint":{"host":"a","port":1},"status":"ALIVE"}"#;
    kazoo(server.addr(), &format!("zk.create(SET + '/member_', b'{json}', sequence=True)"));
    until(&watch, "ready a:1").await;
    kazoo(server.addr(), "zk.delete(SET, recursive=True)");
    until(&watch, "absent").await;
    // The same names again are other members.
    let other = json.replace("\"a\"", "\"b\"");
    kazoo(
        server.addr(),
        &format!("zk.create(SET, b''); zk.create(SET + '/member_', b'{other}', sequence=True)"),
    );
    until(&watch, "ready b:1").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_znodes_leave_the_rest_alone() {
    let server = Zookeeper::start();
    let set = set(server.addr());
    let everybody = connect(server.addr()).serverset(path(crate::support::SET), {
        let mut config = ServersetConfig::default();
        config.statuses = Statuses::All;
        config
    });
    kazoo(
        server.addr(),
        r#"
def node(name, value, raw=False):
    zk.create(SET + '/' + name, value if raw else json.dumps(value).encode(), makepath=True)
def member(n, host, **more):
    node('member_%010d' % n, dict({'serviceEndpoint': {'host': host, 'port': 1}, 'status': 'ALIVE'}, **more))
member(1, 'good')
member(2, 'dead', status='DEAD')
member(3, 'unknown', status='RESTING')
node('member_0000000004', {'serviceEndpoint': {'host': 'nostatus', 'port': 1}})
node('member_0000000005', {'status': 'ALIVE'})
member(6, 'more', extra=[1, {'deep': None}], shard=3, metadata={'k': 'v'})
node('member_0000000007', b'not json', raw=True)
node('member_0000000008', b'x' * 900_000, raw=True)
member(9, '::1')
member(10, 'good')
member(11, 'good', additionalEndpoints={'admin': {'host': 'good', 'port': 2}})
node('member_0000000012', b'', raw=True)
node('member_0000000013', b'[' * 100_000, raw=True)
node('lock-0000000014', b'somebody else', raw=True)
node('vector_0000000001', b'nonsense', raw=True)
node('vector_0000000002', {'vector': [{'select': 'inet=more:1', 'weight': 0.5, 'priority': 1}, {'select': 7}]})
"#,
    );
    let snapshot = until(&set.watch(), "ready [::1]:1 good:1 more:1@0.5").await;
    assert!(snapshot.members()[1].endpoints.contains_key("admin"), "of one address the newest znode");
    until(&everybody.watch(), "ready [::1]:1 dead:1 good:1 more:1@0.5 nostatus:1 unknown:1").await;

    let problems: Vec<_> = set.problems().iter().map(ToString::to_string).collect();
    let expected = [
        ("member_0000000005", "no serviceEndpoint"),
        ("member_0000000007", "not a JSON object"),
        ("member_0000000008", "900000 bytes, over the limit"),
        ("member_0000000012", "not a JSON object"),
        ("member_0000000013", "not a JSON object"),
        ("vector_0000000001", "not a JSON object"),
        ("vector_0000000002", "1 of its descriptors"),
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, (node, reason)) in problems.iter().zip(expected) {
        assert!(problem.contains(node) && problem.contains(reason), "{problem}");
    }

    // Filled in later, and read again.
    kazoo(
        server.addr(),
        r#"zk.set(SET + '/member_0000000012', b'{"serviceEndpoint":{"host":"late","port":1},"status":"ALIVE"}')"#,
    );
    until(&set.watch(), "ready [::1]:1 good:1 late:1 more:1@0.5").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn urls_select_and_vectors_drain() {
    let server = Zookeeper::start();
    kazoo(
        server.addr(),
        r#"
def member(host, shard, **named):
    value = {'serviceEndpoint': {'host': host, 'port': 1}, 'status': 'ALIVE', 'shard': shard,
             'additionalEndpoints': {name: {'host': host, 'port': port} for name, port in named.items()}}
    zk.create(SET + '/member_', json.dumps(value).encode(), sequence=True, makepath=True)
member('a', 0, memcached=11211)
member('b', 1, memcached=11211, admin=80)
member('c', 2)
"#,
    );
    let open = |scheme: &str, rest: &str| {
        let url: DiscoveryUrl = format!("{scheme}://{}{rest}", server.addr()).parse().unwrap();
        Serverset::from_url(&url, config(), ServersetConfig::default()).unwrap()
    };
    let all = open("serverset", "/test/set");
    until(&all.watch(), "ready a:1 b:1 c:1").await;
    let named = open("zk", "/discovery/test/set?endpoint=memcached");
    until(&named.watch(), "ready a:11211 b:11211").await;
    until(&open("zk", "/discovery/test/set?shard=2").watch(), "ready c:1").await;
    until(&open("serverset", "/test/set?endpoint=admin&shard=1").watch(), "ready b:80").await;
    until(&open("serverset", "/test/set?endpoint=admin&shard=2").watch(), "ready").await;
    kazoo(
        server.addr(),
        r#"zk.create(SET + '/member_only', b'{"additionalEndpoints":{"only":{"host":"d","port":1}},"status":"ALIVE"}')"#,
    );
    let only = open("zk", "/discovery/test/set?endpoint=only");
    until(&only.watch(), "ready d:1").await;
    let mut problems = all.problems_watch();
    let found = within("a problem", problems.wait_for(|problems| !problems.is_empty())).await;
    let problems = found.unwrap().clone();
    assert!(problems[0].to_string().contains("member_only: there is no serviceEndpoint"), "{problems:?}");
    assert!(only.problems().is_empty());
    kazoo(server.addr(), "zk.delete(SET + '/member_only')");

    kazoo(
        server.addr(),
        r#"zk.create(SET + '/vector_', b'{"vector":[{"select":"shard=1","weight":-1.0}]}', sequence=True)"#,
    );
    until(&named.watch(), "ready a:11211 b:11211@0").await;
    // A vector may also be changed where it is.
    for (vector, expected) in [
        (r#"{"vector":[{"select":"shard=1","weight":0.5}]}"#, "ready a:11211 b:11211@0.5"),
        ("nonsense", "ready a:11211 b:11211"),
        (r#"{"vector":[{"select":"shard=0","weight":2}]}"#, "ready a:11211@2 b:11211"),
    ] {
        kazoo(server.addr(), &format!("zk.set(SET + '/vector_0000000004', b'{vector}')"));
        until(&named.watch(), expected).await;
    }
    kazoo(
        server.addr(),
        "[zk.delete(SET + '/' + n) for n in zk.get_children(SET) if n.startswith('vector')]",
    );
    until(&named.watch(), "ready a:11211 b:11211").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_that_is_a_member_is_reported() {
    let server = Zookeeper::start();
    let member = crate::support::join(&set(server.addr()), "a:1").await;
    let name = kazoo(server.addr(), "print(zk.get_children(SET)[0])");
    let inside = path(&format!("{}/{}", crate::support::SET, name.trim()));
    let set = connect(server.addr()).serverset(inside, ServersetConfig::default());
    until(&set.watch(), "ready").await;
    assert!(set.problems()[0].to_string().contains("itself a member"), "{:?}", set.problems());
    use peerset_cluster::Register;
    let refused = set.create_membership(crate::support::member("b:1")).await.unwrap();
    let error = within("a refusal", refused.register()).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("is itself a member"), "{error}: {source}");
    drop(member);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removals_are_held_and_a_restarted_shard_is_not() {
    let server = Zookeeper::start();
    let mut config = ServersetConfig::default();
    config.hold_removals = Some(std::time::Duration::from_secs(3600));
    let held = connect(server.addr()).serverset(path(crate::support::SET), config);
    let plain = set(server.addr());
    kazoo(
        server.addr(),
        r#"
def member(host, shard):
    value = {'serviceEndpoint': {'host': host, 'port': 1}, 'status': 'ALIVE', 'shard': shard}
    return zk.create(SET + '/member_', json.dumps(value).encode(), sequence=True, makepath=True)
member('a', 0), member('b', 1)
"#,
    );
    until(&held.watch(), "ready a:1 b:1").await;
    kazoo(server.addr(), "[zk.delete(SET + '/' + n) for n in zk.get_children(SET)]");
    until(&plain.watch(), "ready").await;
    kazoo(
        server.addr(),
        r#"zk.create(SET + '/member_', b'{"serviceEndpoint":{"host":"c","port":1},"status":"ALIVE","shard":1}', sequence=True)"#,
    );
    until(&held.watch(), "ready a:1 c:1").await;
    kazoo(server.addr(), "zk.delete(SET, recursive=True)");
    until(&held.watch(), "absent").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_there_is_pending_and_says_who_was_asked() {
    let nobody = peerset_testkit::Port::claim();
    let zookeeper = connect_briefly(nobody.addr());
    let set = zookeeper.serverset(path(crate::support::SET), ServersetConfig::default());
    let trouble = || zookeeper.trouble().unwrap().to_string();
    assert!(trouble().contains(&nobody.addr().to_string()), "from the first moment on: {}", trouble());
    let refused = || trouble().contains("refused").then_some(());
    peerset_testkit::wait_for("a reason", PATIENCE, refused);
    assert!(trouble().contains(&nobody.addr().to_string()), "{}", trouble());
    assert_eq!(set.watch().borrow().state().to_string(), "pending");
    set.close();
    when(&set.watch(), "the last snapshot", |_| true).await;
}

#[tokio::test]
async fn a_session_is_as_long_as_zookeeper_can_count() {
    let open = |millis| {
        let mut config = config();
        config.session_timeout = std::time::Duration::from_millis(millis);
        let servers = ["127.0.0.1:1".parse().unwrap()];
        peerset_discover_zookeeper::Zookeeper::connect_alone(&servers, config).map(drop)
    };
    let day = 24 * 60 * 60 * 1000;
    assert_eq!((open(1), open(day)), (Ok(()), Ok(())));
    for millis in [0, day + 1, u64::MAX] {
        assert!(matches!(open(millis), Err(OpenError::SessionTimeout { .. })), "{millis} ms");
    }
}
