use super::*;

fn testdata(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/tls").join(file)
}

#[test]
fn server_names() {
    fn check(option: Option<&str>, endpoint: &str, expected: Result<&str, &str>) {
        let options = TlsOptions {
            roots: Roots::File(testdata("ca.pem")),
            server_name: option.map(str::to_owned),
            identity: None,
        };
        let name = TlsConfig::new(&options).unwrap().server_name(&endpoint.parse().unwrap());
        match (name, expected) {
            (Ok(name), Ok(expected)) => assert_eq!(name.to_str(), expected),
            (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
            (name, expected) => panic!("{name:?}, not {expected:?}"),
        }
    }
    check(None, "cache.example.com:11211", Ok("cache.example.com"));
    check(None, "cache.example.com.:11211", Ok("cache.example.com"));
    check(None, "10.0.0.1:11211", Ok("10.0.0.1"));
    check(None, "[::1]:11211", Ok("::1"));
    check(Some("cache"), "10.0.0.1:11211", Ok("cache"));
    check(Some("cache"), "unix:/run/memcached", Ok("cache"));
    check(None, "unix:/run/memcached", Err("no host name"));
}

#[test]
fn files_that_are_not_what_they_should_be() {
    fn check(roots: Roots, identity: Option<(&str, &str)>, words: &str) {
        let identity = identity
            .map(|(certificates, key)| Identity { certificates: testdata(certificates), key: testdata(key) });
        let error = TlsConfig::new(&TlsOptions { roots, server_name: None, identity }).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    let ca = || Roots::File(testdata("ca.pem"));
    check(Roots::File(testdata("missing.pem")), None, "missing.pem");
    check(Roots::File(testdata("server.key")), None, "no certificate in");
    check(ca(), Some(("client.pem", "client.pem")), "client.pem");
    check(ca(), Some(("client.pem", "server.key")), "");
    check(ca(), Some(("missing.pem", "client.key")), "missing.pem");
    assert!(
        TlsConfig::new(&TlsOptions { server_name: Some("a b".into()), roots: ca(), ..Default::default() })
            .is_err()
    );
}

#[test]
fn an_identity_of_files_that_fit() {
    let identity = Identity { certificates: testdata("client.pem"), key: testdata("client.key") };
    let options =
        TlsOptions { roots: Roots::File(testdata("ca.pem")), identity: Some(identity), ..Default::default() };
    assert!(TlsConfig::new(&options).unwrap().client().client_auth_cert_resolver.has_certs());
}
