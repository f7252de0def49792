//! Pools of servers that come and go, and routes over pools.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use peerset_client_memcache::*;
use peerset_cluster::{Limits, Member, Publisher, Revision, SourceName, Watch, channel};
use peerset_route::{Failover, On, OwnerDown, Route};
use peerset_testkit::{Answer, FaultProxy, Memcached, ScriptedServer, Way};

use crate::{endpoint, eventually, key, patient};

const MINUTE: Expiry = Expiry::After(Duration::from_secs(60));

fn source(servers: &[Memcached]) -> (Publisher, Watch) {
    let (publisher, watch) = channel(SourceName::new("test"), Limits::default());
    publish(&publisher, servers, 1);
    (publisher, watch)
}

fn publish(publisher: &Publisher, servers: &[Memcached], revision: u64) {
    publisher.publish(servers.iter().map(|server| Member::at(endpoint(server.addr()))), Revision(revision));
}

fn three() -> [Memcached; 3] {
    [(); 3].map(|()| Memcached::start(&[]))
}

/// Soon knows who is down, and does not probe while the test runs.
fn brisk() -> ServerConfig {
    let mut config = patient();
    config.health.retry_min = Duration::from_secs(60);
    config.health.retry_max = Duration::from_secs(60);
    config
}

fn names(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("key:{i}")).collect()
}

#[tokio::test]
async fn each_key_lives_with_its_owner() {
    let servers = three();
    let (_publisher, watch) = source(&servers);
    let client =
        Client::sharded(watch).placement("ketama".parse().unwrap()).config(patient()).build().unwrap();
    client.connect().await.unwrap();
    let names = names(300);
    let keys: Vec<_> = names.iter().map(|name| key(name)).collect();
    for key in &keys {
        client.set(*key, key.as_bytes(), MINUTE).await.unwrap();
    }
    for server in &servers {
        let own = crate::client(server.addr());
        let mut owned = 0;
        for key in &keys {
            let here = own.get(*key).await.unwrap().is_some();
            assert_eq!(here, client.locate(*key) == Some(endpoint(server.addr())));
            owned += usize::from(here);
        }
        assert!(owned > 30, "{owned} of 300");
    }
    let many = client.get_many(&keys).await;
    assert!(many.failures.is_empty());
    assert!(keys.iter().zip(&many.found).all(|(key, found)| found.as_ref().unwrap().data == key.as_bytes()));
    assert_eq!(client.stats(None).await.len(), 3);
    assert!(client.flush_all(Flush::Now).await.iter().all(|(_, flushed)| flushed.is_ok()));
    assert!(client.get_many(&keys).await.found.iter().all(Option::is_none));
}

#[tokio::test]
async fn servers_are_asked_for_many_keys_at_the_same_time() {
    // Each answers when all have been asked.
    let all = Arc::new(Barrier::new(3));
    let servers = [(); 3].map(|()| {
        let all = all.clone();
        ScriptedServer::start(move |request| {
            if request.words()[0] == "get" {
                all.wait();
            }
            Answer::of_empty_memcached(request)
        })
    });
    let (publisher, watch) = channel(SourceName::new("test"), Limits::default());
    let members = servers.each_ref().map(|server| Member::at(endpoint(server.addr())));
    publisher.publish(members, Revision(1));
    let client = Client::sharded(watch).config(patient()).build().unwrap();
    let names = names(60);
    let keys: Vec<_> = names.iter().map(|name| key(name)).collect();
    let many = client.get_many(&keys).await;
    assert!(many.failures.is_empty(), "{many:?}");
    for server in &servers {
        let asked = server.heard().into_iter().filter(|line| line.starts_with("get")).count();
        assert_eq!(asked, 1, "one line for all keys of a server");
    }
}

