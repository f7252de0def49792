use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use peerset_testkit::{Memcached, Port, TempDir, wait_for};
use tokio::time::timeout;

use super::*;

#[test]
fn kinds_are_read_and_written() {
    #[track_caller]
    fn check(text: &str, expected: Result<Check, CheckParseError>) {
        let read = text.parse::<Check>();
        assert_eq!(read, expected);
        assert!(read.is_err() || read.is_ok_and(|check| check.to_string() == text));
    }
    let unknown = |text: &str| Err(CheckParseError::Unknown(text.into()));
    check("none", Ok(Check::None));
    check("tcp", Ok(Check::Tcp));
    check("memcached", Ok(Check::Memcached));
    check("http:/a?b=c:d", Ok(Check::Http(HttpPath::new("/a?b=c:d").unwrap())));
    check("cmd:test -e /x:y", Ok(Check::Command("test -e /x:y".into())));
    check("", unknown(""));
    check("TCP", unknown("TCP"));
    check("tcp:1", unknown("tcp:1"));
    check("https:/a", unknown("https:/a"));
    check("http:", Err(CheckParseError::Path));
    check("http:healthz", Err(CheckParseError::Path));
    check("http:/a\r\nX: y", Err(CheckParseError::Path));
    check("cmd:  ", Err(CheckParseError::NoCommand));
}

/// For what takes milliseconds, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a check says, within a time that no check should need.
fn run(check: &str, target: &str, limit: Duration) -> Option<Result<(), String>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (check, target) = (check.parse::<Check>().unwrap(), target.parse().unwrap());
    let ran = runtime.block_on(async { timeout(limit, check.run(&target, &Lookup::default())).await.ok() });
    ran.map(|ran| ran.map_err(|error| error.to_string()))
}

#[track_caller]
fn check_passes(check: &str, target: &str) {
    assert_eq!(run(check, target, PATIENCE), Some(Ok(())), "{check} of {target}");
}

#[track_caller]
fn check_fails(check: &str, target: &str, reason: &str) {
    let ran = run(check, target, PATIENCE).expect("an answer");
    let error = ran.expect_err("the check should fail");
    assert!(error.contains(reason), "{check} of {target}: {error}");
}

/// Takes one connection, reads a line, and says this.
fn server(says: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(says.as_bytes());
    });
    address
}

#[test]
fn a_real_memcached() {
    let mut memcached = Memcached::start(&[]);
    let (address, unix) = (memcached.addr().to_string(), Memcached::start_unix(&[]));
    check_passes("memcached", &address);
    check_passes("tcp", &address);
    check_passes("memcached", &format!("unix:{}", unix.path().display()));
    memcached.stop();
    assert_eq!(run("memcached", &address, Duration::from_millis(200)), None, "it hangs");
    memcached.resume();
    memcached.kill();
    check_fails("memcached", &address, "cannot connect to 127.0.0.1");
    check_fails("tcp", &address, "Connection refused");
}

#[test]
fn what_is_no_memcached() {
    check_fails("memcached", &server("HTTP/1.1 200 OK\r\n\r\n"), "it answered \"HTTP/1.1 200 OK\"");
    check_fails("memcached", &server(""), "without an answer");
    check_fails("memcached", &server("EN"), "it answered \"EN\"");
    let endless = "x".repeat(100_000).leak();
    check_fails("memcached", &server(endless), "it answered \"xxx");
}

#[test]
fn http_servers() {
    check_passes("http:/healthz", &server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    check_fails("http:/healthz", &server("HTTP/1.1 503 Draining\r\n\r\n"), "\"HTTP/1.1 503 Draining\"");
    check_fails("http:/healthz", &server(""), "without an answer");
    check_fails("http:/healthz", &server("x".repeat(100_000).leak()), "it answered \"xxx");
    check_fails("http:/healthz", &Port::claim().addr().to_string(), "cannot connect");
}

#[test]
fn commands() {
    check_passes("cmd:test \"$PEERSET_ENDPOINT\" = a:1", "a:1");
    check_fails("cmd:exit 3", "a:1", "the command ended with exit status: 3");
    check_fails("cmd:echo >&2; echo too bad >&2; exit 1", "a:1", "exit status: 1: too bad");
    check_fails("cmd:nonesuch-command", "a:1", "not found");
    // More than a pipe holds, to both outputs.
    check_passes("cmd:head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2", "a:1");
    // Somebody keeps stderr open: the command has ended all the same.
    check_passes("cmd:sleep 60 & exit 0", "a:1");
}

#[test]
fn what_a_command_leaves_behind_is_killed() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("pid");
    let line = format!("cmd:sleep 600 & echo $! > {path}; kill -0 $!", path = file.display());
    check_passes(&line, "a:1");
    let child = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
    wait_for_death(child);
}

#[test]
fn a_command_that_takes_too_long_is_killed_with_all_it_started() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("pid");
    let line = format!("cmd:sh -c 'echo $$ > {path}; sleep 600' & sleep 600", path = file.display());
    // Until the inner shell has written its number the limit may pass; then once more.
    let child = wait_for("the inner shell to start", PATIENCE, || {
        assert_eq!(run(&line, "a:1", Duration::from_millis(300)), None);
        std::fs::read_to_string(&file).ok()?.trim().parse::<i32>().ok()
    });
    wait_for_death(child);
}

#[track_caller]
fn wait_for_death(child: i32) {
    wait_for("what the check began to be gone", PATIENCE, || {
        let state = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        // A zombie is dead; who should collect it may be busy.
        let dead = state.is_empty() || state.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'));
        dead.then_some(())
    });
}
