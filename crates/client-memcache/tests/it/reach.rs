//! The ways to a server: Unix socket, TLS, token, prefix, several connections.

use std::path::{Path, PathBuf};

use peerset_client_memcache::handshake::Auth;
use peerset_client_memcache::tls::{Identity, Roots, TlsConfig, TlsOptions};
use peerset_client_memcache::*;
use peerset_cluster::Endpoint;
use peerset_testkit::Memcached;

use crate::{client, configured, key, patient};

async fn works(client: &Client) {
    client.set(key("a"), "x", Expiry::Never).await.unwrap();
    assert_eq!(client.get(key("a")).await.unwrap().unwrap().data, "x");
}

#[tokio::test]
async fn unix_sockets() {
    let server = Memcached::start_unix(&[]);
    let endpoint = Endpoint::unix(server.path().to_str().unwrap()).unwrap();
    works(&Client::server(&endpoint, patient()).unwrap()).await;
}

#[tokio::test]
async fn tokens() {
    let server = Memcached::start_with_users(&[("user", "secret")], &[]);
    let with = |auth: Option<(&str, &str)>| {
        configured(server.addr(), |config| config.auth = auth.map(|(u, p)| Auth::new(u, p).unwrap()))
    };
    works(&with(Some(("user", "secret")))).await;
    for auth in [None, Some(("user", "guess"))] {
        let error = with(auth).get(key("a")).await.unwrap_err();
        assert!(error.to_string().contains("is down: authentication refused"), "{error}");
    }
    // A server that wants no token stores nothing under the name of one.
    let open = Memcached::start(&[]);
    let client = configured(open.addr(), |config| config.auth = Some(Auth::new("user", "secret").unwrap()));
    works(&client).await;
    assert_eq!(client.get(key("auth")).await.unwrap(), None);
}

fn testdata(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/tls").join(file)
}

fn tls(change: impl FnOnce(&mut TlsOptions)) -> TlsConfig {
    let mut options = TlsOptions::default();
    options.roots = Roots::File(testdata("ca.pem"));
    change(&mut options);
    TlsConfig::new(&options).unwrap()
}

#[tokio::test]
async fn under_tls() {
    let (chain, key_file, ca) = (testdata("server.pem"), testdata("server.key"), testdata("ca.pem"));
    let settings = format!("ssl_chain_cert={},ssl_key={}", chain.display(), key_file.display());
    let server = Memcached::start(&["-Z", "-o", &settings]);
    let with = |tls: TlsConfig| configured(server.addr(), |config| config.tls = Some(tls));
    let client = with(tls(|_| {}));
    works(&client).await;
    // Large ones are many records, in both directions.
    let value = vec![7; 500_000];
    client.set(key("large"), &value, Expiry::Never).await.unwrap();
    assert!(client.get(key("large")).await.unwrap().unwrap().data == value);
    let all = (0..100).map(|_| client.get(key("a")));
    assert!(futures_util::future::join_all(all).await.into_iter().all(|found| found.unwrap().is_some()));

    let error =
        with(tls(|options| options.server_name = Some("elsewhere".into()))).get(key("a")).await.unwrap_err();
    assert!(matches!(error, Error::ServerDown { .. }), "{error}");
    let error = crate::client(server.addr()).get(key("a")).await.unwrap_err();
    assert!(matches!(error, Error::ServerDown { .. }), "plain against TLS: {error}");

    let settings = format!("{settings},ssl_verify_mode=2,ssl_ca_cert={}", ca.display());
    let strict = Memcached::start(&["-Z", "-o", &settings]);
    let identity = Identity { certificates: testdata("client.pem"), key: testdata("client.key") };
    works(&configured(strict.addr(), |config| config.tls = Some(tls(|o| o.identity = Some(identity))))).await;
    let error =
        configured(strict.addr(), |config| config.tls = Some(tls(|_| {}))).get(key("a")).await.unwrap_err();
    assert!(matches!(error, Error::ServerDown { .. }), "{error}");
}

#[tokio::test]
async fn tls_over_a_unix_socket() {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let chain = vec![CertificateDer::from_pem_file(testdata("server.pem")).unwrap()];
    let key_file = PrivateKeyDer::from_pem_file(testdata("server.key")).unwrap();
    let provider = rustls::crypto::ring::default_provider().into();
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.unwrap().with_no_client_auth().with_single_cert(chain, key_file).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    // memcached has TLS on TCP only; what is in front of it, on Unix sockets too.
    let server = Memcached::start(&[]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("socket");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let front = tokio::spawn({
        let addr = server.addr();
        async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut server = tokio::net::TcpStream::connect(addr).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
            }
        }
    });
    let endpoint = Endpoint::unix(path.to_str().unwrap()).unwrap();
    let with = |name: Option<&str>| {
        let mut config = patient();
        config.connections = 1;
        config.tls = Some(tls(|options| options.server_name = name.map(Into::into)));
        Client::server(&endpoint, config).unwrap()
    };
    // A path is in no certificate.
    let error = with(None).get(key("a")).await.unwrap_err().to_string();
    assert!(error.contains("is down") && error.contains("name"), "{error}");
    let client = with(Some("127.0.0.1"));
    works(&client).await;
    client.set(key("large"), vec![7; 500_000], Expiry::Never).await.unwrap();
    assert!(client.get(key("large")).await.unwrap().unwrap().data.iter().all(|byte| *byte == 7));
    front.abort();
}