#[tokio::test]
async fn what_is_answered_while_an_owner_is_down() {
    let mut servers = three();
    let (_publisher, watch) = source(&servers);
    let build = |policy| Client::sharded(watch.clone()).config(brisk()).owner_down(policy).build().unwrap();
    let [miss, error, next] = [OwnerDown::Miss, OwnerDown::Error, OwnerDown::Next].map(build);
    let names = names(60);
    let keys: Vec<_> = names.iter().map(|name| key(name)).collect();
    let lost: Vec<usize> =
        (0..60).filter(|i| miss.locate(keys[*i]) == Some(endpoint(servers[0].addr()))).collect();
    assert!(!lost.is_empty());
    for key in &keys {
        miss.set(*key, "x", MINUTE).await.unwrap();
    }
    servers[0].kill();
    let gone = keys[lost[0]];
    for client in [&miss, &error, &next] {
        eventually("the end to be known", || async {
            let _ = client.get(gone).await;
            client.servers().iter().any(ServerView::is_down).then_some(())
        })
        .await;
    }
    assert_eq!(miss.get(gone).await.unwrap(), None);
    assert_eq!(miss.set(gone, "y", MINUTE).await.unwrap(), Stored::NotStored);
    assert_eq!(miss.delete(gone).await.unwrap(), Deleted::NotFound);
    assert_eq!(miss.incr(gone, 1).await.unwrap(), None);
    let many = miss.get_many(&keys).await;
    assert!(many.failures.is_empty());
    assert!((0..60).all(|i| many.found[i].is_none() == lost.contains(&i)));

    assert!(matches!(error.get(gone).await, Err(Error::ServerDown { .. })));
    let many = error.get_many(&keys).await;
    assert_eq!((many.failures.len(), &many.failures[0].keys), (1, &lost));
    assert_eq!(many.failures[0].error.endpoint(), Some(&endpoint(servers[0].addr())));
    assert!((0..60).all(|i| many.found[i].is_none() == lost.contains(&i)));

    assert_eq!(next.set(gone, "z", MINUTE).await.unwrap(), Stored::Stored);
    assert_eq!(next.get(gone).await.unwrap().unwrap().data, "z");
    let many = next.get_many(&keys).await;
    assert!(many.failures.is_empty() && many.found[lost[0]].as_ref().unwrap().data == "z");
    let version = next.gets(gone).await.unwrap().unwrap().cas.unwrap();
    let swapped = next.cas(gone, "w", MINUTE, version).await;
    assert!(matches!(swapped, Err(Error::ServerDown { .. })), "{swapped:?}");
    assert_eq!(next.get(gone).await.unwrap().unwrap().data, "z");
}

