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
    for arguments in [&["--help"][..], &["serve", "--help"]] {
        let ran = peerset(arguments);
        assert_eq!(ran.status, 0);
        assert!(ran.stdout.contains("Examples:\n  peerset serve"), "{}", ran.stdout);
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
    check_refused(&["serve", "--config", path], 2, &[path, "line 3", "memmory"]);
    std::fs::write(&file, "[serve]\nmemory = '1xb'\n").unwrap();
    check_refused(&["serve", "--config", path], 2, &["line 2", "not a size"]);
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
