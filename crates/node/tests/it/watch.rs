//! `peerset watch`, and the commands that look at a registry once.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use peerset_testkit::{Port, Program, TempDir, Zookeeper, wait_for};

use crate::registry::{PATIENCE, register, run, start, url, wait_for_line, wait_for_log, wait_for_set};
use crate::wire::PEERSET;

#[track_caller]
fn check_once(arguments: &[&str], expected: &str) {
    let ran = run(&[&["watch", "--once"], arguments].concat());
    assert_eq!((ran.status, &*ran.stdout), (0, expected), "{}", ran.stderr);
}

#[test]
fn the_first_answer_and_no_more() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("servers");
    let url = format!("file:{}", file.display());
    check_once(&["static:b:2@2=big,a:1"], "b:2@2=big a:1\n");
    check_once(&[&url], "absent\n");
    std::fs::write(&file, "# nobody\n").unwrap();
    check_once(&[&url], "empty\n");
    std::fs::write(&file, "b:2\na:1\n").unwrap();
    check_once(&[&url], "b:2 a:1\n");
    let json = "{\"members\":[{\"endpoint\":\"a:1\",\"endpoints\":{},\"id\":\"a:1\",\"metadata\":{},\"shard\":null,\
                \"status\":\"ALIVE\",\"weight\":1.0,\"zone\":null}],\"revision\":1,\"source\":\"static\",\
                \"state\":\"ready\"}\n";
    check_once(&["static:a:1", "--format", "json"], json);
}

#[test]
fn a_line_for_each_change_of_a_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("servers");
    let mut watch = start(&["watch", &format!("file:{}", file.display())]);
    wait_for_line(&mut watch, "absent");
    for (list, line) in [("a:1\n", "a:1"), ("# none\n", "empty"), ("b:1\na:1@3\n", "b:1 a:1@3")] {
        std::fs::write(folder.path().join("aside"), list).unwrap();
        std::fs::rename(folder.path().join("aside"), &file).unwrap();
        wait_for_line(&mut watch, line);
    }
    std::fs::remove_file(&file).unwrap();
    wait_for_line(&mut watch, "absent");
    let shown = watch.stdout();
    // Until the file is looked at for the first time, if that takes a while.
    let shown = shown.strip_prefix("pending\n").unwrap_or(&shown);
    assert_eq!(shown, "absent\na:1\nempty\nb:1 a:1@3\nabsent\n");
    assert!(watch.terminate().success());
}

