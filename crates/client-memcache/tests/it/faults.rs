//! Servers that hang, break, lie, and come back.

use std::time::Duration;

use futures_util::future::join_all;
use peerset_client_memcache::*;
use peerset_testkit::{Answer, FaultProxy, Memcached, ScriptedServer, Way};

use crate::{client, configured, eventually, key};

/// A client that notices soon, as a busy machine goes, and probes often.
fn brisk(config: &mut ServerConfig) {
    config.request_timeout = Duration::from_secs(2);
    config.connect_timeout = Duration::from_secs(2);
    config.health.retry_min = Duration::from_millis(5);
    config.health.retry_max = Duration::from_millis(40);
}

async fn comes_back(client: &Client) {
    eventually("the server to be back", || async { client.set(key("back"), "x", Expiry::Never).await.ok() })
        .await;
    assert_eq!(client.get(key("back")).await.unwrap().unwrap().data, "x");
    assert!(!client.servers()[0].is_down());
}

#[tokio::test]
async fn a_hung_server_costs_one_timeout() {
    let mut server = Memcached::start(&[]);
    let client = configured(server.addr(), |config| {
        brisk(config);
        // No probe before the test is through with the server being down.
        config.health.retry_min = Duration::from_secs(5);
        config.health.retry_max = Duration::from_secs(5);
    });
    client.set(key("a"), "x", Expiry::Never).await.unwrap();
    server.stop();
    let waiting = join_all((0..50).map(|_| client.get(key("a")))).await;
    for answer in waiting {
        let error = answer.unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{error}");
        assert_eq!((error.retry(), error.changed()), (Retry::Elsewhere, Changed::Unknown));
    }
    // All at one time: the first of them ejected the server, and nobody else waited for anything.
    let error = client.get(key("a")).await.unwrap_err();
    assert!(matches!(error, Error::ServerDown { cause: Down::Timeout(_), .. }), "{error}");
    assert_eq!(error.changed(), Changed::Nothing);
    let counters = client.servers()[0].counters();
    assert_eq!((counters.timeouts, counters.ejections, counters.refused), (50, 1, 1));
    assert!(client.servers()[0].is_down());
    server.resume();
    comes_back(&client).await;
}

#[tokio::test]
async fn a_killed_server_is_known_at_once_and_comes_back() {
    let mut server = Memcached::start(&[]);
    let client = configured(server.addr(), brisk);
    client.set(key("a"), "x", Expiry::Never).await.unwrap();
    server.kill();
    let error = eventually("the connection to be refused", || async {
        client.get(key("a")).await.err().filter(|error| matches!(error, Error::ServerDown { .. }))
    });
    assert!(matches!(error.await, Error::ServerDown { cause: Down::Connect(_), .. }));
    server.restart();
    comes_back(&client).await;
    assert_eq!(client.get(key("a")).await.unwrap(), None);
}

#[tokio::test]
async fn a_connection_that_is_closed_in_idleness_is_nobodys_fault() {
    let server = Memcached::start(&[]);
    let network = FaultProxy::start(server.addr());
    let client = client(network.addr());
    for round in 1..5 {
        client.set(key("a"), "x", Expiry::Never).await.unwrap();
        assert_eq!(client.servers()[0].counters().connections, round);
        network.close();
        eventually("the end to be noticed", || async {
            // A call that meets the end half-way is lost; there is none here.
            (network.connections_open() == 0).then_some(())
        })
        .await;
        eventually("a new connection", || async { client.get(key("a")).await.ok() }).await;
        network.close();
        eventually("it to work", || async { client.get(key("a")).await.ok() }).await;
        let connections = client.servers()[0].counters().connections;
        if connections > round + 1 {
            return; // enough rounds were seen, whoever was faster
        }
    }
}

#[tokio::test]
async fn a_slow_server_is_not_a_hung_one() {
    let server = Memcached::start(&[]);
    let network = FaultProxy::start(server.addr());
    let client = client(network.addr());
    network.delay(Way::ToClient, Duration::from_millis(30));
    let answers = join_all((0..100).map(|_| client.get(key("a")))).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap().is_none()));
    assert_eq!(client.servers()[0].counters().connections, 1);
}

