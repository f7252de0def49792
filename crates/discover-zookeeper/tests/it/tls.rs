//! Encrypted connections, to ZooKeeper's own port for them.

use std::fs::read_to_string;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use peerset_cluster::Discover;
use peerset_discover_zookeeper::{ServersetConfig, Tls, Zookeeper as Session};
use peerset_testkit::{Port, TempDir, Zookeeper, wait_for};

use crate::support::{PATIENCE, SET, config, join, path, set, until, within};

/// An authority, and what it signed: a certificate for 127.0.0.1 and one for a client, each with its key behind it; and
/// another authority, which signed nothing.
const CERTIFICATES: &str = r#"
set -e
ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
for ca in ca stranger; do openssl req -x509 $ec -keyout $ca.key -out $ca.pem -days 2 -subj /CN=$ca; done
echo subjectAltName=IP:127.0.0.1 > extensions
for name in server client; do
    openssl req $ec -keyout $name.key -out csr -subj /CN=$name
    openssl x509 -req -in csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out chain
    cat chain $name.key > $name.pem
done
"#;

fn certificates() -> TempDir {
    let dir = TempDir::new().unwrap();
    let made = Command::new("sh").args(["-c", CERTIFICATES]).current_dir(&dir).output().unwrap();
    assert!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
    dir
}

/// Believes only clients with a certificate of the authority, as ZooKeeper does unless told otherwise.
fn server(dir: &Path, port: &Port) -> Zookeeper {
    Zookeeper::start_with(&format!(
        "serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory\n\
         secureClientPort={}\nsecureClientPortAddress=127.0.0.1\n\
         ssl.keyStore.location={dir}/server.pem\nssl.trustStore.location={dir}/ca.pem\n",
        port.number(),
        dir = dir.display(),
    ))
}

fn open(addr: SocketAddr, tls: Tls) -> Session {
    let mut session = config();
    session.tls = Some(tls);
    Session::connect_alone(&[addr.try_into().unwrap()], session).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_come_and_go_over_an_encrypted_connection() {
    let (dir, port) = (certificates(), Port::claim());
    let server = server(dir.path(), &port);
    let file = |name: &str| read_to_string(dir.path().join(name)).unwrap();
    let tls = |authority: &str| Tls::new(file(authority)).unwrap();
    let known = |tls: Tls| tls.with_identity(file("client.pem"), file("client.pem")).unwrap();

    let secret = open(port.addr(), known(tls("ca.pem"))).serverset(path(SET), ServersetConfig::default());
    let membership = join(&secret, "a:1").await;
    let plain = set(server.addr());
    until(&plain.watch(), "ready a:1").await;
    within("deregister", membership.deregister()).await.unwrap();
    until(&plain.watch(), "ready").await;

    // Neither does it believe a server of another authority, nor the server a client without a certificate.
    for refused in [known(tls("stranger.pem")), tls("ca.pem")] {
        let session = open(port.addr(), refused);
        let why = || session.trouble().filter(|trouble| trouble.contains("begins no session"));
        wait_for("a reason", PATIENCE, why);
        assert!(!session.is_connected());
    }
}
