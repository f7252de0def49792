//! Every operation against a real memcached.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use peerset_client_memcache::*;
use peerset_testkit::{Answer, Memcached, ScriptedServer};

use crate::{client, configured, key};

const MINUTE: Expiry = Expiry::After(Duration::from_secs(60));

/// A client that uses meta commands and one that does not.
fn both(server: &Memcached) -> [Client; 2] {
    [client(server.addr()), configured(server.addr(), |config| config.commands = Commands::Classic)]
}

#[tokio::test]
async fn reading_and_storing() {
    let server = Memcached::start(&[]);
    for client in both(&server) {
        let a = key("a");
        assert_eq!(client.get(a).await.unwrap(), None);
        assert_eq!(client.replace(a, "no", MINUTE).await.unwrap(), Stored::NotStored);
        assert_eq!(client.append(a, "no").await.unwrap(), Stored::NotStored);
        assert_eq!(client.add(a, "1", MINUTE).await.unwrap(), Stored::Stored);
        assert_eq!(client.add(a, "no", MINUTE).await.unwrap(), Stored::NotStored);
        assert_eq!(client.append(a, "2").await.unwrap(), Stored::Stored);
        assert_eq!(client.prepend(a, "0").await.unwrap(), Stored::Stored);
        assert_eq!(client.get(a).await.unwrap().unwrap().data, "012");
        assert_eq!(client.replace(a, b"\r\nEN\r\n", Expiry::Never).await.unwrap(), Stored::Stored);
        let found = client.gets(a).await.unwrap().unwrap();
        assert_eq!(found.data, "\r\nEN\r\n");
        let cas = found.cas.unwrap();
        assert_eq!(client.cas(a, "new", MINUTE, Cas(cas.0 + 1000)).await.unwrap(), Stored::Exists);
        assert_eq!(client.cas(a, "new", MINUTE, cas).await.unwrap(), Stored::Stored);
        assert_eq!(client.cas(key("b"), "new", MINUTE, cas).await.unwrap(), Stored::NotFound);
        let mut options = SetOptions::default();
        options.flags = u32::MAX;
        client.set_with(a, "", options).await.unwrap();
        let found = client.get(a).await.unwrap().unwrap();
        assert_eq!((found.data.len(), found.flags, found.cas), (0, u32::MAX, None));
        assert_eq!(client.delete(a).await.unwrap(), Deleted::Deleted);
        assert_eq!(client.delete(a).await.unwrap(), Deleted::NotFound);
        assert_eq!(client.get(a).await.unwrap(), None);
    }
}

#[tokio::test]
async fn counting_and_touching() {
    let server = Memcached::start(&[]);
    for client in both(&server) {
        let n = key("n");
        assert_eq!(client.incr(n, 1).await.unwrap(), None);
        client.set(n, "99", MINUTE).await.unwrap();
        assert_eq!(client.incr(n, 1).await.unwrap(), Some(100));
        assert_eq!(client.decr(n, 1).await.unwrap(), Some(99), "its value is `99 ` now");
        assert_eq!(client.decr(n, 1000).await.unwrap(), Some(0));
        assert_eq!(client.incr(n, u64::MAX).await.unwrap(), Some(u64::MAX));
        client.set(n, "text", MINUTE).await.unwrap();
        let error = client.incr(n, 1).await.unwrap_err();
        assert!(error.to_string().contains("CLIENT_ERROR cannot increment"), "{error}");
        assert_eq!(error.retry(), Retry::Never);

        assert!(client.touch(n, MINUTE).await.unwrap());
        assert_eq!(client.gat(n, Expiry::Never).await.unwrap().unwrap().data, "text");
        assert!(client.touch(n, Expiry::Now).await.unwrap());
        assert_eq!(client.get(n).await.unwrap(), None);
        assert!(!client.touch(n, MINUTE).await.unwrap());
        assert_eq!(client.gat(n, MINUTE).await.unwrap(), None);
    }
}

#[tokio::test]
async fn expiries_arrive_as_meant() {
    let server = Memcached::start(&[]);
    for client in both(&server) {
        let meta = crate::client(server.addr());
        let mut options = GetOptions::default();
        options.ttl = true;
        let day = Duration::from_secs(86_400);
        for (expiry, lasts) in [
            (Expiry::Never, None),
            (Expiry::After(day), Some(day)),
            (Expiry::After(60 * day), Some(60 * day)),
            (Expiry::At(SystemTime::now() + day), Some(day)),
        ] {
            client.set(key("a"), "", expiry).await.unwrap();
            let ttl = meta.get_with(key("a"), options).await.unwrap().unwrap().ttl.unwrap();
            match (ttl, lasts) {
                (Ttl::Never, None) => {}
                (Ttl::Left(left), Some(lasts)) => {
                    assert!(left.abs_diff(lasts) <= Duration::from_secs(60), "{left:?}");
                }
                other => panic!("{expiry:?} became {other:?}"),
            }
        }
        client.set(key("a"), "", Expiry::Now).await.unwrap();
        assert_eq!(client.get(key("a")).await.unwrap(), None);
    }
}

