//! A driver at the end of a socket pair whose other end the test holds.

use std::io;

use peerset_cluster::Endpoint;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::*;
use crate::ServerConfig;
use crate::error::Error;
use crate::handshake::Dialect;
use crate::lane::socket::Socket;
use crate::lane::{Encoder, Exchange, Request};

/// Any bytes, answered with a number.
struct Raw(Vec<u8>);

impl Request for Raw {
    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<Expect, Error> {
        encoder.text(&self.0);
        Ok(Expect::Number)
    }

    fn bytes(&self) -> usize {
        self.0.len()
    }
}

/// Passes on the paused clock only, not while the machine is busy.
const TIMEOUT: Duration = Duration::from_secs(60);

fn lane() -> Arc<Lane> {
    let config = ServerConfig { request_timeout: TIMEOUT, ..ServerConfig::default() };
    Arc::new(Lane::new("127.0.0.1:1".parse::<Endpoint>().unwrap(), Arc::new(config), Arc::default()))
}

/// Opens a connection of the lane, and gives what drives it and the server's end of it.
fn connect(lane: &Arc<Lane>) -> (Driver, UnixStream) {
    let (socket, server) = UnixStream::pair().unwrap();
    let dialled = Dialled { stream: Stream::plain(Socket::Unix(socket)), dialect: Dialect::classic() };
    let epoch = lane.open(dialled.link()).unwrap();
    (Driver::new(lane.clone(), epoch, dialled, || {}), server)
}

fn ask<'l>(lane: &'l Arc<Lane>, request: &[u8]) -> Exchange<'l, Raw> {
    Exchange::new(std::slice::from_ref(lane), 0, Raw(request.to_vec()))
}

/// Polls once; whether it has to be polled again.
async fn waits(future: &mut (impl Future + Unpin)) -> bool {
    std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx).is_pending())).await
}

/// Lets the runtime see what sockets and timers bring, and run tasks that wait for it.
async fn let_others_run() {
    for _ in 0..5 {
        tokio::task::yield_now().await;
    }
}

/// Does something while the driver runs, which does not end meanwhile.
async fn driven<T>(driver: &mut Driver, what: impl Future<Output = T>) -> T {
    let what = async {
        tokio::select! { biased; ending = driver => panic!("{ending:?}"), done = what => done }
    };
    tokio::time::timeout(TIMEOUT * 2, what).await.expect("an end")
}

async fn read(server: &mut UnixStream, expected: &[u8]) {
    let mut bytes = vec![0; expected.len()];
    server.read_exact(&mut bytes).await.unwrap();
    assert_eq!(bytes.escape_ascii().to_string(), expected.escape_ascii().to_string());
}

#[tokio::test]
async fn a_request_after_an_idle_time_has_its_timeout() {
    let lane = lane();
    let (driver, mut server) = connect(&lane);
    let driver = tokio::spawn(driver);
    let serve = async {
        read(&mut server, b"first\r\n").await;
        server.write_all(b"1\r\n").await.unwrap();
    };
    let (answer, ()) = tokio::join!(ask(&lane, b"first\r\n"), serve);
    assert_eq!(answer.unwrap(), Answer::Number(1));
    // The timer that was set for the first goes off while nobody waits.
    tokio::time::pause();
    tokio::time::advance(TIMEOUT * 2).await;
    let_others_run().await;
    let hung = ask(&lane, b"second\r\n");
    let ending = tokio::time::timeout(TIMEOUT * 100, async {
        tokio::select! { _ = hung => panic!("no reply was sent"), ending = driver => ending.unwrap() }
    });
    let ending = ending.await.expect("its timeout");
    assert!(matches!(ending, Ending::Failed(Failure::Timeout, Down::Timeout(TIMEOUT))), "{ending:?}");
}

