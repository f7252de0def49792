//! TLS to ZooKeeper: `--zk-tls-ca`, `--zk-tls-cert` and `--zk-tls-key` of every command that may open a set there.
//!
//! The program has it with the feature `zookeeper-tls`. Built without, it knows the flags all the same, to say how to get
//! what they ask for.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;

#[cfg_attr(feature = "zookeeper-tls", path = "zk_tls/built_in.rs")]
#[cfg_attr(not(feature = "zookeeper-tls"), path = "zk_tls/left_out.rs")]
mod build;

pub(crate) use build::{ZkTlsError, is_encrypted};

/// The files, as flags and as keys of a command's table or of a pool.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct ZkTls {
    /// Speak TLS with ZooKeeper, whose servers' certificates have to be signed by one in this PEM file
    #[arg(long, value_name = "FILE", help_heading = build::HEADING)]
    pub(crate) zk_tls_ca: Option<PathBuf>,

    /// The certificate to show to ZooKeeper, which asks for one unless told otherwise: a PEM file
    #[arg(long, value_name = "FILE", help_heading = build::HEADING)]
    pub(crate) zk_tls_cert: Option<PathBuf>,

    /// The private key of --zk-tls-cert, in PEM without a passphrase; it may be in the same file
    #[arg(long, value_name = "FILE", help_heading = build::HEADING)]
    pub(crate) zk_tls_key: Option<PathBuf>,
}

const CA: &str = "zk-tls-ca";
const CERT: &str = "zk-tls-cert";
const KEY: &str = "zk-tls-key";

impl ZkTls {
    /// The names of all three.
    pub(crate) const NAMES: [&'static str; 3] = [CA, CERT, KEY];

    /// These files, and those of `other` where these are silent.
    pub(crate) fn over(self, other: ZkTls) -> ZkTls {
        ZkTls {
            zk_tls_ca: self.zk_tls_ca.or(other.zk_tls_ca),
            zk_tls_cert: self.zk_tls_cert.or(other.zk_tls_cert),
            zk_tls_key: self.zk_tls_key.or(other.zk_tls_key),
        }
    }

    /// Those that are given, by their names.
    pub(crate) fn given(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let files = [&self.zk_tls_ca, &self.zk_tls_cert, &self.zk_tls_key];
        Self::NAMES.into_iter().zip(files).filter_map(|(name, path)| Some((name, path.as_deref()?)))
    }
}

#[cfg(test)]
mod tests;
