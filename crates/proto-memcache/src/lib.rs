//! The memcached text and meta protocols, both directions, sans-io.
//!
//! | | requests | replies |
//! |---|---|---|
//! | a server | [`parse_request`] | writes them with [`reply::encode`] |
//! | a client or proxy | [`Request::encode`], [`MetaLine`](request::MetaLine), [`multi_get`](request::multi_get) | [`parse_reply`] |

pub mod base64;
mod limits;
mod parse;
pub mod request;

pub use limits::{KEY_BYTES_MAX, Limits, Parsed};
pub use parse::{Parse, parse_request};
pub use request::{Fault, Recovery, Request, RequestError};
