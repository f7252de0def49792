//! `peerset register`, with real servers to look after and a real ZooKeeper to register them in.

use std::fs;
use std::time::Duration;

use peerset_testkit::{FaultProxy, Memcached, Peerset, Program, TempDir, Way, Zookeeper, wait_for};

use crate::registry::{
    PATIENCE, count_in_log, end, line_of, register, run, start, url, wait_for_line, wait_for_log,
    wait_for_set,
};
use crate::wire::{PEERSET, Wire};

mod fleet;

#[test]
fn a_server_is_there_while_it_answers() {
    let zookeeper = Zookeeper::start();
    let url = url(&zookeeper);
    let mut servers = [Memcached::start(&[]), Memcached::start(&[])];
    let mut watch = start(&["watch", &url]);
    let join = |server: &Memcached, extra: &[&str]| {
        register(&url, &server.addr().to_string(), &[&["--check", "memcached"], extra].concat())
    };
    let mut first = join(&servers[0], &["--session-timeout", "2s"]);
    let mut second = join(&servers[1], &[]);
    wait_for_line(&mut watch, &line_of(&[&servers[0], &servers[1]]));

    servers[0].kill();
    wait_for_line(&mut watch, &line_of(&[&servers[1]]));
    servers[0].restart();
    wait_for_line(&mut watch, &line_of(&[&servers[0], &servers[1]]));
    // What a killed registrant leaves goes with its session.
    drop(first);
    wait_for_line(&mut watch, &line_of(&[&servers[1]]));
    // A server that hangs is as good as gone.
    first = join(&servers[0], &["--timeout", "1s"]);
    wait_for_line(&mut watch, &line_of(&[&servers[0], &servers[1]]));
    servers[0].stop();
    wait_for_line(&mut watch, &line_of(&[&servers[1]]));
    servers[0].resume();
    wait_for_line(&mut watch, &line_of(&[&servers[0], &servers[1]]));

    end(&mut first, "deregistered; ended");
    wait_for_line(&mut watch, &line_of(&[&servers[1]]));
    second.signal("INT");
    assert!(second.wait().success());
    wait_for_line(&mut watch, "empty");
}

#[test]
fn transitions_are_told_once() {
    let zookeeper = Zookeeper::start();
    let folder = TempDir::new().unwrap();
    let (good, checks) = (folder.path().join("good"), folder.path().join("checks"));
    let line = format!(
        "cmd:echo >> {}; test -e {} || {{ echo is away >&2; exit 1; }}",
        checks.display(),
        good.display()
    );
    let mut registering =
        register(&url(&zookeeper), "10.0.0.1:1", &["--check", &line, "--session-timeout", "1m"]);
    let five_checks = |registering: &mut Program| {
        let count = || fs::read_to_string(&checks).map_or(0, |lines| lines.len());
        let before = count();
        registering.wait_until("check five times", |_| (count() >= before + 5).then_some(()));
    };
    wait_for_log(&mut registering, "the check fails");
    five_checks(&mut registering);
    assert_eq!(count_in_log(&registering, "the check fails"), 1);
    assert_eq!(count_in_log(&registering, "exit status: 1: is away"), 1);
    fs::write(&good, "").unwrap();
    wait_for_log(&mut registering, " registered ");
    five_checks(&mut registering);
    fs::remove_file(&good).unwrap();
    wait_for_log(&mut registering, "not registered any more");
    five_checks(&mut registering);
    assert_eq!(count_in_log(&registering, "the check passes"), 1);
    assert_eq!(count_in_log(&registering, "the check fails"), 2);
    assert_eq!(count_in_log(&registering, "INFO registered"), 1);
    assert_eq!(count_in_log(&registering, "not registered any more"), 1);
    end(&mut registering, "ended; it was not registered");
    assert_eq!(count_in_log(&registering, "deregistered;"), 0);
}

#[test]
fn what_the_registrant_has_not_seen_yet_is_taken_away_as_well() {
    let zookeeper = Zookeeper::start();
    let network = FaultProxy::start(zookeeper.addr());
    let far = format!("serverset://{}/test/cache", network.addr());
    let folder = TempDir::new().unwrap();
    let good = folder.path().join("good");
    let check = format!("cmd:test -e {}", good.display());
    let mut watch = start(&["watch", &url(&zookeeper)]);
    let mut registering = register(&far, "10.0.0.1:1", &["--check", &check]);
    wait_for_log(&mut registering, "the check fails");
    // What others see at once, the registrant hears of later.
    network.delay(Way::ToClient, Duration::from_millis(200));
    fs::write(&good, "").unwrap();
    wait_for_line(&mut watch, "10.0.0.1:1");
    end(&mut registering, "deregistered; ended");
    wait_for_line(&mut watch, "empty");
}

