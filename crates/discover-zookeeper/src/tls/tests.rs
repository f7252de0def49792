use peerset_testkit::Certificates;

use super::*;

#[test]
fn what_cannot_be_used_says_so_at_once() {
    let made = Certificates::make();
    let text = |name: &str| made.text(name);
    let broken = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    // One that nobody can read among others is what bundles of operating systems have.
    let trust = |authorities: &str| Tls::new(authorities);
    assert!(trust(&format!("{broken}{}", text("ca.pem"))).is_ok());
    let known = |chain: &str, key: &str| trust(&text("ca.pem")).unwrap().with_identity(chain, key);
    let (chain, key) = (text("client.pem"), text("client.key"));
    assert!(known(&chain, &key).is_ok() && known(&chain, &chain).is_ok());

    #[track_caller]
    fn check(made: Result<Tls, TlsError>, expected: &str) {
        let error = made.unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let authorities = "the authorities cannot be used: ";
    check(trust(""), &format!("{authorities}there is no certificate in PEM"));
    check(trust(&key), &format!("{authorities}there is no certificate in PEM"));
    check(trust(broken), &format!("{authorities}there is no certificate in PEM"));
    check(trust("-----BEGIN CERTIFICATE-----\nMIIB"), authorities);
    check(known("", &key), "the certificate cannot be used: there is no certificate in PEM");
    check(known(broken, &key), "the certificate cannot be used: ");
    check(known(&text("ca.pem"), ""), "the private key cannot be used: there is no private key in PEM");
    check(known(&chain, &text("server.key")), "the private key cannot be used: it belongs to another");
}

#[test]
fn certificates_are_for_names_and_addresses() {
    let servers = |text: &str| [text.parse::<Endpoint>().unwrap()];
    for good in ["zk1:2281", "10.0.0.1:2281", "[::1]:2281", "a_b.c:1"] {
        assert_eq!(Tls::check_servers(&servers(good)), Ok(()), "{good}");
    }
    assert!(Tls::check_servers(&servers("-a.b:1")).is_err());
}
