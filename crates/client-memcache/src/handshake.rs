//! What is said first on a fresh connection, and what the answers mean.
//!
//! A token if the server wants one (`memcached -Y`), then `version`: its answer tells whether meta commands may be used,
//! and that the server answers at all, which an accepted connection does not. Bytes in, bytes out.

use peerset_proto_memcache::{Limits, Parsed, Reply, ReplyError, parse_reply};

mod auth;
mod dialect;
#[cfg(test)]
mod tests;

pub use auth::{Auth, AuthError};
pub use dialect::Dialect;

/// The beginning of one connection.
///
/// ```
/// use peerset_client_memcache::handshake::{Handshake, Progress};
///
/// let handshake = Handshake::new(None);
/// assert_eq!(handshake.output(), b"version\r\n"); // all of it goes out at once
/// let Progress::Done { dialect, consumed: 16 } = handshake.feed(b"VERSION 1.6.18\r\n") else { panic!() };
/// assert!(dialect.meta);
/// ```
#[derive(Debug)]
pub struct Handshake {
    output: Vec<u8>,
    first: Awaited,
    limits: Limits,
}

/// What the next reply answers.
#[derive(Clone, Copy, Debug)]
enum Awaited {
    Token,
    Version,
}

/// How far a handshake has come.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// Read more, and feed it together with all that came before.
    NeedMore,
    /// Requests may be sent now.
    Done {
        /// What the server understands.
        dialect: Dialect,
        /// How many of the bytes given belonged to the handshake. There should not be more of them.
        consumed: usize,
    },
    /// The connection is of no use.
    Failed(HandshakeError),
}

/// Why a server is not talked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The token was not taken, or none was given where one is wanted.
    #[error("authentication refused: {text}")]
    Unauthenticated {
        /// The server's words.
        text: String,
    },
    /// The server has as many connections as it takes (`memcached -c`), and closes this one.
    #[error("the server has too many connections")]
    Full,
    /// The token was answered by something else.
    #[error("authentication was answered by neither STORED nor an error")]
    Unexpected,
    /// No reply of memcached at all: another protocol, perhaps.
    #[error("the server does not speak memcached: {0}")]
    Garbage(#[from] ReplyError),
}

impl Handshake {
    /// Begins one, with a token if the server is to be given one.
    pub fn new(auth: Option<&Auth>) -> Handshake {
        let mut output = Vec::new();
        let first = match auth {
            Some(auth) => {
                auth.encode(&mut output);
                Awaited::Token
            }
            None => Awaited::Version,
        };
        output.extend_from_slice(b"version\r\n");
        Handshake { output, first, limits: Limits::default() }
    }

    /// All that is to be sent. The answer to the token is not waited for: memcached reads on from the byte behind it. To a
    /// wrong one 1.6.18 then gives a single answer, that the `version` is unauthenticated.
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// Takes all bytes that have come since the beginning; they are few, and nothing is remembered between calls.
    pub fn feed(&self, bytes: &[u8]) -> Progress {
        let mut awaited = self.first;
        let mut at = 0;
        loop {
            match parse_reply(&bytes[at..], &self.limits) {
                Ok(Parsed::Incomplete { .. }) => return Progress::NeedMore,
                Ok(Parsed::Complete { value, consumed }) => {
                    at += consumed;
                    match awaited.answered(value) {
                        Ok(Some(dialect)) => return Progress::Done { dialect, consumed: at },
                        Ok(None) => awaited = Awaited::Version,
                        Err(error) => return Progress::Failed(error),
                    }
                }
                Err(error) => return Progress::Failed(error.into()),
            }
        }
    }
}

impl Awaited {
    /// What a reply means; nothing yet if it only took the token.
    fn answered(self, reply: Reply<'_>) -> Result<Option<Dialect>, HandshakeError> {
        let refused = |text: &[u8]| HandshakeError::Unauthenticated {
            text: String::from_utf8_lossy(text).trim().to_owned(),
        };
        match (self, reply) {
            (_, Reply::Error(text)) if text.ends_with(b"Too many open connections") => {
                Err(HandshakeError::Full)
            }
            (Awaited::Token, Reply::Stored) => Ok(None),
            (Awaited::Token, Reply::ClientError(text) | Reply::ServerError(text) | Reply::Error(text)) => {
                Err(refused(text))
            }
            (Awaited::Token, _) => Err(HandshakeError::Unexpected),
            (Awaited::Version, Reply::Version(text)) => Ok(Some(Dialect::of_version(text))),
            // What memcached says to everything before the token.
            (Awaited::Version, Reply::ClientError(text)) if text == b"unauthenticated" => Err(refused(text)),
            // Proxies that do not know `version` answer some error, in step, which is all that is asked of them.
            (Awaited::Version, _) => Ok(Some(Dialect::classic())),
        }
    }
}
