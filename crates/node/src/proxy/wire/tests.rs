//! TLS over a socket that is full.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use peerset_client_memcache::tls::{Roots, TlsConfig, TlsOptions};
use rustls::ServerConnection;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;

fn file(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../client-memcache/testdata/tls")).join(name)
}

/// A connection whose server has said a word, which nobody has read.
fn connected() -> (Wire, ServerConnection, TcpStream) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = CertificateDer::from_pem_file(file("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let mut server = ServerConnection::new(Arc::new(config)).unwrap();
    let mut options = TlsOptions::default();
    options.roots = Roots::File(file("ca.pem"));
    let tls = TlsConfig::new(&options).unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    ours.set_nonblocking(true).unwrap();
    let (mut theirs, _) = listener.accept().unwrap();
    let name = "localhost".try_into().unwrap();
    let session = ClientConnection::new(tls.client().clone(), name).unwrap();
    let stream = Stream::Tcp(mio::net::TcpStream::from_std(ours));
    let mut wire = Wire::Tls(Box::new(session), stream);

    let greeting = std::thread::spawn(move || {
        let mut bytes = [0; 5];
        rustls::Stream::new(&mut server, &mut theirs).read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"hello");
        (server, theirs)
    });
    // The handshake is driven by reading, what waits for it sent by flushing.
    assert_eq!(wire.write(b"hello").unwrap(), 5);
    until(|| {
        assert_eq!(wire.read(&mut [0; 10]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        wire.flush().unwrap();
        greeting.is_finished()
    });
    let (mut server, mut theirs) = greeting.join().unwrap();
    rustls::Stream::new(&mut server, &mut theirs).write_all(b"reply").unwrap();
    until(|| arrived(&wire) > 0);
    (wire, server, theirs)
}

#[track_caller]
fn until(mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(30), "waited too long");
        std::thread::yield_now();
    }
}

/// Bytes in the socket.
fn arrived(wire: &Wire) -> usize {
    let Wire::Tls(_, Stream::Tcp(stream)) = wire else { panic!("not made so") };
    stream.peek(&mut [0; 1000]).unwrap_or(0)
}

#[test]
fn a_full_socket_is_neither_read_nor_taken_for_closed() {
    let (mut wire, mut server, mut theirs) = connected();
    let before = arrived(&wire);
    let bytes = vec![b'x'; 20_000];
    let mut sent = 0;
    let full = loop {
        match wire.write(&bytes) {
            Ok(count) => {
                assert!(count > 0, "nothing was taken, and no word of it");
                sent += count;
            }
            Err(error) => break error.kind(),
        }
    };
    assert_eq!((full, wire.wants_write()), (io::ErrorKind::WouldBlock, true));
    assert!(arrived(&wire) >= before, "what is taken out of the socket is reported by no poller");

    let mut reply = [0; 10];
    until(|| wire.read(&mut reply).is_ok_and(|count| reply[..count] == *b"reply"));
    let reader = std::thread::spawn(move || {
        let mut all = vec![0; sent];
        rustls::Stream::new(&mut server, &mut theirs).read_exact(&mut all).unwrap();
        all.iter().all(|&byte| byte == b'x')
    });
    until(|| {
        wire.flush().unwrap();
        !wire.wants_write()
    });
    assert!(reader.join().unwrap(), "all that was taken arrived");
}
