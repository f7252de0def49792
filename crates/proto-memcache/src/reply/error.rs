//! What a server did wrong in a reply.

/// Bytes that are no reply: the server's fault. What follows them cannot be told apart, so the connection is of no
/// further use, and whether the requests in flight were executed is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// No reply begins so.
    #[error("not a reply of memcached")]
    Unknown,
    /// No line end within [`Limits::line_bytes_max`](crate::Limits::line_bytes_max).
    #[error("reply line longer than {bytes_max} bytes")]
    LineTooLong {
        /// The limit.
        bytes_max: usize,
    },
    /// A line that does not end with `\r\n`, or holds a NUL.
    #[error("byte {at} of the reply does not belong into a line")]
    Line {
        /// Where, from the front of the buffer.
        at: usize,
    },
    /// A word is missing, or one that should be a number is none.
    #[error("word {word} of the reply is missing or malformed")]
    Word {
        /// Which, counted from 0.
        word: usize,
    },
    /// A value longer than [`Limits::value_bytes_max`](crate::Limits::value_bytes_max). It was not buffered.
    #[error("value of {bytes} bytes in a reply, of at most {bytes_max}")]
    ValueTooLong {
        /// What the line says.
        bytes: u64,
        /// The limit.
        bytes_max: usize,
    },
    /// A value that does not end where its length says.
    #[error("no line end at byte {at} of the reply, behind the value")]
    ValueEnd {
        /// Where it was expected, from the front of the buffer.
        at: usize,
    },
}
