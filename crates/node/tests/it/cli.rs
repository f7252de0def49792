//! The command line: help, and what a wrong one is told.

use std::process::{Command, Stdio};

use crate::wire::{PEERSET, node};

struct Ran {
    status: i32,
    stdout: String,
    stderr: String,
}

#[track_caller]
fn peerset(arguments: &[&str]) -> Ran {
    let output = Command::new(PEERSET).args(arguments).stdin(Stdio::null()).output().unwrap();
    Ran {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn alone_it_shows_help_with_a_first_example() {
    let ran = peerset(&[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(
        ran.stdout.contains("Usage: peerset") && ran.stdout.contains("  peerset serve  "),
        "{}",
        ran.stdout
    );
}

#[test]
fn every_help_has_an_example() {
    for arguments in [
        &["--help"][..],
        &["serve", "--help"],
        &["check", "--help"],
        &["register", "--help"],
        &["watch", "--help"],
    ] {
        let ran = peerset(arguments);
        assert_eq!(ran.status, 0);
        assert!(ran.stdout.contains("Examples:\n  peerset "), "{}", ran.stdout);
        assert!(ran.stdout.lines().all(|line| line.chars().count() <= 110), "{}", ran.stdout);
        let examples = ran.stdout.split("Examples:").nth(1).unwrap();
        let broken = examples.lines().find(|line| line.len() > 80);
        assert!(broken.is_none(), "an example that a terminal of 80 columns breaks: {broken:?}");
    }
}

/// Runs a wrong command line and looks for what helps.
#[track_caller]
fn check_refused(arguments: &[&str], status: i32, hints: &[&str]) {
    let ran = peerset(arguments);
    for hint in hints {
        assert!(ran.stderr.contains(hint), "no {hint:?} in:\n{}", ran.stderr);
    }
    assert_eq!(ran.status, status, "{}", ran.stderr);
    assert!(ran.stdout.is_empty(), "{}", ran.stdout);
}

#[test]
fn wrong_usage_is_explained() {
    check_refused(&["serv"], 2, &["serve"]);
    check_refused(&["serve", "--memmory", "1gb"], 2, &["--memory"]);
    check_refused(&["serve", "--memory", "64xb"], 2, &["`64xb` is not a size", "64mb"]);
    check_refused(&["serve", "--memory", "-1"], 2, &["`-1` is not a size", "64mb"]);
    check_refused(&["serve", "--threads", "0"], 2, &["`0` is not a count", "at least 1"]);
    check_refused(&["serve", "--listen", "192.0.2.1:0"], 1, &["no address of this machine"]);
    check_refused(&["serve", "--listen", "unix:/no/such/folder/s"], 1, &["no such folder"]);
    check_refused(&["serve", "--memory", "1kb"], 2, &["too small", "1mb"]);
    check_refused(&["serve", "--max-item", "40mb"], 2, &["more than half of --memory 64mb"]);
    check_refused(&["serve", "--listen", "nonsense"], 2, &["HOST:PORT", "unix:PATH"]);
    check_refused(&["serve", "--max-conns", "0"], 2, &["--max-conns"]);
    check_refused(&["serve", "--idle-timeout", "5"], 2, &["`5` is not a time", "250ms"]);
    check_refused(&["serve", "--log", "loud"], 2, &["--log"]);
}

#[test]
fn a_config_file_is_placed_when_wrong() {
    let folder = peerset_testkit::TempDir::new().unwrap();
    let file = folder.path().join("peerset.toml");
    let path = file.to_str().unwrap();
    check_refused(&["serve", "--config", path], 2, &["cannot read", path]);
    std::fs::write(&file, "[serve]\nlisten = ['127.0.0.1:0']\nmemmory = '1gb'\n").unwrap();
    check_refused(
        &["serve", "--config", path],
        2,
        &[&format!("{path}:3:1: "), "memmory", "did you mean memory?"],
    );
    std::fs::write(&file, "[serve]\nmemory = '1xb'\n").unwrap();
    check_refused(&["serve", "--config", path], 2, &[&format!("{path}:2:10: "), "not a size"]);
}

#[test]
fn a_config_file_is_explained() {
    let folder = peerset_testkit::TempDir::new().unwrap();
    let file = folder.path().join("peerset.toml");
    let path = file.to_str().unwrap();
    std::fs::write(
        &file,
        "[serve]\nmemory = '1gb'\n[proxy]\nlisten = ['127.0.0.1:1', 'unix:/x']\n[pools.a]\ndiscover = ['static:h:1', 'file:/x']\ntimeout = '2s'\n\
         [pools.b]\ndiscover = 'static:i:1'\nplacement = 'ketama'\n\
         [routes]\nprefix = { 'tmp:' = { null = true } }\ndefault = 'a'\n",
    )
    .unwrap();
    let ran = peerset(&["check", path]);
    assert_eq!((ran.status, &*ran.stderr), (0, ""));
    for line in [
        "  memory      1gb, items up to 1mb",
        "  listens on  127.0.0.1:1, unix:/x",
        "  servers     static:h:1",
        "  and         file:/x",
        "  placement   ketama",
        "  prefix tmp: -> null",
        "  other keys -> shard a",
        &format!("{path}:8:8: warning: no key ever comes to the pool b"),
    ] {
        assert!(ran.stdout.lines().any(|found| found.starts_with(line)), "no {line:?} in:\n{}", ran.stdout);
    }
    std::fs::write(
        &file,
        "[serve]\nmemory = '2xb'\n[pools.a]\ndiscover = 'static:h:0'\n[routes]\nshard = 'b'",
    )
    .unwrap();
    let places = [":2:10: ", ":4:22: ", ":6:9: "].map(|place| format!("{path}{place}"));
    check_refused(&["check", path], 2, &places.each_ref().map(String::as_str));
    std::fs::write(&file, "[proxy]\nlissten = 'x'\nmax-item = '1xb'").unwrap();
    check_refused(&["check", path], 2, &["did you mean listen?", &format!("{path}:3:12: ")]);
    std::fs::write(&file, "[proxy]\nbuffer-memory = '1mb'\npool = 'static:h:1'").unwrap();
    check_refused(&["check", path], 2, &["[proxy]", "less than four values"]);
    std::fs::write(&file, "[proxy]\nlisten = '127.0.0.1:1'").unwrap();
    assert!(peerset(&["check", path]).stdout.contains("to be given by --pool"));
    std::fs::write(&file, "[serve]\nmax-item = '40mb'").unwrap();
    check_refused(&["check", path], 2, &[path, "more than half of --memory 64mb"]);
    check_refused(&["check", "/no/such/file"], 2, &["cannot read the config file /no/such/file"]);
}

#[test]
fn a_port_in_use_is_explained() {
    let node = node(&[]);
    let address = node.addr().to_string();
    check_refused(&["serve", "--listen", &address, "--http", "off"], 1, &[&address, "in use", "--listen"]);
    check_refused(&["serve", "--listen", "127.0.0.1:0", "--http", &address], 1, &[&address, "--http"]);
}

#[test]
fn connections_beyond_the_systems_limit_are_explained() {
    let hint = "raise it (`ulimit -n";
    check_refused(
        &["serve", "--listen", "127.0.0.1:0", "--max-conns", "9000000000"],
        1,
        &[hint, "--max-conns"],
    );
}
