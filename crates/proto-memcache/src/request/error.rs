//! What a peer did wrong in a request, what to answer, and where to go on.

use super::MetaKey;

/// A request that is refused: the peer's fault, and only this request's. Nothing was executed.
///
/// Answer with [`reply`](Self::reply), delete the item of [`unlink`](Self::unlink) if there is one, and do what
/// [`recovery`](Self::recovery) says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
#[non_exhaustive]
pub struct RequestError<'b> {
    /// What was wrong.
    pub fault: Fault,
    /// How the stream goes on.
    pub recovery: Recovery,
    /// The item under this key must go: its successor was refused, and serving the old value would be stale.
    pub unlink: Option<MetaKey<'b>>,
    /// The line said `noreply` where memcached heeds it, so that [`reply`](Self::reply) is empty.
    pub noreply: bool,
}

/// How to go on after a [`RequestError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Drop this many bytes from the front of the stream, at least 1, whether they have arrived or not: the line, and
    /// a value if memcached swallows it. Up to 2 GiB, so count them and do not buffer them.
    Skip {
        /// Counted from the front of the buffer that was parsed.
        bytes: u64,
    },
    /// Send the reply, if any, and close: where the next request would begin cannot be known.
    Close,
}

impl RequestError<'_> {
    /// The exact line memcached 1.6.18 answers with, `\r\n` included. Empty: it answers nothing.
    pub fn reply(&self) -> &'static [u8] {
        if self.noreply { b"" } else { self.fault.reply() }
    }
}

/// The kinds of refusal. [`Fault::reply`] is what memcached 1.6.18 says, except where it says nothing useful
/// ([`Binary`](Fault::Binary), [`Http`](Fault::Http)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// No such command, or not with this number of words.
    #[error("unknown command")]
    UnknownCommand,
    /// A key too long, a number that is none, a length below 0.
    #[error("bad command line format")]
    BadLine,
    /// The exptime of `gat`, `touch` or `flush_all` is no number.
    #[error("exptime is no number")]
    BadExptime,
    /// The delta of `incr` or `decr` is no unsigned number.
    #[error("delta is no number")]
    BadDelta,
    /// `delete` with something other than `0` and `noreply` behind the key.
    #[error("delete takes a key and noreply")]
    DeleteUsage,
    /// The value is longer than allowed.
    #[error("value too long")]
    TooLarge,
    /// The value does not end with `\r\n` where its length says.
    #[error("value not ended where its length says")]
    BadDataChunk,
    /// More than 17 meta flags with `mg`.
    #[error("too many meta flags")]
    MetaGetFlagsTooMany,
    /// More than 17 meta flags with `md` or `ma`, 16 with `ms`.
    #[error("too many meta flags")]
    MetaFlagsTooMany,
    /// A meta flag stands twice, or is not ASCII.
    #[error("duplicate meta flag")]
    MetaDuplicateFlag,
    /// A meta flag that does not exist.
    #[error("unknown meta flag")]
    MetaInvalidFlag,
    /// Any fault in the flags of `md` and `ma`, where memcached does not say which.
    #[error("invalid or duplicate meta flag")]
    MetaFlags,
    /// The token of a meta flag is no number.
    #[error("meta flag token is no number")]
    MetaBadToken,
    /// A `b` key that is not base64.
    #[error("key is not base64")]
    MetaBadKey,
    /// An `M` that is not followed by exactly one letter.
    #[error("meta mode is not one letter")]
    MetaModeLength,
    /// An unknown mode of `ms`.
    #[error("unknown mode of ms")]
    MetaSetMode,
    /// An unknown mode of `ma`.
    #[error("unknown mode of ma")]
    MetaArithmeticMode,
    /// `J` with something that is no number.
    #[error("initial value is no number")]
    MetaInitial,
    /// `D` with something that is no number.
    #[error("delta is no number")]
    MetaDelta,
    /// An opaque of more than 31 bytes.
    #[error("opaque too long")]
    MetaOpaqueTooLong,
    /// A line without an end within [`Limits`](crate::Limits). memcached closes without a word.
    #[error("line too long")]
    LineTooLong,
    /// The first byte is that of the binary protocol.
    #[error("binary protocol is not supported")]
    Binary,
    /// An HTTP request, as a browser or a forged one sends it.
    #[error("HTTP is not supported")]
    Http,
}

impl Fault {
    /// The reply line, `\r\n` included; empty for [`Fault::LineTooLong`].
    pub fn reply(self) -> &'static [u8] {
        match self {
            Fault::UnknownCommand => b"ERROR\r\n",
            Fault::BadLine => b"CLIENT_ERROR bad command line format\r\n",
            Fault::BadExptime => b"CLIENT_ERROR invalid exptime argument\r\n",
            Fault::BadDelta => b"CLIENT_ERROR invalid numeric delta argument\r\n",
            Fault::DeleteUsage => b"CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n",
            Fault::TooLarge => b"SERVER_ERROR object too large for cache\r\n",
            Fault::BadDataChunk => b"CLIENT_ERROR bad data chunk\r\n",
            Fault::MetaGetFlagsTooMany => b"CLIENT_ERROR options flags are too long\r\n",
            Fault::MetaFlagsTooMany => b"CLIENT_ERROR options flags too long\r\n",
            Fault::MetaDuplicateFlag => b"CLIENT_ERROR duplicate flag\r\n",
            Fault::MetaInvalidFlag => b"CLIENT_ERROR invalid flag\r\n",
            Fault::MetaFlags => b"CLIENT_ERROR invalid or duplicate flag\r\n",
            Fault::MetaBadToken => b"CLIENT_ERROR bad token in command line format\r\n",
            Fault::MetaBadKey => b"CLIENT_ERROR error decoding key\r\n",
            Fault::MetaModeLength => b"CLIENT_ERROR incorrect length for M token\r\n",
            Fault::MetaSetMode => b"CLIENT_ERROR invalid mode for ms M token\r\n",
            Fault::MetaArithmeticMode => b"CLIENT_ERROR invalid mode for ma M token\r\n",
            Fault::MetaInitial => b"CLIENT_ERROR invalid numeric initial value\r\n",
            Fault::MetaDelta => b"CLIENT_ERROR invalid numeric delta value\r\n",
            Fault::MetaOpaqueTooLong => b"CLIENT_ERROR opaque token too long\r\n",
            Fault::LineTooLong => b"",
            Fault::Binary => b"CLIENT_ERROR the binary protocol is not supported, use the text protocol\r\n",
            Fault::Http => b"CLIENT_ERROR this port speaks memcached, not HTTP\r\n",
        }
    }
}
