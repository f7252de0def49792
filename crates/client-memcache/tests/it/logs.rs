//! What operators read.

use std::time::Duration;

use peerset_client_memcache::*;
use peerset_cluster::{Discover, FileSource, StaticSource};
use peerset_testkit::{Log, Memcached};

use crate::{configured, eventually, key};

#[tokio::test]
async fn all_that_is_said_of_a_server_names_it() {
    for most in [tracing::Level::DEBUG, tracing::Level::WARN] {
        let log = Log::listen(most);
        let mut server = Memcached::start(&[]);
        let client = tracing::warn_span!("outer").in_scope(|| {
            configured(server.addr(), |config| {
                config.health.retry_min = Duration::from_millis(5);
                config.health.retry_max = Duration::from_millis(40);
            })
        });
        client.set(key("a"), "x", Expiry::Never).await.unwrap();
        server.kill();
        eventually("it to be down", || async {
            let _ = client.get(key("a")).await;
            client.servers()[0].is_down().then_some(())
        })
        .await;
        server.restart();
        eventually("it to be back", || async { client.get(key("a")).await.ok() }).await;
        let lines = log.lines();
        let own: Vec<_> = lines.iter().filter(|line| line.contains("peerset_client_memcache")).collect();
        let span = format!("memcached{{server={}}}:", server.addr());
        assert!(own.iter().all(|line| line.matches(&span).count() == 1), "{own:#?}");
        assert!(!lines.iter().any(|line| line.contains("outer")), "whoever built the client: {lines:#?}");
        for (words, told) in [
            ("server is down", true),
            ("server is back", most > tracing::Level::WARN),
            ("connected", most > tracing::Level::WARN),
            ("closed", most > tracing::Level::WARN),
        ] {
            assert_eq!(own.iter().any(|line| line.contains(words)), told, "{words}: {own:#?}");
        }
    }
}

#[tokio::test]
async fn a_source_that_ends_is_told_of_unless_it_is_a_fixed_list() {
    let log = Log::listen(tracing::Level::WARN);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "127.0.0.1:1\n").unwrap();
    let fixed = StaticSource::parse("127.0.0.1:1").unwrap();
    let followed = FileSource::open(file.path()).unwrap();
    let clients = [fixed.watch(), followed.watch()].map(|watch| Client::sharded(watch).build().unwrap());
    drop((fixed, followed));
    eventually("the end to be told", || async { (!log.lines().is_empty()).then_some(()) }).await;
    let lines = log.lines();
    assert!(
        lines.len() == 1 && lines[0].contains("no longer followed") && lines[0].contains("file:"),
        "{lines:#?}"
    );
    drop(clients);
}