#[tokio::test]
async fn a_callers_deadline_is_its_own() {
    let mut server = Memcached::start(&[]);
    let client = configured(server.addr(), |config| config.request_timeout = Duration::from_secs(60));
    client.set(key("a"), "x", Expiry::Never).await.unwrap();
    server.stop();
    let hasty = client.deadline(Duration::from_millis(20));
    let patient = tokio::spawn({
        let client = client.clone();
        async move { client.get(key("a")).await }
    });
    let error = hasty.get(key("a")).await.unwrap_err();
    assert!(matches!(error, Error::Deadline { .. }) && error.changed() == Changed::Unknown, "{error}");
    assert!(matches!(hasty.get_many(&[key("a")]).await.failures[0].error, Error::Deadline { .. }));
    server.resume();
    assert_eq!(patient.await.unwrap().unwrap().unwrap().data, "x");
    assert_eq!(client.get(key("b")).await.unwrap(), None);
    let counters = client.servers()[0].counters();
    assert_eq!((counters.connections, counters.abandoned, counters.ejections), (1, 2, 0));
}

#[tokio::test]
async fn what_goes_over_the_queue_is_refused() {
    let server = ScriptedServer::start(|request| match request.words()[0] {
        "version" => Answer::of_empty_memcached(request),
        _ => Answer::silence(),
    });
    let client = configured(server.addr(), |config| {
        config.queue_requests_max = 4;
        config.queue_bytes_max = 1000;
        config.request_timeout = Duration::from_secs(1);
    });
    client.connect().await.unwrap();
    let answers = join_all((0..10).map(|_| client.get(key("a")))).await;
    let overloaded =
        answers.iter().filter(|answer| matches!(answer, Err(Error::Overloaded { requests: 4, .. })));
    let timeouts = answers.iter().filter(|answer| matches!(answer, Err(Error::Timeout { .. })));
    assert_eq!((overloaded.count(), timeouts.count()), (6, 4));

    let parked = configured(server.addr(), |config| {
        config.queue_requests_max = 4;
        config.request_timeout = Duration::from_secs(1);
    });
    let answers = join_all((0..10).map(|_| parked.set(key("a"), [0; 900], Expiry::Never))).await;
    let overloaded = answers.iter().filter(|answer| matches!(answer, Err(Error::Overloaded { .. })));
    assert_eq!(overloaded.count(), 6, "those without a connection yet are counted too");
}

/// A server that answers the handshake, and each further request with `reply`; a client that met it.
async fn lied_to(reply: &'static str, ask: impl AsyncFn(&Client) -> Option<Error>) -> (Error, Counters) {
    let server = ScriptedServer::start(move |request| match request.words()[0] {
        "version" => Answer::of_empty_memcached(request),
        _ => Answer::reply(reply),
    });
    let client = client(server.addr());
    client.connect().await.unwrap();
    let error = ask(&client).await.unwrap_or_else(|| panic!("{reply:?} was taken for an answer"));
    let counters = client.servers()[0].counters();
    (error, counters)
}

#[tokio::test]
async fn replies_that_are_no_answer_close_the_connection() {
    async fn check(reply: &'static str, ask: impl AsyncFn(&Client) -> Option<Error>) {
        let (error, counters) = lied_to(reply, ask).await;
        assert!(matches!(error, Error::PeerMisbehaved { .. }), "{reply:?}: {error}");
        assert_eq!((error.changed(), counters.misbehaved.max(1)), (Changed::Unknown, 1), "{reply:?}");
    }
    let get = async |client: &Client| client.get(key("a")).await.err();
    let set = async |client: &Client| client.set(key("a"), "x", Expiry::Never).await.err();
    let delete = async |client: &Client| client.delete(key("a")).await.err();
    let incr = async |client: &Client| client.incr(key("a"), 1).await.err();
    let many =
        async |client: &Client| client.get_many(&[key("a"), key("b")]).await.failures.pop().map(|f| f.error);
    for garbage in ["\r\n", "garbage\r\n", "VA x\r\n", "VA 1 f0 ka\r\nxy\r\n", "HTTP/1.1 200 OK\r\n"] {
        check(garbage, get).await;
    }
    check("VA 1 f0 kb\r\nx\r\n", get).await; // another key
    check("VA 1 f0\r\nx\r\n", get).await; // no key
    check("HD\r\n", get).await;
    check("STORED\r\n", get).await;
    check("VALUE a 0 1\r\nx\r\nEND\r\n", get).await;
    check("NF\r\n", get).await;
    check("VA 1073741825 f0 ka\r\n", get).await;
    check("EN\r\n", set).await;
    check("VA 1\r\nx\r\n", set).await;
    check("VA 1 kb\r\nx\r\n", delete).await;
    check("VA 1\r\nx\r\n", incr).await;
    check("EX\r\n", incr).await;
    check("NS\r\n", delete).await;
    check("VALUE c 0 1\r\nx\r\nEND\r\n", many).await;
    check("VALUE b 0 1\r\nx\r\nVALUE b 0 1\r\nx\r\nEND\r\n", many).await; // twice, and asked for once
    check("EN\r\n", many).await;
}

