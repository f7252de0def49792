//! With the feature `zookeeper-tls`.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use peerset_discover_zookeeper::{Tls, TlsError, ZookeeperConfig};

use super::{CA, CERT, KEY, ZkTls};
use crate::cli::flags::About;

/// What the flags stand under in `--help`.
pub(super) const HEADING: &str = "TLS to ZooKeeper";

/// A larger file is none of certificates: those of all authorities that a system trusts take a fifth of it.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Files that are missing, do not go together or hold something else.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ZkTlsError {
    #[error("--zk-tls-cert and --zk-tls-key need --zk-tls-ca, which says whose certificates to believe")]
    NoAuthority,
    #[error("--zk-tls-cert needs --zk-tls-key, the file with its private key, which may be the same")]
    NoKey,
    #[error("--zk-tls-key needs --zk-tls-cert, the file with the certificate that it belongs to")]
    NoCertificate,
    #[error("--{}: {reason}", flag[0])]
    File { flag: [&'static str; 1], reason: String },
}

impl About for ZkTlsError {
    fn about(&self) -> &[&'static str] {
        match self {
            ZkTlsError::NoAuthority => &[CERT, KEY, CA],
            ZkTlsError::NoKey => &[CERT, KEY],
            ZkTlsError::NoCertificate => &[KEY, CERT],
            ZkTlsError::File { flag, .. } => flag,
        }
    }
}

/// Whether sessions are.
pub(crate) fn is_encrypted(zookeeper: &ZookeeperConfig) -> bool {
    zookeeper.tls.is_some()
}

impl ZkTls {
    /// Reads the files, and has sessions encrypted as they say; changes nothing where none is given.
    pub(crate) fn encrypt(&self, zookeeper: &mut ZookeeperConfig) -> Result<(), ZkTlsError> {
        let identity = match (self.zk_tls_cert.as_deref(), self.zk_tls_key.as_deref()) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            (Some(_), None) => return Err(ZkTlsError::NoKey),
            (None, Some(_)) => return Err(ZkTlsError::NoCertificate),
        };
        let ca = match (self.zk_tls_ca.as_deref(), identity) {
            (Some(ca), _) => ca,
            (None, None) => return Ok(()),
            (None, Some(_)) => return Err(ZkTlsError::NoAuthority),
        };
        let mut tls = Tls::new(read(CA, ca)?).map_err(|error| self.unusable(&error))?;
        if let Some((cert, key)) = identity {
            let (cert, key) = (read(CERT, cert)?, read(KEY, key)?);
            tls = tls.with_identity(cert, key).map_err(|error| self.unusable(&error))?;
        }
        zookeeper.tls = Some(tls);
        Ok(())
    }

    /// The error with the file that it is about.
    fn unusable(&self, error: &TlsError) -> ZkTlsError {
        let flag = match error {
            TlsError::Certificate { .. } => CERT,
            TlsError::Key { .. } => KEY,
            _ => CA,
        };
        let path = self.given().find(|(name, _)| *name == flag).map(|(_, path)| path.display().to_string());
        ZkTlsError::File { flag: [flag], reason: format!("{}: {error}", path.unwrap_or_default()) }
    }
}

fn read(flag: &'static str, path: &Path) -> Result<String, ZkTlsError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    let text = read.and_then(|_| match bytes.len() as u64 > FILE_BYTES_MAX {
        true => Err(io::Error::other(format!("it is larger than {FILE_BYTES_MAX} bytes"))),
        false => String::from_utf8(bytes).map_err(|_| io::Error::other("it is not text, and so not PEM")),
    });
    text.map_err(|error| ZkTlsError::File {
        flag: [flag],
        reason: format!("cannot read {}: {error}", path.display()),
    })
}