#[test]
fn who_is_killed_is_gone_with_the_session() {
    let zookeeper = Zookeeper::start();
    let url = url(&zookeeper);
    let mut watch = start(&["watch", &url]);
    let killed = register(&url, "10.0.0.1:1", &["--session-timeout", "3s"]);
    let mut halted = register(&url, "10.0.0.2:1", &["--session-timeout", "3s"]);
    wait_for_line(&mut watch, "10.0.0.1:1 10.0.0.2:1");
    killed.signal("KILL");
    halted.stop();
    wait_for_line(&mut watch, "empty");
    // Who only slept comes back, and is there once.
    halted.resume();
    wait_for_line(&mut watch, "10.0.0.2:1");
    wait_for("one znode", PATIENCE, || {
        let ran = run(&["watch", &url, "--once", "--all", "--format", "json"]);
        (ran.stdout.matches("\"id\"").count() == 1).then_some(())
    });
    assert!(halted.terminate().success());
    wait_for_line(&mut watch, "empty");
}

#[test]
fn a_registry_that_is_away_is_waited_for() {
    let mut zookeeper = Zookeeper::start();
    let url = url(&zookeeper);
    zookeeper.kill();
    let mut registering = register(&url, "10.0.0.1:1", &[]);
    wait_for_log(&mut registering, &format!("still trying servers=\"{}\"", zookeeper.addr()));
    let mut ended = register(&url, "10.0.0.2:1", &[]);
    wait_for_log(&mut ended, "no connection to ZooKeeper");
    assert!(ended.terminate().success());
    zookeeper.restart();
    wait_for_log(&mut registering, "INFO registered");
    wait_for_set(&url, "10.0.0.1:1");
    // Away again at the end: what is there goes with the session.
    let told_before = count_in_log(&registering, "WARN no connection");
    zookeeper.kill();
    registering.wait_until("miss the registry", |registering| {
        (count_in_log(registering, "WARN no connection") > told_before).then_some(())
    });
    assert!(registering.terminate().success());
    assert!(registering.stderr().contains("goes when the session times out"), "{}", registering.stderr());
}

#[test]
fn an_id_that_two_register_does_not_hold_the_end_up() {
    let zookeeper = Zookeeper::start();
    let url = url(&zookeeper);
    let [mut first, mut second] = [(); 2].map(|()| register(&url, "10.0.0.1:1", &[]));
    for registering in [&mut first, &mut second] {
        wait_for_log(registering, "INFO registered");
    }
    for registering in [&mut first, &mut second] {
        end(registering, "deregistered; ended");
    }
    wait_for_set(&url, "empty");
}

#[test]
fn every_word_of_a_member_arrives() {
    let zookeeper = Zookeeper::start();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("peerset.toml");
    let url = url(&zookeeper);
    let text = format!(
        "[register]\nurl = '{url}'\nendpoint = '10.0.0.1:1'\nsession-timeout = '20s'\n\
         named = {{ admin = '10.0.0.1:2' }}\nmeta = {{ rack = 'a7' }}\nshard = 7\n"
    );
    fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let explained = run(&["check", file]);
    assert!(explained.stdout.contains(&format!("register\n  set         {url}\n")), "{explained:?}");
    let mut registering = start(&["register", "--config", file, "--shard", "8", "--named", "http=[::1]:3"]);
    wait_for_log(&mut registering, "INFO registered");
    // What has no check passes none, and a set goes by one name.
    let log = registering.stderr();
    assert!(
        !log.contains("passes") && !log.contains("set=zk://") && log.contains(&format!("set={url} ")),
        "{log}"
    );
    let ran = run(&["watch", &url, "--once", "--format", "json"]);
    let member = "{\"endpoint\":\"10.0.0.1:1\",\"endpoints\":{\"http\":\"[::1]:3\"},\"id\":\"10.0.0.1:1\",\
                  \"metadata\":{\"rack\":\"a7\"},\"shard\":8,\"status\":\"ALIVE\",\"weight\":1.0,\"zone\":null}";
    assert!(ran.stdout.contains(member), "{}", ran.stdout);
}

