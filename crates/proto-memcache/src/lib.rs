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
//! - **Source**: memcached 1.6.18, probed; `protocol.txt` of later versions for what is new in them. Where we differ is
//!   listed at [`parse_request`]'s module, in `src/parse.rs`.

pub mod base64;
mod digits;
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
