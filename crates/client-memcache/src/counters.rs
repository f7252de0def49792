//! What is counted for each server.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What happened with one server since its client was made. Only ever grows.
        ///
        /// `requests` = `replies` + `timeouts` + `lost` + `misbehaved` + those in flight.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
        #[non_exhaustive]
        pub struct Counters { $($(#[$doc])* pub $name: u64,)* }

        /// The same while they are being counted.
        #[derive(Debug, Default)]
        pub(crate) struct Counting { $(pub(crate) $name: AtomicU64,)* }

        impl Counting {
            /// The numbers now; each is right, but they are not read at one moment.
            pub(crate) fn read(&self) -> Counters {
                Counters { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Requests handed to a connection.
    requests,
    /// Replies that came to them, errors of the server included.
    replies,
    /// Replies to requests whose caller had gone; also among `replies`.
    abandoned,
    /// Requests without a reply when the timeout of the first of them passed.
    timeouts,
    /// Requests without a reply when the connection broke.
    lost,
    /// Requests without a reply when the server broke the protocol.
    misbehaved,
    /// Requests refused because the queue was full; not among `requests`.
    overloaded,
    /// Requests refused because the server was down; not among `requests`.
    refused,
    /// Connections whose handshake was answered.
    connections,
    /// Connections that did not come to that, probes included.
    connect_failures,
    /// How often the server was ejected.
    ejections,
    /// Bytes read.
    bytes_read,
    /// Bytes written.
    bytes_written,
    /// Reads that brought something.
    reads,
    /// Writes that took something.
    writes,
}

/// Counts `n` more.
pub(crate) fn add(counter: &AtomicU64, n: usize) {
    counter.fetch_add(n as u64, Ordering::Relaxed);
}