#[tokio::test]
async fn values_of_all_sizes_come_back_whole() {
    let server = Memcached::start(&["-I", "8m"]);
    for client in [
        configured(server.addr(), |config| config.limits.value_bytes_max = 4 << 20),
        configured(server.addr(), |config| {
            config.limits.value_bytes_max = 4 << 20;
            config.commands = Commands::Classic;
        }),
    ] {
        for bytes in [0, 1, 100, 4095, 16 * 1024, 32 * 1024 - 1, 32 * 1024, 100_000, 1 << 20, (4 << 20) - 1] {
            let value: Bytes = (0..bytes).map(|i| (i * 31 % 251) as u8).collect();
            client.set(key("a"), &value, MINUTE).await.unwrap();
            let found = client.get(key("a")).await.unwrap().unwrap();
            assert!(found.data == value, "{bytes} bytes");
            // The small one behind it in the same read is not mixed up with it.
            client.set(key("b"), "small", MINUTE).await.unwrap();
            let (large, small) = tokio::join!(client.get(key("a")), client.get(key("b")));
            assert!(large.unwrap().unwrap().data == value && small.unwrap().unwrap().data == "small");
        }
        let error = client.set(key("a"), vec![0; (4 << 20) + 1], MINUTE).await.unwrap_err();
        assert!(
            matches!(error, Error::ValueTooLong { .. }) && error.changed() == Changed::Nothing,
            "{error}"
        );
    }
    let server = Memcached::start(&[]);
    let client = client(server.addr());
    let error = client.set(key("a"), vec![0; 1 << 20], MINUTE).await.unwrap_err();
    assert!(error.to_string().contains("SERVER_ERROR object too large for cache"), "{error}");
    client.set(key("a"), "in step", MINUTE).await.unwrap();
}

#[tokio::test]
async fn many_keys_at_once() {
    let server = Memcached::start(&[]);
    for client in both(&server) {
        let names: Vec<String> = (0..2500).map(|i| format!("many:{i}")).collect();
        let keys: Vec<_> = names.iter().map(|name| key(name)).collect();
        for (i, key) in keys.iter().enumerate().filter(|(i, _)| i % 3 != 0) {
            client.set(*key, i.to_string(), MINUTE).await.unwrap();
        }
        let many = client.gets_many(&keys).await;
        assert!(many.failures.is_empty());
        for (i, found) in many.found.iter().enumerate() {
            assert_eq!(
                found.as_ref().map(|v| &v.data[..]),
                (i % 3 != 0).then(|| i.to_string()).as_deref().map(str::as_bytes)
            );
            assert_eq!(found.as_ref().is_some_and(|v| v.cas.is_some()), i % 3 != 0);
        }
        let twice = client.get_many(&[keys[1], keys[0], keys[1]]).await.found;
        assert!(twice[0] == twice[2] && twice[0].is_some() && twice[1].is_none());
        assert!(client.get_many(&[]).await.found.is_empty());
    }
}

#[tokio::test]
async fn binary_keys_travel_as_base64_and_only_with_meta() {
    let server = Memcached::start(&[]);
    let [meta, classic] = both(&server);
    let binary = Key::binary(b"\0 \r\n\xff").unwrap();
    meta.set(binary, "1", MINUTE).await.unwrap();
    assert_eq!(meta.incr(binary, 1).await.unwrap(), Some(2));
    assert!(meta.touch(binary, MINUTE).await.unwrap());
    assert_eq!(meta.get(binary).await.unwrap().unwrap().data, "2");
    meta.set(key("plain"), "p", MINUTE).await.unwrap();
    let many = meta.get_many(&[key("plain"), binary, key("none")]).await;
    assert_eq!(
        many.found.iter().map(|v| v.as_ref().map(|v| &v.data[..])).collect::<Vec<_>>(),
        [Some(&b"p"[..]), Some(b"2"), None]
    );
    assert_eq!(meta.delete(binary).await.unwrap(), Deleted::Deleted);
    let error = classic.get(binary).await.unwrap_err();
    assert!(matches!(error, Error::NotSupported { .. }) && error.changed() == Changed::Nothing, "{error}");
    assert_eq!(classic.get_many(&[binary]).await.failures.len(), 1);
}

