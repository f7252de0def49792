//! Without the feature `zookeeper-tls`.

use peerset_discover_zookeeper::ZookeeperConfig;

use super::ZkTls;
use crate::cli::flags::About;

/// What the flags stand under in `--help`.
pub(super) const HEADING: &str =
    "TLS to ZooKeeper (not in this build: cargo build --release --features zookeeper-tls)";

/// Something that this build has not.
#[derive(Debug, thiserror::Error)]
#[error(
    "--{}: this peerset was built without TLS to ZooKeeper; in its sources, \
     `cargo build --release --features zookeeper-tls` builds one that has it", .0[0]
)]
pub(crate) struct ZkTlsError([&'static str; 1]);

impl About for ZkTlsError {
    fn about(&self) -> &[&'static str] {
        &self.0
    }
}

/// Whether sessions are, which they never are here.
pub(crate) fn is_encrypted(_zookeeper: &ZookeeperConfig) -> bool {
    false
}

impl ZkTls {
    /// Refuses to leave in clear what is to be encrypted.
    pub(crate) fn encrypt(&self, _zookeeper: &mut ZookeeperConfig) -> Result<(), ZkTlsError> {
        self.given().next().map_or(Ok(()), |(name, _)| Err(ZkTlsError([name])))
    }
}
