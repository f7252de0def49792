//! Starting, watching and stopping.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::panic;
use std::process::Command;

use peerset_testkit::{Memcached, Port, Program, Twemproxy, TwemproxyOptions};

/// The first line of the answer to a request.
#[track_caller]
fn ask(stream: impl Read + Write, request: &str) -> String {
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(request.as_bytes()).unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    line
}

#[track_caller]
fn ask_at(addr: SocketAddr, request: &str) -> String {
    ask(TcpStream::connect(addr).unwrap(), request)
}

#[test]
fn memcached_answers_and_is_gone_after_drop() {
    let server = Memcached::start(&["-t", "1"]);
    let line = ask_at(server.addr(), "version\r\n");
    assert!(line.starts_with("VERSION 1."), "{line}");
    assert!(server.program().usage().resident_bytes > 100_000);
    let addr = server.addr();
    drop(server);
    assert!(TcpStream::connect(addr).is_err());
}

#[test]
fn memcached_is_halted_killed_and_comes_back_empty() {
    let port = Port::claim();
    let number = port.number();
    let mut server = Memcached::start_on(port, &[]);
    assert_eq!(
        (server.addr().port(), ask_at(server.addr(), "set a 0 0 1\r\n1\r\n")),
        (number, "STORED\r\n".into())
    );
    server.stop();
    let mut halted = TcpStream::connect(server.addr()).unwrap();
    halted.write_all(b"mn\r\n").unwrap();
    halted.set_nonblocking(true).unwrap();
    assert!(halted.read(&mut [0; 4]).is_err());
    halted.set_nonblocking(false).unwrap();
    server.resume();
    assert_eq!(ask(halted, ""), "MN\r\n");
    server.kill();
    assert!(TcpStream::connect(server.addr()).is_err());
    server.restart();
    assert_eq!((server.addr().port(), ask_at(server.addr(), "get a\r\n")), (number, "END\r\n".into()));
}

#[test]
fn memcached_listens_on_a_socket_and_asks_for_a_password() {
    let mut local = Memcached::start_unix(&[]);
    local.restart();
    assert_eq!(ask(UnixStream::connect(local.path()).unwrap(), "mn\r\n"), "MN\r\n");
    let guarded = Memcached::start_with_users(&[("us", "secret")], &[]);
    assert!(ask_at(guarded.addr(), "get a\r\n").starts_with("CLIENT_ERROR unauthenticated"));
    assert_eq!(ask_at(guarded.addr(), "set any 0 0 9\r\nus secret\r\n"), "STORED\r\n");
}

#[test]
fn twemproxy_spreads_keys() {
    let servers = [Memcached::start(&[]), Memcached::start(&[])];
    let lines: Vec<_> =
        (1..).zip(&servers).map(|(n, server)| format!("{}:1 name{n}", server.addr())).collect();
    // Its usual hash puts keys as alike as these on one server.
    for distribution in ["ketama", "modula"] {
        let options = TwemproxyOptions { distribution, hash: "md5", ..TwemproxyOptions::default() };
        let proxy = Twemproxy::start(&lines, &options);
        for key in 0..20 {
            assert_eq!(ask_at(proxy.addr(), &format!("set k{key} 0 0 1\r\n1\r\n")), "STORED\r\n");
        }
        let has =
            |server: &Memcached, key: i32| ask_at(server.addr(), &format!("get k{key}\r\n")) != "END\r\n";
        let counts = servers.each_ref().map(|server| (0..20).filter(|key| has(server, *key)).count());
        assert!(counts.iter().all(|count| (1..20).contains(count)), "{counts:?}");
    }
}

#[test]
fn a_program_that_ends_early_fails_the_test_at_once() {
    let failure = panic::catch_unwind(|| Memcached::start(&["--no-such-option"])).unwrap_err();
    let message = failure.downcast_ref::<String>().unwrap();
    assert!(message.contains("memcached to listen") && message.contains("exit status"), "{message}");
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
    let script = "trap 'exit 3' TERM; echo 'listening on 127.0.0.1:7'; while true; do sleep 0.01; done";
    let mut program = Program::start(Command::new("bash").args(["-c", script]), "apt-get install bash");
    assert_eq!(program.addr_after("listening on ").port(), 7);
    assert_eq!(program.terminate().code(), Some(3));
}