#[tokio::test]
async fn a_version_means_nothing_to_a_stand_in() {
    let (mut first, stand_in) = (Memcached::start(&[]), Memcached::start(&[]));
    let own = crate::client(stand_in.addr());
    own.set(key("a"), "newer", MINUTE).await.unwrap();
    let version = own.gets(key("a")).await.unwrap().unwrap().cas.unwrap();
    first.kill();
    let mut pool = brisk();
    pool.connect_timeout = Duration::from_secs(1);
    let pools =
        [("first", Client::server(&endpoint(first.addr()), pool).unwrap()), ("stand-in", own.clone())];
    let route = Route::failover([Route::shard("first"), Route::shard("stand-in")]);
    let client = Client::routed(&route, pools).unwrap();
    let swapped = client.cas(key("a"), "older", MINUTE, version).await;
    assert!(matches!(swapped, Err(Error::ServerDown { .. })), "{swapped:?}");
    let mut options = DeleteOptions::default();
    options.cas = Some(version);
    let deleted = client.delete_with(key("a"), options).await;
    assert!(matches!(deleted, Err(Error::ServerDown { .. })), "{deleted:?}");
    assert_eq!(client.get(key("a")).await.unwrap().unwrap().data, "newer");
    assert_eq!(client.delete(key("a")).await.unwrap(), Deleted::Deleted, "without a version it goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_come_and_go_under_load() {
    let servers = three();
    let (publisher, watch) = source(&servers[..2]);
    let client = Client::sharded(watch).config(patient()).build().unwrap();
    client.connect().await.unwrap();
    let (over, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
    let work = |worker: usize| {
        let (client, over, rounds) = (&client, &over, &rounds);
        async move {
            let mut hits = 0;
            for round in 0_usize.. {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                let name = format!("{worker}:{}", round % 50);
                client.set(key(&name), format!("{name}={round}"), MINUTE).await.unwrap();
                // Elsewhere than where it was stored, perhaps, but never anything else.
                let found = client.get(key(&name)).await.unwrap();
                assert!(found.as_ref().is_none_or(|value| value.data.starts_with(name.as_bytes())));
                hits += usize::from(found.is_some());
                rounds.fetch_add(1, Ordering::SeqCst);
            }
            hits
        }
    };
    let change = async {
        for revision in 2..40 {
            let (from, to) = match revision % 3 {
                0 => (0, 2),
                1 => (1, 3),
                _ => (0, 3),
            };
            publish(&publisher, &servers[from..to], revision);
            let (seen, members) = (rounds.load(Ordering::SeqCst), to - from);
            eventually("the change and some traffic", || async {
                let taken = client.servers().len() == members;
                (taken && rounds.load(Ordering::SeqCst) > seen + 20).then_some(())
            })
            .await;
        }
        over.store(true, Ordering::SeqCst);
        0
    };
    let (hits, ..) = tokio::join!(work(1), work(2), work(3), work(4), change);
    assert!(hits > 10, "a set is followed by its get on the same server, as a rule");
}

#[tokio::test]
async fn newcomers_take_no_traffic_before_they_are_connected() {
    let servers = three();
    let network = FaultProxy::start(servers[1].addr());
    network.delay(Way::ToClient, Duration::from_millis(50));
    let (publisher, watch) = source(&servers[..1]);
    let client = Client::sharded(watch).config(patient()).build().unwrap();
    client.connect().await.unwrap();
    let both = [servers[0].addr(), network.addr()].map(|addr| Member::at(endpoint(addr)));
    publisher.publish(both, Revision(2));
    let newcomer = eventually("the ring to be swapped", || async {
        client.get(key("a")).await.unwrap();
        client.servers().into_iter().find(|server| *server.endpoint() == endpoint(network.addr()))
    })
    .await;
    assert_eq!(newcomer.counters().connections, 1);
    assert_eq!(newcomer.counters().connect_failures, 0);
}

#[tokio::test]
async fn requests_in_flight_finish_on_the_server_they_began_with() {
    let mut servers = three();
    let network = FaultProxy::start(servers[0].addr());
    let (publisher, watch) = channel(SourceName::new("test"), Limits::default());
    publisher.publish([Member::at(endpoint(network.addr()))], Revision(1));
    let mut config = patient();
    config.request_timeout = Duration::from_secs(60);
    let client = Client::sharded(watch).config(config).build().unwrap();
    client.set(key("a"), "first", Expiry::Never).await.unwrap();
    servers[0].stop();
    let late = tokio::spawn({
        let client = client.clone();
        async move { client.get(key("a")).await }
    });
    eventually("it to be in flight", || async { (client.servers()[0].waiting() == 1).then_some(()) }).await;
    publish(&publisher, &servers[1..2], 2);
    eventually("the swap", || async {
        (client.locate(key("a")) == Some(endpoint(servers[1].addr()))).then_some(())
    })
    .await;
    assert_eq!(client.get(key("a")).await.unwrap(), None);
    servers[0].resume();
    assert_eq!(late.await.unwrap().unwrap().unwrap().data, "first");
    eventually("the old server to be let go", || async { (network.connections_open() == 0).then_some(()) })
        .await;
}

#[tokio::test]
async fn a_pool_without_servers_says_so_at_once() {
    let (publisher, watch) = channel(SourceName::new("etcd://x"), Limits::default());
    let client = Client::sharded(watch).config(patient()).build().unwrap();
    let check = |error: Error, words: &str| assert!(error.to_string().contains(words), "{error}");
    check(client.get(key("a")).await.unwrap_err(), "etcd://x has no servers: it is pending");
    check(client.get_many(&[key("a")]).await.failures.remove(0).error, "pending");
    publisher.publish([] as [Member; 0], Revision(1));
    check(client.connect().await.unwrap_err(), "ready");
    let server = Memcached::start(&[]);
    publish(&publisher, std::slice::from_ref(&server), 2);
    eventually("the server", || async { client.set(key("a"), "x", MINUTE).await.ok() }).await;
    // Losing the source loses nothing, nor does its end.
    publisher.lost();
    drop(publisher);
    assert_eq!(client.get(key("a")).await.unwrap().unwrap().data, "x");
}

async fn pool(servers: &[Memcached], policy: OwnerDown) -> Client {
    let (_publisher, watch) = source(servers);
    Client::sharded(watch).config(brisk()).owner_down(policy).build().unwrap()
}

async fn ttl(client: &Client, name: &str) -> Option<Ttl> {
    let mut options = GetOptions::default();
    options.ttl = true;
    client.get_with(key(name), options).await.unwrap().and_then(|value| value.ttl)
}

#[tokio::test]
async fn failover_goes_on_where_the_owner_is_down() {
    let mut servers = three();
    let east = pool(&servers[..1], OwnerDown::Miss).await;
    let west = pool(&servers[1..], OwnerDown::Miss).await;
    let route = Route::failover([Route::shard("east"), Route::shard("west")]);
    let client = Client::routed(&route, [("east", east), ("west", west.clone())]).unwrap();
    client.set(key("a"), "1", MINUTE).await.unwrap();
    assert_eq!(west.get(key("a")).await.unwrap(), None);
    servers[0].kill();
    eventually("the stand-in", || async {
        client.set(key("a"), "2", MINUTE).await.ok().filter(|s| s.is_stored())
    })
    .await;
    assert_eq!(client.get(key("a")).await.unwrap().unwrap().data, "2");
    let Some(Ttl::Left(left)) = ttl(&west, "a").await else { panic!("what lands on a stand-in expires") };
    assert!(left <= Duration::from_secs(10));
    let many = client.get_many(&[key("b"), key("a")]).await;
    assert!(many.failures.is_empty() && many.found[0].is_none() && many.found[1].is_some(), "{many:?}");
    servers[1].kill();
    servers[2].kill();
    eventually("nobody to be left", || async { client.get(key("a")).await.ok().filter(Option::is_none) })
        .await;
    assert!(client.get_many(&[key("a")]).await.failures.is_empty(), "by the policy of the last pool");
}

#[tokio::test]
async fn failover_on_a_miss_reads_on_and_writes_stay() {
    let servers = three();
    let (east, west) =
        (pool(&servers[..1], OwnerDown::Miss).await, pool(&servers[1..2], OwnerDown::Miss).await);
    let routes = vec![Route::shard("east"), Route::shard("west")];
    let failover = Failover { routes, on: On::Miss, ..Failover::default() };
    let pools = [("east", east.clone()), ("west", west.clone())];
    let client = Client::routed(&Route::Failover(failover), pools).unwrap();
    west.set(key("w"), "west", MINUTE).await.unwrap();
    client.set(key("e"), "east", MINUTE).await.unwrap();
    assert_eq!(client.get(key("w")).await.unwrap().unwrap().data, "west");
    assert_eq!(client.delete(key("w")).await.unwrap(), Deleted::NotFound);
    let many = client.get_many(&[key("e"), key("none"), key("w")]).await;
    let found: Vec<_> = many.found.iter().map(|v| v.as_ref().map(|v| &v.data[..])).collect();
    assert_eq!(found, [Some(&b"east"[..]), None, Some(b"west")]);
}

#[tokio::test]
async fn prefixes_null_and_error() {
    let servers = three();
    let route = Route::prefix(
        [("user:", Route::shard("a")), ("null:", Route::Null), ("bad:", Route::Error("not here".into()))],
        Route::shard("b"),
    );
    let (a, b) = (pool(&servers[..1], OwnerDown::Miss).await, pool(&servers[1..2], OwnerDown::Miss).await);
    let client = Client::routed(&route, [("a", a), ("b", b)]).unwrap();
    assert_eq!(client.locate(key("user:1")), Some(endpoint(servers[0].addr())));
    assert_eq!(client.locate(key("other")), Some(endpoint(servers[1].addr())));
    assert_eq!(client.locate(key("null:1")), None);
    client.set(key("user:1"), "u", MINUTE).await.unwrap();
    client.set(key("other"), "o", MINUTE).await.unwrap();
    assert_eq!(client.set(key("null:1"), "n", MINUTE).await.unwrap(), Stored::NotStored);
    assert_eq!(client.get(key("null:1")).await.unwrap(), None);
    assert!(matches!(client.get(key("bad:1")).await, Err(Error::Route(text)) if *text == *"not here"));
    let many = client.get_many(&[key("null:1"), key("other"), key("bad:1"), key("user:1")]).await;
    assert_eq!(many.found.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, false, true]);
    assert_eq!((many.failures.len(), &many.failures[0].keys[..]), (1, &[2][..]));
    assert_eq!(client.servers().len(), 2);

    let nested = Client::routed(&Route::shard("a"), [("a", client)]);
    assert!(matches!(nested, Err(BuildError::NestedClient { .. })));
}
