//! Replies: what a server says, borrowed from the bytes it sent.
//!
//! A server writes them with [`encode`] and [`MetaLine`](crate::MetaLine); a client reads them with
//! [`parse_reply`].

mod config;
pub mod encode;
mod error;
mod meta;
mod parse;

pub use config::{Config, ConfigNode, MalformedNode};
pub use error::ReplyError;
pub use meta::{MetaReply, MetaStatus};
pub use parse::parse_reply;

use crate::request::{Key, Words};

/// One reply, or one part of a reply that has several: a `get` is answered with any number of
/// [`Value`](Reply::Value) and one [`End`](Reply::End), a `stats` with [`Stat`](Reply::Stat) and `End`.
///
/// - **Shape**: `Copy`, no allocation; slices point into the buffer it was parsed from. Texts are bytes for people:
///   a server may say anything in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply<'b> {
    /// `VALUE`: an item that `get` and its kin found.
    Value(Value<'b>),
    /// `END`: no further values or stats.
    End,
    /// `STORED`
    Stored,
    /// `NOT_STORED`: a condition did not hold.
    NotStored,
    /// `EXISTS`: the CAS was another.
    Exists,
    /// `NOT_FOUND`
    NotFound,
    /// `DELETED`
    Deleted,
    /// `TOUCHED`
    Touched,
    /// `OK`
    Ok,
    /// `RESET`, to `stats reset`.
    Reset,
    /// The new number, to `incr` and `decr`.
    Number(u64),
    /// `HD`, `VA`, `EN`, `NF`, `NS` or `EX`.
    Meta(MetaReply<'b>),
    /// `MN`: all meta commands before this have been answered.
    MetaNoop,
    /// `ME`, to `me`.
    MetaDebug {
        /// The key; base64 without a mark if it came so.
        key: Key<'b>,
        /// `exp=… la=… cas=…` and so on.
        text: &'b [u8],
    },
    /// `STAT`: one line of `stats`.
    Stat {
        /// What is counted.
        name: &'b [u8],
        /// How often, or anything else.
        value: &'b [u8],
    },
    /// `VERSION`
    Version(&'b [u8]),
    /// `CONFIG`, with the `END` behind it.
    Config(Config<'b>),
    /// `ERROR`, as a rule without a text: the server does not know the command.
    Error(&'b [u8]),
    /// `CLIENT_ERROR`: the request was wrong.
    ClientError(&'b [u8]),
    /// `SERVER_ERROR`: the server could not.
    ServerError(&'b [u8]),
    /// The refusals of administrative commands, `BUSY`, `BADCLASS`, `NOSPARE`, `MEMLIMIT_TOO_SMALL` and so on.
    Refused {
        /// Which.
        word: &'b [u8],
        /// Why.
        text: Words<'b>,
    },
}

/// An item in a reply to `get`, `gets`, `gat` or `gats`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'b> {
    /// Whose.
    pub key: Key<'b>,
    /// The client's own number.
    pub flags: u32,
    /// Any bytes.
    pub value: &'b [u8],
    /// To `gets` and `gats` only.
    pub cas: Option<u64>,
}
