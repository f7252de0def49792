//! What can go wrong when a set is opened; what goes wrong later is state, not an error.

use std::time::Duration;

use peerset_cluster::{Endpoint, Scheme};

use crate::PathError;

/// Why an ensemble or a set cannot be opened. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is nobody to ask.
    #[error("a ZooKeeper ensemble has at least one server")]
    NoServers,
    /// ZooKeeper listens on TCP.
    #[error("ZooKeeper cannot be at {server}; write HOST:PORT")]
    UnixSocket {
        /// Which server.
        server: Endpoint,
    },
    /// The path cannot be a set's.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The connection cannot be encrypted as asked.
    #[cfg(feature = "tls")]
    #[error(transparent)]
    Tls(#[from] crate::TlsError),
    /// The URL is for another source.
    #[error("{scheme}: is not a ZooKeeper URL; write zk://… or serverset://…")]
    Scheme {
        /// Its scheme.
        scheme: Scheme,
    },
    /// ZooKeeper counts a session's time-out in milliseconds, and nobody who waits for days for the dead to go means it.
    #[error("a session's time-out is from 1 ms to 24 h, which {asked:?} is not")]
    SessionTimeout {
        /// What was asked for.
        asked: Duration,
    },
    /// A session is kept in the background, by a tokio runtime.
    #[error("ZooKeeper must be opened inside a tokio runtime")]
    NoRuntime,
}

/// A znode that could not be used. It was skipped; the rest of the set is there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{node}: {reason}")]
#[non_exhaustive]
pub struct Problem {
    /// The znode's path.
    pub node: String,
    /// What is wrong with it.
    pub reason: String,
}