#[tokio::test]
async fn an_item_that_is_too_long_fails_who_asked_for_it() {
    let server = Memcached::start(&["-I", "4m"]);
    let generous = configured(server.addr(), |config| config.limits.value_bytes_max = 4 << 20);
    generous.set(key("long"), vec![b'x'; 2 << 20], Expiry::Never).await.unwrap();
    generous.set(key("short"), "x", Expiry::Never).await.unwrap();
    for commands in [Commands::Probed, Commands::Classic] {
        let client = configured(server.addr(), |config| config.commands = commands);
        client.connect().await.unwrap();
        for _ in 0..5 {
            let (keys, more) = ([key("short"), key("long"), key("none")], [key("long"), key("short")]);
            let (before, long, after, many, other) = tokio::join!(
                client.get(key("short")),
                client.get(key("long")),
                client.get(key("short")),
                client.get_many(&keys),
                client.get_many(&more),
            );
            assert!(before.unwrap().is_some_and(|value| value.data == "x") && after.unwrap().is_some());
            let bytes_max = 1 << 20;
            let is_told = |error: &Error| matches!(error, Error::ItemTooLong { bytes, bytes_max: most, .. } if (*bytes, *most) == (2 << 20, bytes_max));
            assert!(long.as_ref().is_err_and(is_told), "{long:?}");
            assert!(is_told(&many.failures[0].error) && many.failures[0].keys == [1], "{many:?}");
            assert_eq!(many.found.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, false]);
            assert!(other.failures[0].keys == [0] && other.found[1].is_some(), "{other:?}");
        }
        let counters = client.servers()[0].counters();
        assert_eq!((counters.misbehaved, counters.ejections, counters.connections <= 2), (0, 0, true));
    }
}

#[tokio::test]
async fn failures_in_a_row_have_no_reply_between_them() {
    let turn = std::sync::atomic::AtomicUsize::new(0);
    let server = ScriptedServer::start(move |request| match (request.connection, request.words()[0]) {
        (_, "version") => Answer::of_empty_memcached(request),
        // The second connection breaks, whatever the first one does.
        (1.., _) => Answer::Close(Vec::new()),
        _ if turn.fetch_add(1, std::sync::atomic::Ordering::SeqCst).is_multiple_of(2) => Answer::silence(),
        _ => Answer::reply("EN\r\nEN\r\n"),
    });
    let client = client(server.addr());
    client.connect().await.unwrap();
    for _ in 0..5 {
        let (waits, broken) = tokio::join!(client.get(key("a")), async {
            let broken = client.set(key("a"), vec![0; 100_000], Expiry::Never).await;
            client.get(key("b")).await.unwrap();
            broken
        });
        assert!(waits.unwrap().is_none());
        assert!(matches!(broken, Err(Error::Lost { .. })), "{broken:?}");
    }
    assert!(!client.servers()[0].is_down());
}

#[tokio::test]
async fn a_server_that_says_hello_and_closes_is_down() {
    let server = ScriptedServer::start(|request| match Answer::of_empty_memcached(request) {
        Answer::Reply(bytes) => Answer::Close(bytes),
        other => other,
    });
    let client = configured(server.addr(), |config| {
        config.health.retry_min = Duration::from_secs(60);
        config.health.retry_max = Duration::from_secs(60);
    });
    // Whether its end is seen before the request is sent is up to the machine.
    let down = eventually("it to be down", || async {
        client.get(key("a")).await.err().filter(|error| matches!(error, Error::ServerDown { .. }))
    });
    down.await;
    assert!(server.connections() <= 3, "{}", server.connections());
}

#[tokio::test]
async fn error_lines_are_answers() {
    for line in ["SERVER_ERROR out of memory\r\n", "CLIENT_ERROR no\r\n", "ERROR\r\n"] {
        let (error, counters) = lied_to(line, async |client| client.get(key("a")).await.err()).await;
        assert!(
            matches!(&error, Error::Refused { text, .. } if **text == *line.trim_end()),
            "{line:?}: {error}"
        );
        assert_eq!(counters.misbehaved, 0);
    }
    // In the middle of an answer too; and the next request gets its own.
    let server = ScriptedServer::start(|request| match request.words()[..] {
        ["get", "a", _] => Answer::reply("VALUE a 0 1\r\nx\r\nSERVER_ERROR out of memory\r\n"),
        ["get", _, _] => Answer::reply("VALUE c 0 1\r\ny\r\nEND\r\n"),
        _ => Answer::of_empty_memcached(request),
    });
    let client = client(server.addr());
    assert!(matches!(client.get_many(&[key("a"), key("b")]).await.failures[0].error, Error::Refused { .. }));
    let found = client.get_many(&[key("c"), key("d")]).await.found;
    assert!(found[0].as_ref().is_some_and(|value| value.data == "y") && found[1].is_none());
}

