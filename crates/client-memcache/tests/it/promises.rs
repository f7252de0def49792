//! What a caller may rely on: that there is an answer, by when, and what an error tells about a write.

use std::time::Duration;

use peerset_client_memcache::*;
use peerset_cluster::{Discover, Limits, SourceName, StaticSource, channel};
use peerset_route::{OwnerDown, Route};
use peerset_testkit::{Answer, Memcached, Port, ScriptedServer};

use crate::{client, configured, endpoint, eventually, key, patient};

/// For what should take no time, on a machine that is busy.
const SOON: Duration = Duration::from_secs(60);

fn hung() -> ScriptedServer {
    ScriptedServer::start(|request| match request.words()[0] {
        "version" => Answer::of_empty_memcached(request),
        _ => Answer::silence(),
    })
}

#[test]
fn a_client_whose_runtime_is_gone_says_so() {
    let server = hung();
    let other =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (first, second) = (other(), other());
    let (unused, used) = first.block_on(async { (client(server.addr()), client(server.addr())) });
    first.block_on(used.connect()).unwrap();
    let waiting = second.spawn({
        let used = used.clone();
        async move { used.get(key("a")).await }
    });
    second.block_on(async {
        let is_sent = || async { server.heard().iter().any(|line| line.starts_with("mg")).then_some(()) };
        eventually("it to be sent", is_sent).await;
    });
    drop(first);
    let answers = async { [waiting.await.unwrap(), used.get(key("a")).await, unused.get(key("a")).await] };
    let answers = second.block_on(async { tokio::time::timeout(SOON, answers).await });
    let [sent, later, never] = answers.expect("answers");
    assert!(matches!(sent, Err(Error::Lost { .. })), "{sent:?}");
    for refused in [later, never] {
        assert!(matches!(refused, Err(Error::ServerDown { cause: Down::Dropped, .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn connecting_ends_with_the_source() {
    let (publisher, watch) = channel(SourceName::new("test"), Limits::default());
    let client = Client::sharded(watch).build().unwrap();
    drop(publisher);
    let connected = tokio::time::timeout(SOON, client.connect()).await.expect("an answer");
    let error = connected.unwrap_err();
    assert!(matches!(error, Error::NoServers { closed: true, .. }), "{error}");
    assert!(error.retry() == Retry::Never && error.to_string().contains("was closed"), "{error}");
}

#[tokio::test]
async fn failover_tells_of_a_write_that_may_have_happened() {
    let (hung, closed) = (hung(), Port::claim());
    let brisk = |config: &mut ServerConfig| config.request_timeout = Duration::from_millis(100);
    for order in [["hung", "down"], ["down", "hung"]] {
        let pools = [("hung", configured(hung.addr(), brisk)), ("down", configured(closed.addr(), brisk))];
        let client = Client::routed(&Route::failover(order.map(Route::shard)), pools).unwrap();
        let error = client.set(key("a"), "x", Expiry::Never).await.unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{order:?}: {error}");
        let pools = [("hung", configured(hung.addr(), brisk)), ("down", configured(closed.addr(), brisk))];
        let client = Client::routed(&Route::failover(order.map(Route::shard)), pools).unwrap();
        let many = client.get_many(&[key("a"), key("b")]).await;
        assert_eq!(many.failures.iter().map(|failed| failed.keys.len()).sum::<usize>(), 2, "{many:?}");
        assert!(many.failures.iter().all(|failed| matches!(failed.error, Error::Timeout { .. })), "{many:?}");
    }
    // Nor does the policy of the last pool make a certain answer of it.
    let down = StaticSource::parse(&closed.addr().to_string()).unwrap().watch();
    let down = Client::sharded(down).owner_down(OwnerDown::Miss).build().unwrap();
    let pools = [("hung", configured(hung.addr(), brisk)), ("down", down)];
    let client =
        Client::routed(&Route::failover([Route::shard("hung"), Route::shard("down")]), pools).unwrap();
    let stored = client.set(key("a"), "x", Expiry::Never).await;
    assert!(matches!(stored, Err(Error::Timeout { .. })), "{stored:?}");
}

#[tokio::test]
async fn a_deadline_is_for_all_steps_together() {
    let (hung, closed) = (hung(), Port::claim());
    let source = StaticSource::parse(&format!("{},{}", closed.addr(), hung.addr())).unwrap();
    let of_timeout = |request_timeout: Duration| {
        let mut config = patient();
        config.request_timeout = request_timeout;
        (config.health.retry_min, config.health.retry_max) =
            (Duration::from_secs(60), Duration::from_secs(60));
        Client::sharded(source.watch()).config(config).owner_down(OwnerDown::Next).build().unwrap()
    };
    let (client, brisk) = (of_timeout(Duration::from_secs(60)), of_timeout(Duration::from_millis(100)));
    assert!(client.connect().await.is_err());
    let names: Vec<_> = (0..100).map(|number| format!("k{number}")).collect();
    let ownerless = names.iter().map(|name| key(name));
    let ownerless = ownerless.filter(|key| client.locate(*key) == Some(endpoint(closed.addr())));
    let keys: Vec<_> = ownerless.take(3).collect();
    let hasty = client.deadline(Duration::from_millis(50));
    let many = hasty.get_many(&keys).await;
    assert_eq!(many.failures.len(), 3, "{many:?}");
    assert!(many.failures.iter().all(|failed| matches!(failed.error, Error::Deadline { .. })), "{many:?}");
    let endless = brisk.deadline(Duration::MAX).get(keys[0]).await;
    assert!(matches!(endless, Err(Error::Timeout { .. })), "{endless:?}");
}

#[tokio::test]
async fn nobody_is_asked_once_the_deadline_has_passed() {
    let (hung, other) = (hung(), ScriptedServer::start(Answer::of_empty_memcached));
    let pools = [("hung", client(hung.addr())), ("other", client(other.addr()))];
    let route = Route::failover([Route::shard("hung"), Route::shard("other")]);
    let routed = Client::routed(&route, pools).unwrap();
    routed.connect().await.unwrap();
    let many = routed.deadline(Duration::from_millis(50)).get_many(&[key("a"), key("b")]).await;
    assert!(many.failures.iter().all(|failed| matches!(failed.error, Error::Deadline { .. })), "{many:?}");
    assert_eq!(routed.servers()[1].counters().requests, 0);
    assert_eq!(routed.servers()[1].waiting(), 0);
}

#[tokio::test]
async fn nothing_is_asked_for_nothing_and_flushes_are_no_expiries() {
    let server = ScriptedServer::start(Answer::of_empty_memcached);
    let client = client(server.addr());
    assert!(client.get_many(&[]).await.failures.is_empty());
    for when in [
        Flush::Now,
        Flush::After(Duration::ZERO),
        Flush::After(Duration::from_millis(1500)),
        Flush::After(Duration::from_secs(2_592_000)),
    ] {
        client.flush_all(when).await.remove(0).1.unwrap();
    }
    assert_eq!(server.heard(), ["version", "flush_all", "flush_all", "flush_all 2", "flush_all 2592000"]);
}

#[tokio::test]
async fn touching_leaves_the_win_to_a_reader() {
    let server = Memcached::start(&[]);
    let client = client(server.addr());
    client.set(key("a"), "old", Expiry::Never).await.unwrap();
    let mut stale = DeleteOptions::default();
    stale.stale = true;
    assert_eq!(client.delete_with(key("a"), stale).await.unwrap(), Deleted::Deleted);
    assert!(client.touch(key("a"), Expiry::After(Duration::from_secs(60))).await.unwrap());
    let found = client.get(key("a")).await.unwrap().unwrap();
    assert!(found.stale && found.win == Win::Won, "{found:?}");
}

#[tokio::test]
async fn items_may_come_in_any_order() {
    let server = ScriptedServer::start(|request| match request.words()[0] {
        "get" => Answer::reply("VALUE c 0 1\r\n3\r\nVALUE a 0 1\r\n1\r\nVALUE c 0 1\r\n3\r\nEND\r\n"),
        _ => Answer::of_empty_memcached(request),
    });
    let many = client(server.addr()).get_many(&[key("a"), key("c"), key("b"), key("c")]).await;
    let found: Vec<_> = many.found.iter().map(|value| value.as_ref().map(|value| &value.data[..])).collect();
    assert_eq!(found, [Some(&b"1"[..]), Some(b"3"), None, Some(b"3")], "{many:?}");
    assert_eq!(many.all().unwrap().len(), 4);
    let refused = client(Port::claim().addr()).get_many(&[key("a")]).await.all();
    assert!(matches!(refused, Err(Error::ServerDown { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_stale_mark_on_a_stand_in_lasts_no_longer_than_what_is_stored_there() {
    let stand_in = Memcached::start(&[]);
    let own = client(stand_in.addr());
    own.set(key("a"), "x", Expiry::Never).await.unwrap();
    let closed = Port::claim();
    let pools = [("down", client(closed.addr())), ("up", own.clone())];
    let client = Client::routed(&Route::failover([Route::shard("down"), Route::shard("up")]), pools).unwrap();
    let mut stale = DeleteOptions::default();
    (stale.stale, stale.expiry) = (true, Some(Expiry::After(Duration::from_secs(3600))));
    assert_eq!(client.delete_with(key("a"), stale).await.unwrap(), Deleted::Deleted);
    let mut options = GetOptions::default();
    options.ttl = true;
    let ttl = own.get_with(key("a"), options).await.unwrap().unwrap().ttl;
    assert!(matches!(ttl, Some(Ttl::Left(left)) if left <= Duration::from_secs(10)), "{ttl:?}");
}
