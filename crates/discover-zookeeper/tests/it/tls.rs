//! Encrypted connections, to ZooKeeper's own port for them.

use std::net::SocketAddr;

use peerset_cluster::Discover;
use peerset_discover_zookeeper::{ServersetConfig, Tls, Zookeeper as Session};
use peerset_testkit::{SecureZookeeper, wait_for};

use crate::support::{PATIENCE, SET, config, join, path, set, until, within};

fn open(addr: SocketAddr, tls: &Tls) -> Session {
    let mut session = config();
    session.tls = Some(tls.clone());
    Session::connect_alone(&[addr.try_into().unwrap()], session).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_come_and_go_over_an_encrypted_connection() {
    let server = SecureZookeeper::start();
    let file = |name: &str| server.certificates().text(name);
    let tls = |authority: &str| Tls::new(file(authority)).unwrap();
    let known = |tls: Tls| tls.with_identity(file("client.pem"), file("client.key")).unwrap();

    let ours = known(tls("ca.pem"));
    let secret = open(server.addr(), &ours).serverset(path(SET), ServersetConfig::default());
    let membership = join(&secret, "a:1").await;
    let plain = set(server.plain().addr());
    until(&plain.watch(), "ready a:1").await;
    within("deregister", membership.deregister()).await.unwrap();
    until(&plain.watch(), "ready").await;

    // Neither does it believe a server of another authority, nor the server a client without a certificate; nor is the
    // other port one for TLS.
    let refused = [
        (server.addr(), known(tls("stranger.pem")), "TLS fails: invalid peer certificate: UnknownIssuer"),
        (server.addr(), tls("ca.pem"), "TLS fails: received fatal alert"),
        (server.plain().addr(), ours, "TLS fails: "),
    ];
    for (addr, tls, expected) in refused {
        let session = open(addr, &tls);
        wait_for(expected, PATIENCE, || session.trouble().filter(|trouble| trouble.contains(expected)));
        assert!(!session.is_connected());
    }
}