#[tokio::test]
async fn bytes_that_nobody_asked_for_close_the_connection() {
    let server = Memcached::start(&[]);
    let network = FaultProxy::start(server.addr());
    let client = configured(network.addr(), brisk);
    client.set(key("a"), "x", Expiry::Never).await.unwrap();
    network.inject(b"STORED\r\n");
    eventually("the connection to be closed", || async { (network.connections_open() == 0).then_some(()) })
        .await;
    comes_back(&client).await;
    assert_eq!(client.get(key("a")).await.unwrap().unwrap().data, "x");
}

#[tokio::test]
async fn soft_failures_eject_when_they_keep_coming() {
    let server = ScriptedServer::start(|request| match request.words()[0] {
        "version" => Answer::of_empty_memcached(request),
        _ => Answer::Close(Vec::new()),
    });
    let client = configured(server.addr(), |config| {
        config.health.retry_min = Duration::from_secs(60);
        config.health.retry_max = Duration::from_secs(60);
    });
    for _ in 0..3 {
        let error = client.get(key("a")).await.unwrap_err();
        assert!(matches!(error, Error::Lost { .. }) && error.retry() == Retry::Here, "{error}");
    }
    let error = client.get(key("a")).await.unwrap_err();
    assert!(matches!(error, Error::ServerDown { cause: Down::Lost, .. }), "{error}");
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn half_closed_and_cut_connections_fail_what_was_in_flight() {
    let server = Memcached::start(&[]);
    let network = FaultProxy::start(server.addr());
    let client = configured(network.addr(), brisk);
    client.set(key("a"), vec![1; 10_000], Expiry::Never).await.unwrap();
    network.cut_after(Way::ToClient, 5_000);
    let error = eventually("the cut", || async { client.get(key("a")).await.err() }).await;
    assert!(
        matches!(error, Error::Lost { .. } | Error::ServerDown { .. } | Error::Timeout { .. }),
        "{error}"
    );
    network.heal();
    comes_back(&client).await;
    network.half_close(Way::ToClient);
    comes_back(&client).await;
}

#[tokio::test]
async fn a_probe_asks_more_than_whether_somebody_listens() {
    let mut server = Memcached::start(&[]);
    server.stop(); // its kernel still takes connections
    let client = configured(server.addr(), |config| {
        brisk(config);
        config.connect_timeout = Duration::from_millis(300);
    });
    let error = client.get(key("a")).await.unwrap_err();
    assert!(matches!(error, Error::ServerDown { cause: Down::ConnectTimeout(_), .. }), "{error}");
    eventually("some probes", || async {
        (client.servers()[0].counters().connect_failures > 2).then_some(())
    })
    .await;
    assert!(client.servers()[0].is_down());
    assert_eq!(client.servers()[0].counters().ejections, 1);
    server.resume();
    comes_back(&client).await;
}

#[tokio::test]
async fn a_server_that_takes_no_second_connection_is_up() {
    let server = ScriptedServer::start(|request| match (request.connection, request.words()[0]) {
        (1.., _) => Answer::Close(b"ERROR Too many open connections\r\n".to_vec()),
        (0, "mg") => Answer::silence(),
        (0, "ms") => Answer::reply("EN\r\nHD\r\n"), // to the read that waits as well
        _ => Answer::of_empty_memcached(request),
    });
    let client = client(server.addr());
    client.connect().await.unwrap();
    for round in 1..3 {
        // The long value goes to another connection than the read, and back.
        let (found, stored) =
            tokio::join!(client.get(key("a")), client.set(key("a"), vec![0; 100_000], Expiry::Never));
        assert_eq!((found.unwrap(), stored.unwrap()), (None, Stored::Stored), "{round}");
    }
    let counters = client.servers()[0].counters();
    assert_eq!((counters.connections, counters.ejections, counters.lost), (1, 0, 0));
    assert!(counters.connect_failures > 0 && !client.servers()[0].is_down());
}
