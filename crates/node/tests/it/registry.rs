//! A real ZooKeeper, and the commands that register in it and watch it.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use peerset_testkit::{Memcached, Program, Zookeeper, wait_for};

use crate::wire::PEERSET;

/// For what is to happen soon, on a machine that is busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Starts a command of the program that goes on until it is stopped.
#[track_caller]
pub(crate) fn start(arguments: &[&str]) -> Program {
    Program::start(Command::new(PEERSET).args(arguments), "cargo build --package peerset-node")
}

/// Runs a command that ends by itself.
#[track_caller]
pub(crate) fn run(arguments: &[&str]) -> Ran {
    let Output { status, stdout, stderr } =
        Command::new(PEERSET).args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { status: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The usual set in this ZooKeeper.
pub(crate) fn url(zookeeper: &Zookeeper) -> String {
    format!("serverset://{}/test/cache", zookeeper.addr())
}

/// Registers a server with a check ten times a second, unless told otherwise. Who stands still for a moment, as processes
/// do on a busy machine, neither fails its check nor loses its session.
#[track_caller]
pub(crate) fn register(url: &str, endpoint: &str, extra: &[&str]) -> Program {
    let usual = [("--every", "100ms"), ("--timeout", "1m"), ("--session-timeout", "20s")];
    let usual =
        usual.iter().filter(|(flag, _)| !extra.contains(flag)).flat_map(|&(flag, value)| [flag, value]);
    let usual: Vec<_> = usual.collect();
    start(&[&["register", url, "--endpoint", endpoint], &usual[..], extra].concat())
}

/// How long a registrant waits at its end for a registry that does not answer.
const CLOSE_LIMIT: Duration = Duration::from_secs(3);

/// Ends a registrant, and wants it to say so; unless the registry, or it, was too slow to know.
#[track_caller]
pub(crate) fn end(registering: &mut Program, saying: &str) {
    let told = Instant::now();
    assert!(registering.terminate().success());
    let (slow, log) = (told.elapsed() >= CLOSE_LIMIT, registering.stderr());
    assert!(slow || log.contains(saying), "no {saying:?} in {log}");
}

/// Waits until the newest line that a watch has printed says so; members may stand in any order.
#[track_caller]
pub(crate) fn wait_for_line(watch: &mut Program, expected: &str) {
    let words = |line: &str| {
        let mut words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        words.sort();
        words
    };
    let (what, expected) = (format!("show {expected:?}"), words(expected));
    watch.wait_until(&what, |watch| {
        let printed = watch.stdout();
        let complete = &printed[..=printed.rfind('\n')?];
        (words(complete.lines().last()?) == expected).then_some(())
    });
}

/// Waits for a line of the log.
#[track_caller]
pub(crate) fn wait_for_log(program: &mut Program, what: &str) {
    program.wait_until(&format!("log {what:?}"), |program| program.stderr().contains(what).then_some(()));
}

/// How often something stands in the log.
pub(crate) fn count_in_log(program: &Program, what: &str) -> usize {
    program.stderr().matches(what).count()
}

/// The addresses of servers, as a line of `watch` has them.
pub(crate) fn line_of(servers: &[&Memcached]) -> String {
    servers.iter().map(|server| server.addr().to_string()).collect::<Vec<_>>().join(" ")
}

/// Asks for a set until the answer is this.
#[track_caller]
pub(crate) fn wait_for_set(url: &str, expected: &str) {
    wait_for(&format!("the set to be {expected:?}"), PATIENCE, || {
        let ran = run(&["watch", url, "--once", "--timeout", "10s"]);
        (ran.stdout.trim_end() == expected).then_some(())
    });
}
