//! What can go wrong, by whose fault.

use std::sync::Arc;
use std::time::Duration;

use peerset_cluster::{Endpoint, SourceName, State};
use peerset_proto_memcache::ReplyError;
use peerset_proto_memcache::request::KeyError;

use crate::handshake::HandshakeError;
#[cfg(feature = "tls")]
use crate::tls::TlsError;

/// Why an operation has no answer. A miss is none of these.
///
/// - **State**: [`changed`](Self::changed) tells whether the server may have done what it was asked.
/// - **Then**: [`retry`](Self::retry) tells where asking again makes sense.
/// - **Cost**: a clone copies at most a few words and reference counts; one broken connection gives the same error to
///   all who waited for it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller's: a key that with its prefix is too long. Nothing was sent.
    #[error("with its prefix, {0}")]
    Key(#[from] KeyError),
    /// The caller's: longer than [`Limits::value_bytes_max`](peerset_proto_memcache::Limits::value_bytes_max) of the
    /// config. Nothing was sent.
    #[error("a value of {bytes} bytes, of at most {bytes_max}")]
    ValueTooLong {
        /// The value's length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// A limit: there is such an item, whose value is longer than
    /// [`Limits::value_bytes_max`](peerset_proto_memcache::Limits::value_bytes_max) of the config. It was skipped; a new
    /// expiry that was asked for as well stands.
    #[error("{endpoint}: the item has {bytes} bytes, of at most {bytes_max}")]
    ItemTooLong {
        /// Which server.
        endpoint: Endpoint,
        /// The value's length.
        bytes: u64,
        /// The limit.
        bytes_max: usize,
    },
    /// The caller's: the server has no meta commands, and this cannot be said without them. Nothing was sent.
    #[error("{endpoint} knows no meta commands, which {what} takes")]
    NotSupported {
        /// Which server.
        endpoint: Endpoint,
        /// What was asked of it.
        what: &'static str,
    },
    /// A limit: too much is already waiting for this server. Nothing was sent.
    #[error("{endpoint}: {requests} requests are already waiting")]
    Overloaded {
        /// Which server.
        endpoint: Endpoint,
        /// How many there are.
        requests: usize,
    },
    /// A limit: the caller's own deadline passed. The server may have done it, or do it yet.
    #[error("no answer within the caller's {limit:?}")]
    Deadline {
        /// The caller's deadline.
        limit: Duration,
    },
    /// The environment's: the server is ejected, or could not be reached just now. Nothing was sent.
    #[error("{endpoint} is down: {cause}")]
    ServerDown {
        /// Which server.
        endpoint: Endpoint,
        /// What ejected it.
        #[source]
        cause: Down,
    },
    /// The environment's: no reply within [`request_timeout`](crate::ServerConfig::request_timeout) to this request or to
    /// one before it on the same connection. The server may have done it, or do it yet.
    #[error("{endpoint}: no reply within {limit:?}")]
    Timeout {
        /// Which server.
        endpoint: Endpoint,
        /// The timeout.
        limit: Duration,
    },
    /// The environment's: the connection broke before the reply. The server may have done it.
    #[error("{endpoint}: the connection broke before the reply")]
    Lost {
        /// Which server.
        endpoint: Endpoint,
    },
    /// The environment's: there is no server to ask. Nothing was sent. While the source is pending there may be some soon,
    /// unless it was closed.
    #[error("{pool} has no servers: it is {state}{}", if *.closed { ", and was closed" } else { "" })]
    NoServers {
        /// Whose set it is.
        pool: SourceName,
        /// How far that may be believed.
        state: State,
        /// Whether it will never say anything else: closed, or dropped without
        /// [`Watch::keeping`](peerset_cluster::Watch::keeping).
        closed: bool,
    },
    /// The route says so. Nothing was sent.
    #[error("{0}")]
    Route(Arc<str>),
    /// The peer's: it answered something that is no answer to what it was asked; the connection was closed. The server
    /// may have done it.
    #[error("{endpoint} broke the protocol: {source}")]
    PeerMisbehaved {
        /// Which server.
        endpoint: Endpoint,
        /// How.
        source: Misbehaviour,
    },
    /// The peer's: it answered with an error. After a `SERVER_ERROR` the item may have changed, or be gone.
    #[error("{endpoint} refused: {text}")]
    Refused {
        /// Which server.
        endpoint: Endpoint,
        /// Its words, `SERVER_ERROR` and so on included.
        text: Arc<str>,
    },
}

/// Why a server is not being asked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Down {
    /// Refused, unreachable, or a name that does not resolve.
    #[error("cannot connect: {0}")]
    Connect(Arc<std::io::Error>),
    /// No connection, or no answer to what is said first, within [`connect_timeout`](crate::ServerConfig::connect_timeout).
    #[error("no connection within {0:?}")]
    ConnectTimeout(Duration),
    /// It answered wrongly to what is said first.
    #[error("{0}")]
    Handshake(#[from] HandshakeError),
    /// It closed the connection before it had answered what is said first.
    #[error("it closes new connections")]
    Closed,
    /// A certificate, as a rule.
    #[cfg(feature = "tls")]
    #[error("{0}")]
    Tls(Arc<TlsError>),
    /// A request was not answered within this time.
    #[error("no reply within {0:?}")]
    Timeout(Duration),
    /// Its connections kept breaking.
    #[error("its connections break")]
    Lost,
    /// It kept breaking the protocol.
    #[error("it broke the protocol: {0}")]
    Misbehaved(Misbehaviour),
    /// The client is being dropped, or the runtime in which it was made has ended.
    #[error("the client or its runtime has ended")]
    Dropped,
}

/// What a peer did that no memcached does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// Bytes that are no reply.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// A reply, but not to such a request.
    #[error("a reply of another kind than the request")]
    Kind,
    /// An item of another key than was asked for.
    #[error("an item of another key")]
    Key,
    /// More than was asked for.
    #[error("a reply without a request")]
    Unsolicited,
}