#[tokio::test]
async fn one_caller_makes_a_value_anew() {
    let server = Memcached::start(&[]);
    let client = client(server.addr());
    let a = key("a");
    let mut vivify = GetOptions::default();
    vivify.vivify = Some(Duration::from_secs(30));
    let first = client.get_with(a, vivify).await.unwrap().unwrap();
    let second = client.get_with(a, vivify).await.unwrap().unwrap();
    assert_eq!((first.win, second.win, second.data.len()), (Win::Won, Win::Taken, 0));
    client.set(a, "made", MINUTE).await.unwrap();
    assert_eq!(client.get_with(a, vivify).await.unwrap().unwrap().win, Win::None);

    let mut recache = GetOptions::default();
    recache.recache = Some(Duration::from_secs(120));
    assert_eq!(client.get_with(a, recache).await.unwrap().unwrap().win, Win::Won);
    assert_eq!(client.get_with(a, recache).await.unwrap().unwrap().win, Win::Taken);

    client.set(a, "old", MINUTE).await.unwrap();
    let mut stale = DeleteOptions::default();
    (stale.stale, stale.expiry) = (true, Some(MINUTE));
    let old = client.gets(a).await.unwrap().unwrap().cas;
    assert_eq!(client.delete_with(a, stale).await.unwrap(), Deleted::Deleted);
    let won = client.gets(a).await.unwrap().unwrap();
    assert!(won.stale && won.win == Win::Won && won.data == "old");
    let mut late = SetOptions::default();
    (late.cas, late.invalidate) = (old, true);
    assert_eq!(client.set_with(a, "late", late).await.unwrap(), Stored::Stored);
    let found = client.get(a).await.unwrap().unwrap();
    assert!(found.stale && found.data == "late", "{found:?}");
    stale.cas = Some(Cas(1));
    assert_eq!(client.delete_with(a, stale).await.unwrap(), Deleted::Exists);
}

#[tokio::test]
async fn what_else_meta_commands_tell() {
    let server = Memcached::start(&[]);
    let [client, classic] = both(&server);
    let mut all = GetOptions::default();
    (all.ttl, all.last_access, all.hit_before, all.cas) = (true, true, true, true);
    client.set(key("a"), "x", Expiry::Never).await.unwrap();
    let first = client.get_with(key("a"), all).await.unwrap().unwrap();
    assert_eq!((first.ttl, first.hit_before), (Some(Ttl::Never), Some(false)));
    assert!(first.last_access.is_some() && first.cas.is_some());
    assert_eq!(client.get_with(key("a"), all).await.unwrap().unwrap().hit_before, Some(true));
    let mut quiet = GetOptions::default();
    (quiet.no_bump, quiet.hit_before) = (true, true);
    client.set(key("b"), "x", Expiry::Never).await.unwrap();
    for _ in 0..2 {
        assert_eq!(client.get_with(key("b"), quiet).await.unwrap().unwrap().hit_before, Some(false));
    }
    let mut count = CountOptions::default();
    count.initial = Some((7, MINUTE));
    assert_eq!(client.incr_with(key("n"), 2, count).await.unwrap(), Some(7));
    assert_eq!(client.decr_with(key("n"), 2, count).await.unwrap(), Some(5));
    for error in [
        classic.get_with(key("a"), all).await.err(),
        classic.incr_with(key("n"), 2, count).await.err(),
        classic
            .delete_with(key("n"), {
                let mut o = DeleteOptions::default();
                o.stale = true;
                o
            })
            .await
            .err(),
    ] {
        assert!(matches!(error, Some(Error::NotSupported { .. })), "{error:?}");
    }
}

