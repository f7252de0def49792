//! Encrypted connections to an ensemble, with the feature `tls`.

use std::fmt;
use std::sync::Arc;

use peerset_cluster::Endpoint;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use zookeeper_client::{Error, TlsOptions};

mod probe;

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

/// Why certificates or hosts are not fit for encryption. No connection was tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// Nobody could be believed.
    #[error("the authorities cannot be used: {reason}")]
    Authorities {
        /// What is wrong with them.
        reason: String,
    },
    /// Nobody would believe this client.
    #[error("the certificate cannot be used: {reason}")]
    Certificate {
        /// What is wrong with it.
        reason: String,
    },
    /// The certificate is of no use without its key.
    #[error("the private key cannot be used: {reason}")]
    Key {
        /// What is wrong with it.
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
    /// There is no certificate in the text, or something that cannot be read.
    pub fn new(authorities: impl Into<String>) -> Result<Self, TlsError> {
        Tls { authorities: authorities.into(), identity: None }.checked()
    }

    /// Shows this certificate to servers that ask who is there, as ZooKeeper's do unless told otherwise; the chain has
    /// it first, then those in between it and an authority. Both in PEM, which may be the same text.
    ///
    /// # Errors
    /// There is no certificate, no key without a passphrase, or the key belongs to another certificate.
    pub fn with_identity(self, chain: impl Into<String>, key: impl Into<String>) -> Result<Self, TlsError> {
        Tls { identity: Some((chain.into(), key.into())), ..self }.checked()
    }

    fn checked(self) -> Result<Self, TlsError> {
        self.rustls().map(|_| self)
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

    /// The same for rustls itself, made as the client makes it: it tells beforehand what would not do, and afterwards
    /// what did not.
    fn rustls(&self) -> Result<ClientConfig, TlsError> {
        let unusable = |reason: String| TlsError::Authorities { reason };
        let mut roots = RootCertStore::empty();
        // Bundles of operating systems have certificates that nobody can read; the others count.
        roots.add_parsable_certificates(certificates(&self.authorities).map_err(unusable)?);
        if roots.is_empty() {
            return Err(unusable(NO_CERTIFICATE.to_owned()));
        }
        let revoked = CertificateRevocationListDer::pem_slice_iter(self.authorities.as_bytes());
        let revoked = revoked.collect::<Result<Vec<_>, _>>().map_err(|error| unusable(error.to_string()))?;
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let verifier = verifier.with_crls(revoked).build().map_err(|error| unusable(error.to_string()))?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(error.to_string()))?
            .with_webpki_verifier(verifier);
        let Some((chain, key)) = &self.identity else { return Ok(builder.with_no_client_auth()) };
        let chain = certificates(chain).map_err(|reason| TlsError::Certificate { reason })?;
        if chain.is_empty() {
            return Err(TlsError::Certificate { reason: NO_CERTIFICATE.to_owned() });
        }
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| match error {
            pem::Error::NoItemsFound => NO_KEY.to_owned(),
            error => error.to_string(),
        });
        let key = key.map_err(|reason| TlsError::Key { reason })?;
        builder.with_client_auth_cert(chain, key).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                TlsError::Key { reason: "it belongs to another certificate".to_owned() }
            }
            rustls::Error::InvalidCertificate(_) => TlsError::Certificate { reason: error.to_string() },
            error => TlsError::Key { reason: error.to_string() },
        })
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

const NO_CERTIFICATE: &str = "there is no certificate in PEM (-----BEGIN CERTIFICATE-----)";
const NO_KEY: &str = "there is no private key in PEM, or one with a passphrase";

fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    read.map_err(|error| error.to_string())
}

impl fmt::Debug for Tls {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("with_identity", &self.identity.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