/// Where asking again makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same server may well answer; for a write see [`Error::changed`] first.
    Here,
    /// Another server may; this one will not for a while.
    Elsewhere,
    /// The same would happen again.
    Never,
}

/// Whether the server did what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It did not.
    Nothing,
    /// It may have, or may do so yet.
    Unknown,
}

impl Error {
    /// Where asking again makes sense.
    pub fn retry(&self) -> Retry {
        match self {
            Error::Lost { .. } | Error::Deadline { .. } => Retry::Here,
            // The first answer of the source may be on its way.
            Error::NoServers { state, closed: false, .. } if !state.is_answered() => Retry::Here,
            Error::Overloaded { .. }
            | Error::ServerDown { .. }
            | Error::Timeout { .. }
            | Error::PeerMisbehaved { .. }
            | Error::NotSupported { .. } => Retry::Elsewhere,
            Error::Key(_)
            | Error::ValueTooLong { .. }
            | Error::ItemTooLong { .. }
            | Error::NoServers { .. }
            | Error::Route(_)
            | Error::Refused { .. } => Retry::Never,
        }
    }

    /// Whether the server may have done what it was asked all the same.
    pub fn changed(&self) -> Changed {
        match self {
            Error::Deadline { .. }
            | Error::ItemTooLong { .. }
            | Error::Timeout { .. }
            | Error::Lost { .. }
            | Error::PeerMisbehaved { .. } => Changed::Unknown,
            // A server may fail half-way: memcached drops the item there was when the new one is too large for it. To the
            // other errors it has only looked at the request.
            Error::Refused { text, .. } if text.starts_with("SERVER_ERROR") => Changed::Unknown,
            Error::Key(_)
            | Error::ValueTooLong { .. }
            | Error::NotSupported { .. }
            | Error::Overloaded { .. }
            | Error::ServerDown { .. }
            | Error::NoServers { .. }
            | Error::Route(_)
            | Error::Refused { .. } => Changed::Nothing,
        }
    }

    /// The server concerned, if there is one.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match self {
            Error::NotSupported { endpoint, .. }
            | Error::ItemTooLong { endpoint, .. }
            | Error::Overloaded { endpoint, .. }
            | Error::ServerDown { endpoint, .. }
            | Error::Timeout { endpoint, .. }
            | Error::Lost { endpoint }
            | Error::PeerMisbehaved { endpoint, .. }
            | Error::Refused { endpoint, .. } => Some(endpoint),
            Error::Key(_)
            | Error::ValueTooLong { .. }
            | Error::Deadline { .. }
            | Error::NoServers { .. }
            | Error::Route(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_error_tells_of_state_and_of_trying_again() {
        fn check(error: Error, changed: Changed, retry: Retry) {
            assert_eq!((error.changed(), error.retry()), (changed, retry), "{error}");
        }
        let endpoint: Endpoint = "127.0.0.1:1".parse().unwrap();
        let refused = |text: &str| Error::Refused { endpoint: endpoint.clone(), text: text.into() };
        let nobody = |state| Error::NoServers { pool: SourceName::new("test"), state, closed: false };
        check(refused("SERVER_ERROR object too large for cache"), Changed::Unknown, Retry::Never);
        check(refused("CLIENT_ERROR bad data chunk"), Changed::Nothing, Retry::Never);
        check(refused("ERROR"), Changed::Nothing, Retry::Never);
        check(nobody(State::Pending), Changed::Nothing, Retry::Here);
        check(nobody(State::Ready), Changed::Nothing, Retry::Never);
        check(Error::Lost { endpoint: endpoint.clone() }, Changed::Unknown, Retry::Here);
        let cause = Down::Lost;
        check(Error::ServerDown { endpoint: endpoint.clone(), cause }, Changed::Nothing, Retry::Elsewhere);
    }
}
