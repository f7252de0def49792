//! TLS to servers, by rustls with ring.
//!
//! Makes a [`rustls::ClientConfig`] once; the async client wraps it for tokio, and who polls sockets directly drives a
//! [`rustls::ClientConnection`] with the same one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use peerset_cluster::{Endpoint, Host};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, InvalidDnsNameError, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

/// How servers prove who they are, and how this client does.
///
/// - **Cost**: making one reads files; a clone copies a pointer. Files are not read again when they change.
/// - **Versions**: TLS 1.2 and 1.3.
#[derive(Clone)]
pub struct TlsConfig {
    client: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
}

/// What a [`TlsConfig`] is made of.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TlsOptions {
    /// Who may vouch for servers.
    pub roots: Roots,
    /// The name that certificates must have; the host of the endpoint if not given, an address included. Unix sockets
    /// have no host, so there it must be given.
    pub server_name: Option<String>,
    /// For servers that ask clients who they are (`-o ssl_verify_mode=2`).
    pub identity: Option<Identity>,
}

/// Who may vouch for servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Roots {
    /// Whom the operating system trusts.
    #[default]
    Native,
    /// The certificates of one PEM file, and nobody else.
    File(PathBuf),
}

/// A client's certificate, both files in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate first, then those in between it and a root.
    pub certificates: PathBuf,
    /// Its private key: PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
}

/// Why TLS could not be set up. No connection was tried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file that is missing or no PEM.
    #[error("{}: {problem}", path.display())]
    Pem {
        /// Which.
        path: PathBuf,
        /// What is wrong with it. In the text already, and so no source beside it.
        problem: pem::Error,
    },
    /// A file without a certificate, or a system that trusts nobody.
    #[error("no certificate in {place}")]
    NoCertificate {
        /// The file, or the system.
        place: String,
    },
    /// Certificates that are none, or a key that does not belong to them.
    #[error(transparent)]
    Refused(#[from] rustls::Error),
    /// A server name that is neither a DNS name nor an address.
    #[error("server name {name:?}: {problem}")]
    ServerName {
        /// As given.
        name: String,
        /// Why not.
        problem: InvalidDnsNameError,
    },
    /// A Unix socket, and no server name in the options.
    #[error("{endpoint} has no host name: TLS needs a server name to compare certificates with")]
    NoServerName {
        /// Where.
        endpoint: Endpoint,
    },
}

impl TlsConfig {
    /// Reads the files and puts all together.
    ///
    /// # Errors
    /// A file that is missing or not what it should be, each by name; a server name that is none.
    pub fn new(options: &TlsOptions) -> Result<TlsConfig, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let builder = builder.with_root_certificates(roots(&options.roots)?);
        let client = match &options.identity {
            None => builder.with_no_client_auth(),
            Some(Identity { certificates, key: path }) => {
                let key = PrivateKeyDer::from_pem_file(path)
                    .map_err(|problem| TlsError::Pem { path: path.clone(), problem })?;
                builder.with_client_auth_cert(read_certificates(certificates)?, key)?
            }
        };
        let server_name = options.server_name.as_deref().map(parse_name).transpose()?;
        Ok(TlsConfig { client: Arc::new(client), server_name })
    }

    /// What both tokio-rustls and [`rustls::ClientConnection`] begin with.
    pub fn client(&self) -> &Arc<ClientConfig> {
        &self.client
    }

    /// The name that the certificate of the server at `endpoint` must have.
    ///
    /// # Errors
    /// The endpoint has no host, and the options gave no name; or the host is no DNS name (it may have underscores,
    /// which certificates may not).
    pub fn server_name(&self, endpoint: &Endpoint) -> Result<ServerName<'static>, TlsError> {
        match (&self.server_name, endpoint.host()) {
            (Some(name), _) => Ok(name.clone()),
            (None, Some(Host::V4(ip))) => Ok(ServerName::from(std::net::IpAddr::V4(*ip))),
            (None, Some(Host::V6(ip))) => Ok(ServerName::from(std::net::IpAddr::V6(*ip))),
            (None, Some(Host::Name(name))) => parse_name(name.as_str()),
            (None, None) => Err(TlsError::NoServerName { endpoint: endpoint.clone() }),
        }
    }
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

fn parse_name(name: &str) -> Result<ServerName<'static>, TlsError> {
    // A name may end with a dot (an absolute one); certificates leave it away.
    let plain = name.strip_suffix('.').unwrap_or(name).to_owned();
    ServerName::try_from(plain).map_err(|problem| TlsError::ServerName { name: name.to_owned(), problem })
}

fn roots(roots: &Roots) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    match roots {
        Roots::File(path) => {
            for certificate in read_certificates(path)? {
                store.add(certificate)?;
            }
        }
        Roots::Native => {
            // Some systems carry single certificates that nobody can read; the others count.
            let found = rustls_native_certs::load_native_certs();
            let (added, _unreadable) = store.add_parsable_certificates(found.certs);
            if added == 0 {
                return Err(TlsError::NoCertificate { place: "the system's store".to_owned() });
            }
        }
    }
    Ok(store)
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |problem| TlsError::Pem { path: path.to_owned(), problem };
    let certificates = CertificateDer::pem_file_iter(path).map_err(failed)?;
    let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    match certificates.is_empty() {
        true => Err(TlsError::NoCertificate { place: path.display().to_string() }),
        false => Ok(certificates),
    }
}

#[cfg(test)]
mod tests;