#[test]
fn what_cannot_be_read_at_first_leaves_no_set_to_keep() {
    let folder = TempDir::new().unwrap();
    let mut watch = start(&["watch", &format!("file:{}", folder.path().display())]);
    wait_for_log(&mut watch, "the member file cannot be read; there is no set yet");
    wait_for_line(&mut watch, "pending");
    assert!(watch.terminate().success());
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let mut watch = Command::new(PEERSET)
        .args(["watch", "static:a:1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(watch.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "a:1\n");
    // The pipe is closed now, and the set never changes.
    let status = wait_for("watch to end", PATIENCE, || watch.try_wait().unwrap());
    let mut said = String::new();
    std::io::Read::read_to_string(&mut watch.stderr.take().unwrap(), &mut said).unwrap();
    assert_eq!((status.code(), &*said), (Some(0), ""));
}

#[test]
fn every_state_of_a_serverset() {
    let mut zookeeper = Zookeeper::start();
    let url = url(&zookeeper);
    let mut watch = start(&["watch", &url]);
    let mut objects = start(&["watch", &url, "--format", "json"]);
    // Each of the two at each step: a slow one skips what is over by then.
    let show = |objects: &mut Program, what: &str| {
        objects.wait_until(&format!("show {what}"), |objects| objects.stdout().contains(what).then_some(()));
    };
    wait_for_line(&mut watch, "absent");
    show(&mut objects, "\"state\":\"absent\"");
    let mut first = register(&url, "10.0.0.1:1", &[]);
    wait_for_line(&mut watch, "10.0.0.1:1");
    let mut second = register(&url, "10.0.0.2:1", &["--named", "admin=10.0.0.2:2", "--shard", "7"]);
    wait_for_line(&mut watch, "10.0.0.1:1 10.0.0.2:1");
    show(&mut objects, "\"shard\":7");
    check_once(&[&format!("{url}?endpoint=admin")], "10.0.0.2:2\n");
    check_once(&[&format!("{url}?shard=7")], "10.0.0.2:1\n");

    zookeeper.kill();
    wait_for_line(&mut watch, "stale 10.0.0.1:1 10.0.0.2:1");
    wait_for_log(
        &mut watch,
        &format!("no connection to ZooKeeper; still trying servers=\"{}\"", zookeeper.addr()),
    );
    show(&mut objects, "\"stale_since\":");
    for registering in [&mut first, &mut second] {
        wait_for_log(registering, "no connection to ZooKeeper");
    }
    zookeeper.restart();
    // Whoever is told to end before knows of nobody to tell it to.
    for registering in [&mut first, &mut second] {
        wait_for_log(registering, "ZooKeeper is back");
    }
    wait_for_line(&mut watch, "10.0.0.1:1 10.0.0.2:1");
    assert!(first.terminate().success());
    wait_for_line(&mut watch, "10.0.0.2:1");
    assert!(second.terminate().success());
    wait_for_line(&mut watch, "empty");
    // The set itself was never gone, and nobody in it was twice.
    assert_eq!(watch.stdout().matches("absent").count(), 1, "{}", watch.stdout());

    objects.wait_until("show all of it", |objects| {
        let printed = objects.stdout();
        let has = |what: &str| printed.lines().any(|line| line.contains(what));
        let complete = has("\"state\":\"absent\"")
            && has("\"endpoints\":{\"admin\":\"10.0.0.2:2\"}")
            && has("\"shard\":7")
            && has("\"stale_since\":")
            && printed.lines().last()?.contains("\"members\":[],");
        complete.then_some(())
    });
    // As it was asked for, though it lies at /discovery.
    let source = format!("\"source\":\"{url}\"");
    assert!(objects.stdout().lines().all(|line| line.contains(&source)), "{}", objects.stdout());
}

#[test]
fn removals_are_held_back_if_asked_to() {
    let zookeeper = Zookeeper::start();
    let url = url(&zookeeper);
    let (mut plain, mut holding) =
        (start(&["watch", &url]), start(&["watch", &url, "--hold-removals", "1h"]));
    let mut first = register(&url, "10.0.0.1:1", &[]);
    wait_for_line(&mut holding, "10.0.0.1:1");
    assert!(first.terminate().success());
    wait_for_line(&mut plain, "empty");
    let _second = register(&url, "10.0.0.2:1", &[]);
    wait_for_line(&mut plain, "10.0.0.2:1");
    wait_for_line(&mut holding, "10.0.0.1:1 10.0.0.2:1");
}

#[test]
fn a_registry_that_nobody_runs() {
    let port = Port::claim();
    let url = format!("zk://{}/a", port.addr());
    let mut watch = start(&["watch", &url]);
    wait_for_line(&mut watch, "pending");
    wait_for_log(&mut watch, &format!("servers=\"{}\"", port.addr()));
    wait_for_log(&mut watch, &format!("waiting for an answer from {url}"));
    assert!(watch.terminate().success());

    let ran = run(&["watch", &url, "--once", "--timeout", "10s"]);
    assert_eq!((ran.status, &*ran.stdout), (1, ""));
    let told = format!("`{url}` has not answered within 10s: no connection to any of {}", port.addr());
    assert!(ran.stderr.contains(&told), "{}", ran.stderr);
    assert!(ran.stderr.contains("waiting for an answer"), "{}", ran.stderr);
}

#[test]
fn keys_are_located_in_a_serverset() {
    let zookeeper = Zookeeper::start();
    let url = url(&zookeeper);
    let ran = run(&["locate", "--pool", &url, "k"]);
    assert!(ran.status == 1 && ran.stderr.contains(&format!("there is no set `{url}`")), "{ran:?}");
    let _members: Vec<_> = ["b:2", "a:1", "c:3"].map(|endpoint| register(&url, endpoint, &[])).into();
    wait_for_set(&url, "a:1 b:2 c:3");
    for placement in ["rendezvous", "mcset", "jump"] {
        let located = |pool: &str| {
            let keys = ["user:1", "user:2", "user:3", "user:4", "user:5"];
            run(&[&["locate", "--pool", pool, "--placement", placement], &keys[..]].concat()).stdout
        };
        let in_set = located(&url);
        assert_eq!(in_set.lines().count(), 5);
        assert_eq!(in_set, located("static:a:1,b:2,c:3"), "{placement}");
    }
    let shares = run(&["placement", "shares", "--pool", &url]);
    assert_eq!((shares.status, shares.stdout.lines().count()), (0, 3), "{shares:?}");
    let diff = run(&["placement", "diff", "--from", &url, "--to", "static:a:1,b:2,c:3"]);
    assert!(diff.stdout.starts_with("0.00 %"), "{diff:?}");
}

#[test]
fn no_session_is_left_behind() {
    let zookeeper = Zookeeper::start();
    let url = url(&zookeeper);
    let (mut member, mut watch) =
        (register(&url, "a:1", &["--session-timeout", "1m"]), start(&["watch", &url]));
    wait_for_line(&mut watch, "a:1");
    let ending = Instant::now();
    check_once(&[&url], "a:1\n");
    assert_eq!(run(&["locate", "--pool", &url, "k"]).stdout, "k\ta:1\n");
    assert!(member.terminate().success() && watch.terminate().success());
    // Who cannot say good-bye for so long leaves without.
    let slow = ending.elapsed() >= Duration::from_secs(3);
    wait_for("the sessions to end", PATIENCE, || (zookeeper.count("zk_global_sessions") == 0).then_some(()));
    assert!(slow || zookeeper.count("zk_stale_sessions_expired") == 0, "some of them timed out");
}

#[test]
fn what_cannot_be_watched_is_explained() {
    #[track_caller]
    fn check(arguments: &[&str], hint: &str) {
        let ran = run(&[&["watch"], arguments].concat());
        assert!(ran.status == 2 && ran.stdout.is_empty() && ran.stderr.contains(hint), "{ran:?}");
    }
    check(&["dns://a:1"], "this version has no source for `dns://a:1`: write");
    check(&["zk://a:1"], "path: missing");
    check(&["zk://a:1/zookeeper"], "belongs to ZooKeeper itself");
    check(&["static:a:1", "--timeout", "1s"], "--once");
    check(&["static:a:1", "--auth", "bob"], "digest:USER:PASSWORD");
    check(&["static:a:1", "--auth-file", "/no/such/file"], "cannot read the auth file /no/such/file");
}