#[tokio::test]
async fn prefixes() {
    let server = Memcached::start(&[]);
    let (plain, prefixed) =
        (client(server.addr()), configured(server.addr(), |config| config.prefix = b"app:".to_vec()));
    works(&prefixed).await;
    assert_eq!(plain.get(key("app:a")).await.unwrap().unwrap().data, "x");
    assert_eq!(plain.get(key("a")).await.unwrap(), None);
    assert_eq!(prefixed.get_many(&[key("b"), key("a")]).await.found[1].as_ref().unwrap().data, "x");
    let binary = Key::binary(b"\0\x01").unwrap();
    prefixed.set(binary, "y", Expiry::Never).await.unwrap();
    assert_eq!(plain.get(Key::binary(b"app:\0\x01").unwrap()).await.unwrap().unwrap().data, "y");
    let long = "k".repeat(247);
    for answer in [
        prefixed.get(key(&long)).await.map(|_| ()),
        prefixed.set(key(&long), "", Expiry::Never).await.map(|_| ()),
    ] {
        assert!(matches!(answer, Err(Error::Key(KeyError::TooLong { bytes: 251 }))), "{answer:?}");
    }
    assert!(matches!(prefixed.get_many(&[key(&long)]).await.failures[0].error, Error::Key(_)));
    prefixed.set(key("a"), "x", Expiry::Never).await.unwrap();
    let many = prefixed.get_many(&[key("b"), key(&long), key("a")]).await;
    assert!(many.found[2].is_some() && many.failures.len() == 1 && many.failures[0].keys == [1], "{many:?}");
    works(&prefixed).await;
}

#[tokio::test]
async fn several_connections() {
    let server = Memcached::start(&[]);
    let client = configured(server.addr(), |config| config.connections = 3);
    client.connect().await.unwrap();
    for _ in 0..10 {
        works(&client).await;
        client.set(key("alone"), vec![0; 100_000], Expiry::Never).await.unwrap();
    }
    assert_eq!(client.servers()[0].counters().connections, 1, "as long as nobody has to wait");
    // Long values spread, and each still meets its own reply.
    let values: Vec<_> = (0..20).map(|i| vec![i; 100_000]).collect();
    let names: Vec<_> = (0..20).map(|i| format!("long:{i}")).collect();
    let set = values.iter().zip(&names).map(|(value, name)| client.set(key(name), value, Expiry::Never));
    assert!(futures_util::future::join_all(set).await.into_iter().all(|stored| stored.unwrap().is_stored()));
    let keys: Vec<_> = names.iter().map(|name| key(name)).collect();
    let many = client.get_many(&keys).await;
    assert!(values.iter().zip(&many.found).all(|(value, found)| found.as_ref().unwrap().data == value));
    assert_eq!(client.servers()[0].counters().connections, 3);
}

#[tokio::test]
async fn reads_of_many_keys_use_as_many_threads_as_memcached_has() {
    let server = Memcached::start(&[]);
    let names: Vec<_> = (0..16).map(|i| format!("many:{i}")).collect();
    let keys: Vec<_> = names.iter().map(|name| key(name)).collect();
    for key in &keys {
        client(server.addr()).set(*key, key.as_bytes(), Expiry::Never).await.unwrap();
    }
    for (readers, connections) in [(1, 1), (2, 2), (4, 4), (9, 4)] {
        let client = client(server.addr());
        client.connect().await.unwrap();
        let reads = futures_util::future::join_all((0..readers).map(|_| client.get_many(&keys))).await;
        for found in reads.into_iter().map(|many| many.all().unwrap()) {
            assert!(keys.iter().zip(found).all(|(key, value)| value.unwrap().data == key.as_bytes()));
        }
        assert_eq!(client.servers()[0].counters().connections, connections, "{readers} readers");
    }
}

#[tokio::test]
async fn what_cannot_be_built() {
    let endpoint = "127.0.0.1:1".parse().unwrap();
    let mut config = ServerConfig::default();
    config.connections = 0;
    assert!(matches!(Client::server(&endpoint, config), Err(BuildError::Config(_))));
    let outside = std::thread::spawn(move || Client::server(&endpoint, ServerConfig::default()).err());
    assert!(matches!(outside.join().unwrap(), Some(BuildError::NoRuntime)));
}