#[tokio::test]
async fn no_request_gets_into_the_middle_of_another() {
    let lane = lane();
    let (mut driver, mut server) = connect(&lane);
    assert!(waits(&mut driver).await);
    // More than the socket takes, and refused before it is through.
    let long = vec![b'x'; 4 << 20];
    let mut refused = ask(&lane, &long);
    assert!(waits(&mut refused).await);
    assert!(waits(&mut driver).await);
    server.write_all(b"SERVER_ERROR too large\r\n").await.unwrap();
    assert!(matches!(driven(&mut driver, refused).await, Ok(Answer::Refused(_))));
    // There is room again before the driver knows.
    server.readable().await.unwrap();
    let mut received = vec![0; 64 * 1024];
    let mut bytes = 0;
    loop {
        match server.try_read(&mut received) {
            Ok(count) => bytes += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    let_others_run().await;
    let mut next = ask(&lane, b"next\r\n");
    assert!(waits(&mut next).await);
    let rest = async {
        read(&mut server, &long[bytes..]).await;
        read(&mut server, b"next\r\n").await;
    };
    driven(&mut driver, rest).await;
}

#[tokio::test]
async fn replies_of_a_closed_connection_reach_nobody() {
    let lane = lane();
    let lost = Error::Lost { endpoint: lane.endpoint.clone() };
    let (mut old, mut old_server) = connect(&lane);
    let mut first = ask(&lane, b"first\r\n");
    assert!(waits(&mut first).await);
    assert!(waits(&mut old).await);
    read(&mut old_server, b"first\r\n").await;
    // Another connection showed that the server is of no use, while the reply was on its way.
    old_server.write_all(b"1\r\n").await.unwrap();
    assert_eq!(lane.close(None, &lost, None), 1);
    assert!(matches!(first.await, Err(Error::Lost { .. })));
    let (mut new, mut new_server) = connect(&lane);
    let mut second = ask(&lane, b"second\r\n");
    assert!(waits(&mut second).await);
    let_others_run().await;
    assert!(matches!(old.await, Ending::Quiet));
    assert!(waits(&mut second).await, "the reply was another's");
    assert!(waits(&mut new).await);
    read(&mut new_server, b"second\r\n").await;
    new_server.write_all(b"2\r\n").await.unwrap();
    assert_eq!(driven(&mut new, second).await.unwrap(), Answer::Number(2));
    // Nor does the end of the old one end the new one.
    assert_eq!(lane.close(Some(0), &lost, None), 0);
    assert!(lane.is_at(1));
}

#[tokio::test]
async fn a_long_turn_does_not_lose_the_timeout() {
    let lane = lane();
    let (mut driver, _server) = connect(&lane);
    assert!(waits(&mut driver).await);
    let mut hung = ask(&lane, b"hung\r\n");
    assert!(waits(&mut hung).await);
    tokio::time::pause();
    let driver = tokio::spawn(async move {
        // As after many reads in one turn: tokio lets nothing be ready in it any more.
        let long_turn = std::future::poll_fn(|cx| {
            while pin!(tokio::task::consume_budget()).poll(cx).is_ready() {}
            Poll::Ready(Pin::new(&mut driver).poll(cx).is_pending())
        });
        assert!(long_turn.await);
        driver.await
    });
    let ending = tokio::time::timeout(TIMEOUT * 100, driver).await.expect("its timeout").unwrap();
    assert!(matches!(ending, Ending::Failed(Failure::Timeout, _)), "{ending:?}");
}

#[tokio::test]
async fn only_silence_counts_against_a_server() {
    let lane = lane();
    let (mut driver, mut server) = connect(&lane);
    let mut slow = ask(&lane, b"slow\r\n");
    assert!(waits(&mut slow).await);
    assert!(waits(&mut driver).await);
    tokio::time::pause();
    for digit in [b"1"; 5] {
        tokio::time::advance(TIMEOUT * 2 / 3).await;
        server.write_all(digit).await.unwrap();
        let before = lane.counting.read().reads;
        while lane.counting.read().reads == before {
            assert!(waits(&mut driver).await, "it moves");
            let_others_run().await;
        }
    }
    // And then it counts from the last of it.
    tokio::time::advance(TIMEOUT * 2 / 3).await;
    assert!(waits(&mut driver).await);
    tokio::time::advance(TIMEOUT * 2 / 3).await;
    let ending = tokio::time::timeout(TIMEOUT * 100, driver).await.expect("its timeout");
    assert!(matches!(ending, Ending::Failed(Failure::Timeout, _)), "{ending:?}");
}

#[tokio::test]
async fn a_connection_that_ends_before_anybody_asks_is_the_servers_fault_only_if_somebody_was_to() {
    let lane = lane();
    let (driver, server) = connect(&lane);
    drop(server);
    assert!(matches!(driver.await, Ending::Quiet));
    lane.close(None, &Error::Lost { endpoint: lane.endpoint.clone() }, None);
    let mut parked = ask(&lane, b"parked\r\n");
    assert!(waits(&mut parked).await);
    let (driver, server) = connect(&lane);
    drop(server);
    let ending = driver.await;
    assert!(matches!(ending, Ending::Failed(Failure::Handshake, Down::Closed)), "{ending:?}");
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn the_tail_under_tls_is_let_go_of() {
    let testdata =
        |file: &str| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/tls").join(file);
    let (roots, name) = (crate::tls::Roots::File(testdata("ca.pem")), Some("127.0.0.1".to_owned()));
    let options = crate::tls::TlsOptions { roots, server_name: name, ..Default::default() };
    let tls = crate::tls::TlsConfig::new(&options).unwrap();
    let acceptor =
        tokio_rustls::TlsAcceptor::from(server_config(&testdata("server.pem"), &testdata("server.key")));
    // Some of these fill the socket with no more left than TLS holds back.
    for bytes in (1..20).map(|step| step * 32 * 1024) {
        let lane = lane();
        let (socket, server) = UnixStream::pair().unwrap();
        let connector = tokio_rustls::TlsConnector::from(tls.client().clone());
        let name = tls.server_name(&lane.endpoint).unwrap();
        let (stream, server) =
            tokio::join!(connector.connect(name, Socket::Unix(socket)), acceptor.accept(server));
        let (stream, mut server) = (Stream::Tls(Box::new(stream.unwrap())), server.unwrap());
        let dialled = Dialled { stream, dialect: Dialect::classic() };
        let epoch = lane.open(dialled.link()).unwrap();
        let mut driver = Driver::new(lane.clone(), epoch, dialled, || {});
        let mut request = ask(&lane, &vec![b'x'; bytes]);
        assert!(waits(&mut request).await);
        assert!(waits(&mut driver).await);
        let mut received = vec![0; bytes];
        driven(&mut driver, server.read_exact(&mut received)).await.unwrap();
    }
}

#[cfg(feature = "tls")]
fn server_config(chain: &std::path::Path, key: &std::path::Path) -> Arc<rustls::ServerConfig> {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let chain = vec![CertificateDer::from_pem_file(chain).unwrap()];
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Arc::new(config.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap())
}
