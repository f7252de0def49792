//! With a real ZooKeeper that speaks TLS, and believes only clients with a certificate.

use std::fs;

use peerset_testkit::{Peerset, SecureZookeeper, TempDir, wait_for};

use crate::registry::{
    PATIENCE, count_in_log, register, run, start, url as plain_url, wait_for_line, wait_for_log, wait_for_set,
};
use crate::wire::PEERSET;

fn url(server: &SecureZookeeper) -> String {
    format!("serverset://{}/test/cache", server.addr())
}

fn file(server: &SecureZookeeper, name: &str) -> String {
    server.certificates().path(name).display().to_string()
}

/// The files of a client that believes this authority, each after the name of its setting.
fn files(server: &SecureZookeeper, authority: &str) -> [(&'static str, String); 3] {
    let client = |name: &str| file(server, name);
    [
        ("zk-tls-ca", client(authority)),
        ("zk-tls-cert", client("client.pem")),
        ("zk-tls-key", client("client.key")),
    ]
}

/// These as flags behind other words.
fn with_flags(words: &[&str], files: &[(&str, String)]) -> Vec<String> {
    let flags = files.iter().flat_map(|(name, path)| [format!("--{name}"), path.clone()]);
    words.iter().map(|word| (*word).to_owned()).chain(flags).collect()
}

fn texts(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

#[test]
fn zookeeper_tls_serves_every_command() {
    let server = SecureZookeeper::start();
    let (url, files) = (url(&server), files(&server, "ca.pem"));
    let mut watch = start(&texts(&with_flags(&["watch", &url], &files)));
    wait_for_line(&mut watch, "absent");
    let mut member = register(&url, "10.0.0.1:1", &texts(&with_flags(&[], &files)));
    wait_for_line(&mut watch, "10.0.0.1:1");
    wait_for_set(&plain_url(server.plain()), "10.0.0.1:1");

    let located = run(&texts(&with_flags(&["locate", "k", "--pool", &url], &files)));
    assert_eq!(located.stdout, "k\t10.0.0.1:1\n", "{}", located.stderr);
    let shares = run(&texts(&with_flags(&["placement", "shares", "--pool", &url], &files)));
    assert_eq!(shares.stdout, "10.0.0.1:1\t100.0000 %\n", "{}", shares.stderr);
    let flags = with_flags(&["--pool", &url, "--http", "127.0.0.1:0"], &files);
    let mut proxy = Peerset::start_proxy(PEERSET, &texts(&flags));
    let http = proxy.http_addr();
    wait_for("the member to be shown", PATIENCE, || {
        crate::admin::get(http, "/api/members").1.contains("10.0.0.1:1").then_some(())
    });
    assert!(member.terminate().success());
    wait_for_line(&mut watch, "empty");
}

#[test]
fn zookeeper_tls_that_fails_is_told_and_tried_again() {
    let mut server = SecureZookeeper::start();
    let (url, files) = (url(&server), files(&server, "stranger.pem"));
    let mut watch = start(&texts(&with_flags(&["watch", &url], &files)));
    wait_for_log(&mut watch, "no connection to ZooKeeper; still trying");
    wait_for_line(&mut watch, "pending");
    // A handshake that takes a second is told of as that, so it takes another look on a busy machine.
    let told = |arguments: &[String], expected: &str| {
        wait_for(expected, PATIENCE, || {
            let ran = run(&texts(arguments));
            assert!(ran.status == 1 && ran.stdout.is_empty(), "{ran:?}");
            ran.stderr.contains(expected).then_some(())
        });
    };
    let once = ["watch", &url, "--once", "--timeout", "2s"];
    told(&with_flags(&once, &files), "TLS fails: invalid peer certificate: UnknownIssuer");
    let nobody = [("zk-tls-ca", file(&server, "ca.pem"))];
    told(&with_flags(&once, &nobody), "TLS fails: received fatal alert");
    // The other way round than in life: it is the server that takes the certificate it should have.
    server.show("strange-server.pem");
    wait_for_line(&mut watch, "absent");
    assert_eq!(count_in_log(&watch, "no connection to ZooKeeper"), 1, "{}", watch.stderr());
    assert!(watch.terminate().success());
}

#[test]
fn zookeeper_tls_files_of_a_pool_are_read_again_with_a_reload() {
    let (server, folder) = (SecureZookeeper::start(), TempDir::new().unwrap());
    let (authority, config) = (folder.path().join("ca.pem"), folder.path().join("proxy.toml"));
    let [_, (_, cert), (_, key)] = files(&server, "ca.pem");
    let mut member = register(&plain_url(server.plain()), "10.0.0.1:1", &[]);
    wait_for_log(&mut member, "INFO registered");
    fs::copy(file(&server, "stranger.pem"), &authority).unwrap();
    let text = format!(
        "[pools.a]\ndiscover = '{}'\nzk-tls-ca = '{}'\nzk-tls-cert = '{cert}'\nzk-tls-key = '{key}'\n",
        url(&server),
        authority.display()
    );
    fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let meaning = run(&["check", config]).stdout;
    assert!(meaning.contains("\n  zookeeper   over TLS\n"), "{meaning}");
    let mut proxy = Peerset::start_proxy(PEERSET, &["--config", config, "--http", "127.0.0.1:0"]);
    let http = proxy.http_addr();
    assert!(!crate::admin::get(http, "/api/members").1.contains("10.0.0.1:1"));
    fs::copy(file(&server, "ca.pem"), &authority).unwrap();
    proxy.program().signal("HUP");
    wait_for("the member to be shown", PATIENCE, || {
        crate::admin::get(http, "/api/members").1.contains("10.0.0.1:1").then_some(())
    });
}