#[tokio::test]
async fn what_servers_say_of_themselves() {
    let server = Memcached::start(&[]);
    for client in both(&server) {
        client.set(key("a"), "x", MINUTE).await.unwrap();
        let (at, version) = client.version().await.remove(0);
        assert_eq!((at, &*version.unwrap()), (crate::endpoint(server.addr()), "1.6.18"));
        let stats = client.stats(None).await.remove(0).1.unwrap();
        assert!(stats.iter().any(|(name, value)| name == "curr_items" && value == "1"), "{stats:?}");
        let settings = client.stats(Some(key("settings"))).await.remove(0).1.unwrap();
        assert!(
            settings.iter().any(|(name, value)| name == "maxbytes" && value == "67108864"),
            "{settings:?}"
        );
        assert_eq!(client.stats(Some(key("reset"))).await.remove(0).1.unwrap(), []);
        client.flush_all(Flush::After(Duration::from_secs(1000))).await.remove(0).1.unwrap();
        assert!(client.get(key("a")).await.unwrap().is_some());
        client.flush_all(Flush::Now).await.remove(0).1.unwrap();
        assert_eq!(client.get(key("a")).await.unwrap(), None);
        assert_eq!(client.locate(key("a")), Some(crate::endpoint(server.addr())));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_share_one_connection() {
    let server = Memcached::start(&[]);
    for client in both(&server) {
        let task = |task: usize| {
            let client = client.clone();
            async move {
                for round in 0..200 {
                    let name = format!("t{task}:{}", round % 7);
                    let value = format!("{task}/{round}").repeat(1 + round % 50);
                    client.set(key(&name), &value, MINUTE).await.unwrap();
                    assert_eq!(client.get(key(&name)).await.unwrap().unwrap().data, value);
                }
            }
        };
        let tasks: Vec<_> = (0..64).map(|number| tokio::spawn(task(number))).collect();
        for task in tasks {
            task.await.unwrap();
        }
        let counters = client.servers()[0].counters();
        assert_eq!((counters.connections, counters.requests, counters.replies), (1, 64 * 400, 64 * 400));
        assert_eq!(counters.abandoned + counters.timeouts + counters.lost + counters.misbehaved, 0);
    }
}

#[tokio::test]
async fn nothing_slips_into_the_line_of_a_stats() {
    let server = Memcached::start(&[]);
    let client = client(server.addr());
    let commands = Key::binary(b"settings\r\nset slipped 0 0 1\r\nx").unwrap();
    let (_, stats) = client.stats(Some(commands)).await.remove(0);
    assert!(matches!(stats, Err(Error::Key(KeyError::Control { at: 8 }))), "{stats:?}");
    assert_eq!(client.get(key("slipped")).await.unwrap(), None);
    assert!(!client.stats(Some(key("settings"))).await.remove(0).1.unwrap().is_empty());
}

#[tokio::test]
async fn items_are_made_anew_in_time_however_long_that_is() {
    let server = Memcached::start(&[]);
    let client = client(server.addr());
    let days = |days: u64| Duration::from_secs(days * 86_400);
    for (left, win) in [(5, Win::None), (20, Win::Won), (31, Win::Won), (60, Win::Won)] {
        client.set(key("a"), "x", Expiry::After(days(10))).await.unwrap();
        let mut options = GetOptions::default();
        options.recache = Some(days(left));
        assert_eq!(client.get_with(key("a"), options).await.unwrap().unwrap().win, win, "{left} days");
    }
}

#[tokio::test]
async fn what_takes_meta_commands_is_refused_where_there_are_none() {
    let server = ScriptedServer::start(|request| match request.words()[0] {
        "version" => Answer::reply("VERSION 1.6.9\r\n"),
        _ => Answer::of_empty_memcached(request),
    });
    let client = client(server.addr());
    client.connect().await.unwrap();
    let refused = |what: &str, error: Option<Error>| {
        let Some(error) = error else { panic!("{what} was sent") };
        assert!(matches!(error, Error::NotSupported { .. }), "{what}: {error}");
        let says = error.to_string();
        assert!(
            says.contains("knows no meta commands") && says.contains(&server.addr().to_string()),
            "{says}"
        );
        assert_eq!((error.changed(), error.retry()), (Changed::Nothing, Retry::Elsewhere), "{what}");
    };
    macro_rules! check {
        ($method:ident($($argument:expr),*), $options:ident: $($field:ident = $value:expr),+) => {{
            let mut options = $options::default();
            $(options.$field = $value;)+
            let what = stringify!($options $($field)+);
            refused(what, client.$method(key("a") $(, $argument)*, options).await.err());
        }};
    }
    let minute = Duration::from_secs(60);
    check!(get_with(), GetOptions: ttl = true);
    check!(get_with(), GetOptions: last_access = true);
    check!(get_with(), GetOptions: hit_before = true);
    check!(get_with(), GetOptions: no_bump = true);
    check!(get_with(), GetOptions: vivify = Some(minute));
    check!(get_with(), GetOptions: recache = Some(minute));
    check!(set_with("x"), SetOptions: invalidate = true);
    check!(set_with("x"), SetOptions: cas = Some(Cas(1)), mode = Mode::Replace);
    check!(delete_with(), DeleteOptions: cas = Some(Cas(1)));
    check!(delete_with(), DeleteOptions: stale = true);
    check!(delete_with(), DeleteOptions: expiry = Some(MINUTE));
    check!(incr_with(1), CountOptions: initial = Some((1, MINUTE)));
    check!(decr_with(1), CountOptions: expiry = Some(MINUTE));
    let binary = Key::binary(b"\0").unwrap();
    refused("binary get", client.get(binary).await.err());
    refused("binary set", client.set(binary, "x", MINUTE).await.err());
    refused("binary touch", client.touch(binary, MINUTE).await.err());
    assert_eq!(server.heard(), ["version"], "nothing was sent");
    // What classic commands can say goes as these.
    let mut swap = SetOptions::default();
    swap.cas = Some(Cas(1));
    assert_eq!(client.set_with(key("a"), "x", swap).await.unwrap(), Stored::NotFound);
    assert_eq!(client.gat(key("a"), MINUTE).await.unwrap(), None);
    assert_eq!(server.heard()[1..], ["cas a 0 0 1 1", "gat 60 a"]);
}
