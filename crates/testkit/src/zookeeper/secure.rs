//! A ZooKeeper server with a port for TLS.

use std::net::SocketAddr;

use super::Zookeeper;
use crate::{Certificates, Port};

/// One server that speaks TLS on a port of its own, beside the plain one.
///
/// It shows `server.pem` of its [`Certificates`] and believes only clients with a certificate of their authority, as
/// ZooKeeper does unless told otherwise.
#[derive(Debug)]
pub struct SecureZookeeper {
    server: Zookeeper,
    certificates: Certificates,
    port: Port,
}

impl SecureZookeeper {
    /// Starts it, with certificates of its own, and waits until it serves.
    ///
    /// # Panics
    /// As [`Zookeeper::start`], and when openssl is missing.
    #[track_caller]
    pub fn start() -> SecureZookeeper {
        let (certificates, port) = (Certificates::make(), Port::claim());
        let server = Zookeeper::start_with(&format!(
            "serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory\n\
             secureClientPort={}\nsecureClientPortAddress=127.0.0.1\n\
             ssl.keyStore.location={}\nssl.trustStore.location={}\n",
            port.number(),
            certificates.path("server.pem").display(),
            certificates.path("ca.pem").display(),
        ));
        SecureZookeeper { server, certificates, port }
    }

    /// Where clients connect with TLS.
    pub fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    /// The same server in clear.
    pub fn plain(&self) -> &Zookeeper {
        &self.server
    }

    /// Shows another of the certificates from now on, having been started again.
    ///
    /// # Panics
    /// When there is no such file.
    #[track_caller]
    pub fn show(&mut self, name: &str) {
        let copied = std::fs::copy(self.certificates.path(name), self.certificates.path("server.pem"));
        copied.unwrap_or_else(|error| panic!("{name}: {error}"));
        self.server.restart();
    }

    /// Its own certificates, and those that its clients need.
    pub fn certificates(&self) -> &Certificates {
        &self.certificates
    }
}
