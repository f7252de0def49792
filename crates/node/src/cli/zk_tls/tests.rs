use peerset_discover_zookeeper::ZookeeperConfig;

use super::*;
use crate::cli::flags::About;

fn files(table: &str) -> ZkTls {
    toml::from_str(table).unwrap()
}

/// What stands in a table is refused, in words that begin so, at one of its settings.
#[track_caller]
fn check_refused(table: &str, at: &str, expected: &str) {
    let error = files(table).encrypt(&mut ZookeeperConfig::default()).unwrap_err();
    assert!(error.to_string().starts_with(expected), "{error}");
    assert_eq!(error.about()[0], at, "{error}");
}

#[test]
fn nothing_is_encrypted_unasked() {
    let mut config = ZookeeperConfig::default();
    files("").encrypt(&mut config).unwrap();
    assert_eq!(config, ZookeeperConfig::default());
}

#[test]
fn a_flag_wins_over_its_twin() {
    let both = files("zk-tls-ca = 'a'").over(files("zk-tls-ca = 'b'\nzk-tls-key = 'c'"));
    let given: Vec<_> = both.given().collect();
    assert_eq!(given, [("zk-tls-ca", Path::new("a")), ("zk-tls-key", Path::new("c"))]);
}

#[cfg(not(feature = "zookeeper-tls"))]
#[test]
fn what_was_left_out_says_how_to_get_it() {
    for name in ZkTls::NAMES {
        let told = format!("--{name}: this peerset was built without TLS to ZooKeeper; ");
        check_refused(&format!("{name} = '/no/such/file'"), name, &told);
    }
}

#[cfg(feature = "zookeeper-tls")]
#[test]
fn each_zookeeper_tls_file_is_named_that_will_not_do() {
    let certificates = peerset_testkit::Certificates::make();
    let path = |name: &str| certificates.path(name).display().to_string();
    std::fs::write(certificates.path("binary"), [0x30, 0x82, 0xff]).unwrap();
    let table = |ca: &str, cert: &str, key: &str| {
        format!("zk-tls-ca = '{}'\nzk-tls-cert = '{}'\nzk-tls-key = '{}'", path(ca), path(cert), path(key))
    };
    let mut config = ZookeeperConfig::default();
    files(&table("ca.pem", "client.pem", "client.pem")).encrypt(&mut config).unwrap();
    assert!(config.tls.is_some());

    let missing = path("missing");
    check_refused("zk-tls-ca = '/no/such'", "zk-tls-ca", "--zk-tls-ca: cannot read /no/such: No such file");
    check_refused("zk-tls-ca = '/dev/zero'", "zk-tls-ca", "--zk-tls-ca: cannot read /dev/zero: it is larger");
    check_refused("zk-tls-cert = 'c'", "zk-tls-cert", "--zk-tls-cert needs --zk-tls-key");
    check_refused("zk-tls-key = 'k'", "zk-tls-key", "--zk-tls-key needs --zk-tls-cert");
    let pair = "zk-tls-cert = 'c'\nzk-tls-key = 'k'";
    check_refused(pair, "zk-tls-cert", "--zk-tls-cert and --zk-tls-key need --zk-tls-ca");
    let told = format!("--zk-tls-ca: {}: the authorities cannot be used: there is no", path("client.key"));
    check_refused(&table("client.key", "client.pem", "client.key"), "zk-tls-ca", &told);
    let told = format!("--zk-tls-cert: cannot read {missing}: No such file");
    check_refused(&table("ca.pem", "missing", "client.key"), "zk-tls-cert", &told);
    let told = format!("--zk-tls-cert: cannot read {}: it is not text", path("binary"));
    check_refused(&table("ca.pem", "binary", "client.key"), "zk-tls-cert", &told);
    let told = format!("--zk-tls-cert: {}: the certificate cannot be used: ", path("client.key"));
    check_refused(&table("ca.pem", "client.key", "client.key"), "zk-tls-cert", &told);
    let told = format!("--zk-tls-key: {}: the private key cannot be used: it belongs", path("server.key"));
    check_refused(&table("ca.pem", "client.pem", "server.key"), "zk-tls-key", &told);
}