#[test]
fn a_set_of_ones_own() {
    let zookeeper = Zookeeper::start();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("auth");
    fs::write(&file, "digest:bob:secret\n").unwrap();
    let (url, file) = (url(&zookeeper), file.to_str().unwrap());
    let mut owner = register(&url, "10.0.0.1:1", &["--auth-file", file, "--acl", "creator-only"]);
    wait_for_log(&mut owner, "INFO registered");
    let ran = run(&["watch", &url, "--once", "--auth", "digest:bob:secret"]);
    assert_eq!(ran.stdout, "10.0.0.1:1\n", "{}", ran.stderr);
    // Whoever may not read it is told so, and not left waiting.
    for stranger in [&["watch", "--once", &url][..], &["locate", "k", "--pool", &url]] {
        let ran = run(stranger);
        assert!(ran.status == 1 && ran.stdout.is_empty() && ran.stderr.contains("cannot be read"), "{ran:?}");
    }
    let ran = run(&["locate", "k", "--pool", &url, "--auth-file", file]);
    assert_eq!(ran.stdout, "k\t10.0.0.1:1\n", "{}", ran.stderr);
    let shares = run(&["placement", "shares", "--pool", &url, "--auth-file", file]);
    assert_eq!(shares.stdout, "10.0.0.1:1\t100.0000 %\n", "{}", shares.stderr);
    let flags = ["--pool", &url, "--discover-auth-file", file, "--http", "127.0.0.1:0"];
    let mut proxy = Peerset::start_proxy(PEERSET, &flags);
    let http = proxy.http_addr();
    wait_for("the member to be shown", PATIENCE, || {
        crate::admin::get(http, "/api/members").1.contains("10.0.0.1:1").then_some(())
    });
    // Refused for good as things are: told, and alive in case somebody changes that.
    let mut other = register(&url, "10.0.0.2:1", &["--auth", "digest:eve:guess"]);
    wait_for_log(&mut other, " refused 10.0.0.2:1 ");
    wait_for_log(&mut other, "the credentials do not allow it");
    assert!(other.terminate().success());
    assert!(!other.stderr().contains("guess") && !owner.stderr().contains("secret"));
}

#[test]
fn what_cannot_be_registered_is_explained() {
    #[track_caller]
    fn check(arguments: &[&str], hints: &[&str]) {
        let ran = run(&[&["register"], arguments].concat());
        assert!(ran.status == 2 && ran.stdout.is_empty(), "{ran:?}");
        for hint in hints {
            assert!(ran.stderr.contains(hint), "no {hint:?} in {}", ran.stderr);
        }
    }
    let read_only = ["nobody can register in", "zk://HOST:PORT,…/PATH or serverset://"];
    for url in ["static:a:1", "file:/a", "dns://a:1", "elasticache://a:1", "gce://-/-", "etcd://a:1/b"] {
        check(&[url, "--endpoint", "h:1"], &read_only);
    }
    check(&["zk://a:1/b"], &["--endpoint is missing", "such as 10.0.0.1:11211"]);
    check(&["--endpoint", "h:1"], &["there is no URL"]);
    check(&["zk://a:1/b", "--endpoint", "h"], &["--endpoint"]);
    check(&["zk://a:1/b", "--endpoint", "unix:/x"], &["no host and port"]);
    check(&["zk://a:1/b?shard=1", "--endpoint", "h:1"], &["everything from `?` on", "--shard"]);
    check(&["zk://a:1/zookeeper", "--endpoint", "h:1"], &["belongs to ZooKeeper itself"]);
    check(
        &["zk://a:1/b", "--endpoint", "h:1", "--check", "udp"],
        &["tcp, memcached, http:/PATH or cmd:LINE"],
    );
    check(&["zk://a:1/b", "--endpoint", "h:1", "--named", "a=1"], &["--named"]);
    check(&["zk://a:1/b", "--endpoint", "h:1", "--meta", "a=1", "--meta", "a=2"], &["\"a\" is given twice"]);
    check(&["zk://a:1/b", "--endpoint", "h:1", "--check-at", "h:2"], &["--check-at needs --check"]);
    check(&["zk://a:1/b", "--endpoint", "h:1", "--acl", "creator-only"], &["needs --auth"]);
}
