//! What is refused before anything is reserved for it, and the two answers a parser has when nothing is wrong.

/// The longest key memcached takes, in bytes. A base64 key is measured encoded.
pub const KEY_BYTES_MAX: usize = 250;

/// Bounds on what a peer may send. All are checked before the parser waits for, or skips, a single further byte.
///
/// The defaults are memcached's own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest key. More than [`KEY_BYTES_MAX`] counts as [`KEY_BYTES_MAX`].
    pub key_bytes_max: usize,
    /// The longest value. A longer one is refused and skipped, never buffered. memcached counts its item header too,
    /// so a store that must refuse at the very same byte checks again, with the same reply.
    pub value_bytes_max: usize,
    /// The longest line, without its `\n`. Also how much of an endless line a driver has to buffer: about this.
    pub line_bytes_max: usize,
    /// The longest `get`, `gets`, `gat` or `gats` line, without its `\n`: room for 1000 keys of the greatest length.
    /// A driver that reads little by little has the parser look for the end each time, so this bounds that work too
    /// (256 KiB are searched in about 8 µs).
    pub multiget_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            key_bytes_max: KEY_BYTES_MAX,
            value_bytes_max: 1024 * 1024,
            line_bytes_max: 2048,
            multiget_bytes_max: 256 * 1024,
        }
    }
}

/// What the front of a buffer holds. "Not yet" and "wrong" are different answers; the latter is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed<T> {
    /// All of one message, borrowing from the buffer: use it, then drop `consumed` bytes.
    Complete {
        /// The message.
        value: T,
        /// Its length, at least 1.
        consumed: usize,
    },
    /// The beginning of a message: read at least `bytes_min` (1 or more) further bytes before asking again.
    Incomplete {
        /// How many bytes are certainly missing: exact within a value, 1 within a line.
        bytes_min: usize,
    },
}
