//! What can be set: of a session with an ensemble, and of one set in it.

use std::fmt;
use std::time::Duration;

use peerset_cluster::{Limits, Select};

/// How to talk to an ensemble. Handles with equal settings and servers share one session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ZookeeperConfig {
    /// How long the ensemble keeps this process's members after it heard from it last, from 1 ms to
    /// [`SESSION_TIMEOUT_MAX`](Self::SESSION_TIMEOUT_MAX); the servers cut it to 2 to 20 of their ticks. Shorter: the
    /// dead are gone sooner. Longer: pauses and elections pass unnoticed. Finagle has 10 s, go.serversets 5 s.
    pub session_timeout: Duration,
    /// The longest wait between two attempts at anything that failed; the first waits are about 10 ms, and each is up
    /// to three times the one before, at random. None is a quarter of the session's time-out, at most 10 s: an ensemble
    /// that comes back counts every session down anew, and several attempts have to fit in, or members vanish for
    /// nothing. For connections that is the time-out as the servers granted it, for reading sets and registering as it
    /// was asked for. A member that was registered and is later refused waits a second at least.
    pub retry_max: Option<Duration>,
    /// Who this process is, for sets and members that not everybody may read or write. Sent on every connection, in
    /// clear unless the connection is encrypted.
    pub credentials: Vec<Credentials>,
    /// Encrypts every connection; none leaves them in clear. With the feature `tls`.
    #[cfg(feature = "tls")]
    pub tls: Option<crate::Tls>,
    /// How many members are asked for at once when a set is read; the rest wait. 256 keeps a server on the same machine
    /// busy; memory while reading is at most this times 1 MiB, ZooKeeper's own bound.
    pub reads_max: usize,
    /// A larger member is skipped, and none is written. It is read once, since its size comes with its bytes, and later
    /// only asked for its size. ZooKeeper itself stops at 1 MiB; a usual member takes 100 to 300 bytes.
    pub member_bytes_max: usize,
    /// Bounds of a set. Members beyond [`Limits::members_max`] are problems, and those with the smallest ids stay; of
    /// more than twice as many znodes, only the first by name are read.
    pub limits: Limits,
}

/// How to see one set, and how to register in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ServersetConfig {
    /// Which of the members' listeners, and of which shard.
    pub select: Select,
    /// Which members, by what they say of themselves.
    pub statuses: Statuses,
    /// Holds removals back for this long ([`Stabilizer`](crate::Stabilizer)); none shows them at once. Finagle holds for
    /// 10 s. This process's own registrations are seen as they are in any case.
    pub hold_removals: Option<Duration>,
    /// Who may do what with znodes that are created.
    pub access: Access,
}

/// Which members of a set are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Statuses {
    /// Those that say they are alive, as Finagle and go.serversets show.
    #[default]
    Alive,
    /// All, whatever they say: for looking at a set rather than using it.
    All,
}

/// The access control list of znodes that are created: members, and the set if it is missing. Parents of the set that are
/// missing are everybody's, since other services may be below them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Everybody may do everything, as with Finagle and go.serversets.
    #[default]
    Anyone,
    /// Everybody may read; whoever has one of these [`Credentials`] may do everything.
    CreatorWrites,
    /// Only whoever has one of these [`Credentials`] may do anything.
    CreatorOnly,
}

/// One identity.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub(crate) scheme: String,
    pub(crate) secret: Vec<u8>,
}

impl Default for ZookeeperConfig {
    fn default() -> Self {
        ZookeeperConfig {
            session_timeout: Duration::from_secs(10),
            retry_max: None,
            credentials: Vec::new(),
            #[cfg(feature = "tls")]
            tls: None,
            reads_max: 256,
            member_bytes_max: 256 << 10,
            limits: Limits::default(),
        }
    }
}

impl ZookeeperConfig {
    /// The longest time-out of a session.
    pub const SESSION_TIMEOUT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

    /// The longest wait between two attempts during a session of this time-out.
    pub(crate) fn longest_wait(&self, session_timeout: Duration) -> Duration {
        const MAX: Duration = Duration::from_secs(10);
        self.retry_max.unwrap_or((session_timeout / 4).min(MAX))
    }
}

impl Credentials {
    /// A user and password that ZooKeeper keeps nowhere: they are whoever has the same two.
    pub fn digest(user: &str, password: &str) -> Self {
        Credentials { scheme: "digest".into(), secret: format!("{user}:{password}").into_bytes() }
    }

    /// Any other scheme the ensemble knows.
    pub fn new(scheme: impl Into<String>, secret: impl Into<Vec<u8>>) -> Self {
        Credentials { scheme: scheme.into(), secret: secret.into() }
    }
}

impl fmt::Debug for Credentials {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_attempts_fit_into_a_session() {
        fn check(retry_max: Option<u64>, granted_ms: u64, expected_ms: u64) {
            let retry_max = retry_max.map(Duration::from_millis);
            let config = ZookeeperConfig { retry_max, ..ZookeeperConfig::default() };
            let wait = config.longest_wait(Duration::from_millis(granted_ms));
            assert_eq!(wait, Duration::from_millis(expected_ms), "{retry_max:?} in {granted_ms} ms");
        }
        check(None, 400, 100);
        check(None, 10_000, 2_500);
        check(None, 40_000, 10_000);
        check(None, 24 * 60 * 60 * 1000, 10_000);
        check(Some(30_000), 10_000, 30_000);
    }
}
