//! Starting, watching and stopping.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::panic;
use std::process::Command;

use peerset_testkit::{Memcached, Program};

#[test]
fn memcached_answers_and_is_gone_after_drop() {
    let server = Memcached::start(&["-t", "1"]);
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    stream.write_all(b"version\r\n").unwrap();
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line).unwrap();
    assert!(line.starts_with("VERSION 1."), "{line}");
    assert!(server.program().usage().resident_bytes > 100_000);
    let addr = server.addr();
    drop(server);
    assert!(TcpStream::connect(addr).is_err());
}

#[test]
fn a_program_that_ends_early_fails_the_test_at_once() {
    let failure = panic::catch_unwind(|| Memcached::start(&["--no-such-option"])).unwrap_err();
    let message = failure.downcast_ref::<String>().unwrap();
    assert!(message.contains("memcached to tell its port") && message.contains("exit status"), "{message}");
}

#[test]
fn a_missing_program_names_what_to_install() {
    let start = || Program::start(&mut Command::new("no-such-program"), "apt-get install it");
    let failure = panic::catch_unwind(start).unwrap_err();
    let message = failure.downcast_ref::<String>().unwrap();
    assert!(
        message.contains("cannot start no-such-program") && message.contains("apt-get install it"),
        "{message}"
    );
}

#[test]
fn lines_are_awaited_and_a_signal_ends_it() {
    let script =
        "echo 'listening on 127.0.0.1:7'; trap 'exit 3' TERM; while true; do read -t 1 x <> <(:); done";
    let mut program = Program::start(Command::new("bash").args(["-c", script]), "apt-get install bash");
    assert_eq!(program.addr_after("listening on ").port(), 7);
    assert_eq!(program.terminate().code(), Some(3));
}
