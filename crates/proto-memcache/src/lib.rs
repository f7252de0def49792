//! The memcached text and meta protocols, both directions, sans-io.
//!
//! Takes bytes and gives values, takes values and gives bytes; what reads and writes the bytes is somebody else's.
//!
//! | who | reads | writes |
//! |---|---|---|
//! | a server | [`parse_request`] | [`reply::encode`], [`MetaLine`], [`RequestError::reply`] |
//! | a client | [`parse_reply`] | [`Request::encode`], [`MetaLine`], [`request::multi_get`] |
//! | a proxy | both | both |
//!
//! - **Borrowing**: requests and replies point into the buffer they were parsed from; nothing is allocated for them.
//! - **Bounded**: no length from the network is believed before it is compared with [`Limits`].
//! - **Split-proof**: the same bytes parse the same however they arrive, errors included.
//! - **Round trip**: whatever parses is the same after encoding and parsing again.
//! - **Source**: memcached 1.6.18, probed; `protocol.txt` of later versions for what is new in them.
//!
//! # What memcached does that may surprise
//! A line ends at its first NUL; what follows up to the `\n` is ignored. A bare `\n` ends a line, but not a value.
//! Numbers go by `strtol`: white space and `+` may lead, white space and then garbage may follow, and lengths, exptimes
//! and flags wrap to 32 bits. A `set` refused for its key or numbers leaves its value behind, to be read as a line,
//! while a refused `ms` takes it along. `noreply` silences errors too, `q` does not. All this is so here as well.
//!
//! # Where this differs from memcached 1.6.18
//! Mostly where memcached's answer depends on how the bytes happened to be cut into packets, or replies get lost.
//!
//! | bytes | memcached 1.6.18 | here |
//! |---|---|---|
//! | a line of over 2048 bytes that is no multi-get | executed if it came in one read, else closed | closed |
//! | `gat`, `gats` of over 2048 bytes | the same | as long as `get` may be |
//! | `get`, `gets` of over [`Limits::multiget_bytes_max`] bytes | executed | closed |
//! | a key too long in a multi-get | one error, and replies to earlier pipelined requests are lost | one error |
//! | the same in `gat` | the keys before it have been touched | nothing has |
//! | an opaque too long in `mg`, `ma` | an error, after the effect | an error, without one |
//! | 0x80 before a later request | `ERROR` | told, closed |
//! | a binary request | answered | told, closed |
//! | `HTTP/` in the last word of an unknown command | closed | told, closed |
//! | `Host: …` | `ERROR` | told, closed |
//! | `config get NAME` | `ERROR` | [`Request::ConfigGet`] |
//! | flags `E`, `x` | `invalid flag` | as in later versions |
//! | `C` with `mg`, `N` with `ms` | ignored | as in later versions |

pub mod base64;
mod digits;
#[doc(hidden)]
pub mod fuzzing;
mod limits;
mod meta_line;
mod parse;
pub mod reply;
pub mod request;

pub use limits::{KEY_BYTES_MAX, Limits, Parsed};
pub use meta_line::MetaLine;
pub use parse::{Parse, parse_request};
pub use reply::{Reply, ReplyError, parse_reply};
pub use request::{Fault, Recovery, Request, RequestError};
