//! Networks and servers that fail as they are told.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use peerset_testkit::{Answer, FaultProxy, Memcached, ScriptedServer, Way, wait_for};

const PATIENCE: Duration = Duration::from_secs(60);

struct Client(TcpStream);

impl Client {
    #[track_caller]
    fn of(addr: SocketAddr) -> Client {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client(stream)
    }

    /// Sends and reads exactly as much as is expected.
    #[track_caller]
    fn ask(&mut self, request: &str, expected: &str) {
        self.0.write_all(request.as_bytes()).unwrap();
        let mut reply = vec![0; expected.len()];
        self.0.read_exact(&mut reply).unwrap();
        assert_eq!(String::from_utf8_lossy(&reply), expected);
    }

    /// Reads until the other side ends, in whichever way.
    #[track_caller]
    fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(e) => assert_eq!(e.kind(), ErrorKind::ConnectionReset),
        }
        String::from_utf8(rest).unwrap()
    }

    fn hears_nothing(&mut self) -> bool {
        self.0.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let heard = self.0.read_exact(&mut [0]);
        self.0.set_read_timeout(Some(PATIENCE)).unwrap();
        matches!(heard, Err(e) if e.kind() == ErrorKind::WouldBlock)
    }
}

#[test]
fn a_network_is_slow_and_keeps_order() {
    let server = Memcached::start(&[]);
    let network = FaultProxy::start(server.addr());
    let mut client = Client::of(network.addr());
    client.ask("mn\r\n", "MN\r\n");
    network.delay(Way::ToServer, Duration::from_millis(30));
    network.delay(Way::ToClient, Duration::from_millis(20));
    let start = Instant::now();
    client.0.write_all(b"mn\r\n").unwrap();
    client.ask("version 1\r\nmd a\r\n", "MN\r\n");
    assert!(start.elapsed() >= Duration::from_millis(50));
    assert!(client.0.read_exact(&mut [0; 3]).is_ok());
    network.heal();
    assert_eq!((network.connections(), network.connections_open()), (1, 1));
}

#[test]
fn a_network_swallows_refuses_and_heals() {
    let server = Memcached::start(&[]);
    let network = FaultProxy::start(server.addr());
    let mut before = Client::of(network.addr());
    before.ask("mn\r\n", "MN\r\n");
    network.stall();
    let mut during = Client::of(network.addr());
    for client in [&mut before, &mut during] {
        client.0.write_all(b"mn\r\n").unwrap();
        assert!(client.hears_nothing());
    }
    network.refuse();
    assert_eq!(Client::of(network.addr()).rest(), "");
    network.heal();
    assert!(before.hears_nothing());
    Client::of(network.addr()).ask("mn\r\n", "MN\r\n");
    network.close();
    assert_eq!(before.rest(), "");
    wait_for("all to be closed", PATIENCE, || (network.connections_open() == 0).then_some(()));
    assert_eq!(network.connections(), 4);
}

#[test]
fn a_network_cuts_and_garbles() {
    let server = Memcached::start(&[]);
    let network = FaultProxy::start(server.addr());
    network.cut_after(Way::ToClient, 6);
    let mut client = Client::of(network.addr());
    client.0.write_all(b"mn\r\nmn\r\n").unwrap();
    assert_eq!(client.rest(), "MN\r\nMN");
    network.heal();
    let mut client = Client::of(network.addr());
    network.inject_before_reply(b"garbage\r\n");
    client.ask("mn\r\n", "garbage\r\nMN\r\n");
    network.inject(b"more\r\n");
    client.ask("", "more\r\n");
    client.ask("mn\r\n", "MN\r\n");
    network.half_close(Way::ToClient);
    assert_eq!(client.rest(), "");
    client.0.write_all(b"set half 0 0 1\r\n1\r\n").unwrap();
    wait_for("what a half closed connection still says", PATIENCE, || {
        let mut other = Client::of(server.addr());
        other.0.write_all(b"get half\r\nmn\r\n").unwrap();
        let mut reply = vec![0; 9];
        other.0.read_exact(&mut reply).unwrap();
        reply.starts_with(b"VALUE").then_some(())
    });
}

#[test]
fn a_server_follows_its_script() {
    let server = ScriptedServer::start(|request| match request.words()[..] {
        ["get", "wrong"] => Answer::reply("VALUE right 0 1\r\nx\r\nEND\r\n"),
        ["get", "hang"] => Answer::silence(),
        ["get", "close"] => Answer::Close(b"VALUE".to_vec()),
        ["get", "half"] => Answer::HalfClose(b"END\r\n".to_vec()),
        _ => Answer::of_empty_memcached(request),
    });
    let mut client = Client::of(server.addr());
    client.ask(
        "set a 0 0 5\r\nget b\r\nget a\r\nget wrong\r\n",
        "STORED\r\nEND\r\nVALUE right 0 1\r\nx\r\nEND\r\n",
    );
    client.ask("get hang\r\nmn\r\n", "MN\r\n");
    client.0.write_all(b"get close\r\n").unwrap();
    assert_eq!(client.rest(), "VALUE");
    let mut client = Client::of(server.addr());
    client.0.write_all(b"get half\r\nmn\r\n").unwrap();
    assert_eq!(client.rest(), "END\r\n");
    let heard = ["set a 0 0 5", "get a", "get wrong", "get hang", "mn", "get close", "get half", "mn"];
    wait_for("all to be heard", PATIENCE, || (server.heard() == heard).then_some(()));
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_server_replies_in_turn() {
    let server = ScriptedServer::replies(&["one\r\n", "two\r\n"]);
    Client::of(server.addr()).ask("a\r\n", "one\r\n");
    let mut client = Client::of(server.addr());
    client.ask("b\r\nc\r\n", "two\r\n");
    assert!(client.hears_nothing());
}
