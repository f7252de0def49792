//! Encrypted connections to an ensemble, with the feature `tls`.

use std::fmt;

use peerset_cluster::Endpoint;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::ServerName;
use zookeeper_client::{Error, TlsOptions};

/// Whom to believe and who to be. Every server must show a certificate for the host name that it is asked at.
///
/// The underlying client takes the process's cryptography as rustls has it. If a process has chosen none by its first
/// encrypted connection, this installs rustls's `ring`.
#[derive(Clone, PartialEq, Eq)]
pub struct Tls {
    authorities: String,
    /// Certificate chain and private key.
    identity: Option<(String, String)>,
}

/// Why certificates or hosts are not fit for encryption.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// There is no certificate authority in the text, or the identity does not fit its key.
    #[error("the certificates cannot be used: {reason}")]
    Certificates {
        /// What is wrong with them.
        reason: String,
    },
    /// No certificate can be for this host.
    #[error("{server} is not a name that a certificate can be for")]
    Server {
        /// Which server.
        server: Endpoint,
    },
}

impl Tls {
    /// Believes servers whose certificate is signed by one of these authorities, in PEM; revocation lists among them
    /// count too.
    ///
    /// # Errors
    /// There is no certificate in the text.
    pub fn new(authorities: impl Into<String>) -> Result<Self, TlsError> {
        Tls { authorities: authorities.into(), identity: None }.checked()
    }

    /// Shows this certificate chain to servers that ask who is there; both in PEM.
    ///
    /// # Errors
    /// There is no certificate or no key in the texts.
    pub fn with_identity(self, chain: impl Into<String>, key: impl Into<String>) -> Result<Self, TlsError> {
        Tls { identity: Some((chain.into(), key.into())), ..self }.checked()
    }

    fn checked(self) -> Result<Self, TlsError> {
        match self.options() {
            Ok(_) => Ok(self),
            Err(error) => Err(TlsError::Certificates { reason: error.to_string() }),
        }
    }

    /// The same for the client, and a provider of cryptography without which it would panic.
    pub(crate) fn options(&self) -> Result<TlsOptions, Error> {
        if CryptoProvider::get_default().is_none() {
            // An error means that somebody else was quicker, which is as good.
            let _ = ring::default_provider().install_default();
        }
        let options = TlsOptions::new().with_pem_ca(&self.authorities)?;
        match &self.identity {
            Some((chain, key)) => options.with_pem_identity(chain, key),
            None => Ok(options),
        }
    }

    /// Refuses hosts that no certificate can be for, since the client would panic at them.
    pub(crate) fn check_servers(servers: &[Endpoint]) -> Result<(), TlsError> {
        let unfit = servers.iter().find(|server| {
            let host = server.host().map(ToString::to_string).unwrap_or_default();
            ServerName::try_from(host).is_err()
        });
        match unfit {
            Some(server) => Err(TlsError::Server { server: server.clone() }),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Tls {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("with_identity", &self.identity.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_says_so_at_once() {
        assert!(Tls::new("no certificate").unwrap_err().to_string().contains("cannot be used"));
        let servers = |text: &str| [text.parse::<Endpoint>().unwrap()];
        for good in ["zk1:2281", "10.0.0.1:2281", "[::1]:2281", "a_b.c:1"] {
            assert_eq!(Tls::check_servers(&servers(good)), Ok(()), "{good}");
        }
        assert!(Tls::check_servers(&servers("-a.b:1")).is_err());
    }
}
