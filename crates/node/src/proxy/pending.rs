//! What is remembered of a request while its server works on it.

use std::time::Instant;

use peerset_proto_memcache::Reply;
use peerset_proto_memcache::reply::MetaReply;
use peerset_route::{Answer, NodeId, Operation};

use super::exchange::PartId;
use super::flight::Place;

/// A request that a server has been sent, or will be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pending {
    /// Who waits for the reply.
    pub(super) to: To,
    /// What kind of reply it will be.
    pub(super) kind: Kind,
    pub(super) operation: Operation,
    /// The plan whose route asks.
    pub(super) plan: u32,
    /// Where on it that is; none for what is no route's, such as `flush_all`.
    pub(super) route: Option<NodeId>,
    /// The digest of the key, where the reply names it; else 0.
    pub(super) key: u64,
    /// Bytes that the pool puts before every key.
    pub(super) prefix: u8,
    /// How many keys it is about.
    pub(super) keys: u32,
    /// Whether its values come in one reply with those of the next one: keys of several clients in one line.
    pub(super) joined: bool,
    /// Bytes of its keys in such a line, if those are kept there; else 0.
    pub(super) text: u32,
    /// When it was handed over.
    pub(super) since: Instant,
}

impl Pending {
    /// A request about one key that is no route's.
    #[inline]
    pub(super) fn new(to: To, kind: Kind, operation: Operation, plan: u32, since: Instant) -> Pending {
        Pending {
            to,
            kind,
            operation,
            plan,
            route: None,
            key: 0,
            prefix: 0,
            keys: 1,
            joined: false,
            text: 0,
            since,
        }
    }

    /// Whether nobody waits for what is still to come.
    #[inline]
    pub(super) fn is_answered(&self) -> bool {
        self.kind == Kind::Read { answered: true }
    }
}

/// Who waits for a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    /// A connection.
    Client(Place),
    /// A part of something larger.
    Part(PartId),
}

/// What a reply looks like, and what is made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One `mg` reply, to become that of `get`, or of `gets` with `cas`.
    Hit { cas: bool },
    /// One `mg` reply, of which a miss is kept quiet.
    QuietHit,
    /// `VALUE` any number of times, `END`.
    Values,
    /// One key in a line of many: `VALUE` or nothing, and `END` behind the last of the line.
    Read {
        /// Its value has come, the end of the line has not.
        answered: bool,
    },
    /// One line of the classic protocol.
    Line,
    /// One reply of the meta protocol, which repeats parts of the request with `echoes`.
    Meta { echoes: bool },
    /// At most one reply of the meta protocol, then `MN`: whether there is one, the server knows best.
    Quiet { replied: bool },
}

/// Whether a reply fits its request, and whether more is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// This was all.
    Last,
    /// There is more.
    More,
    /// It belongs to something else: both ends are out of step.
    Wrong,
}

impl Kind {
    /// Judges a reply and moves on.
    #[inline]
    pub(super) fn fit(&mut self, reply: &Reply<'_>) -> Fit {
        let refused = matches!(reply, Reply::Error(_) | Reply::ClientError(_) | Reply::ServerError(_));
        match self {
            Kind::Hit { .. } | Kind::QuietHit | Kind::Meta { .. } => match reply {
                Reply::Meta(_) | Reply::MetaDebug { .. } => Fit::Last,
                _ if refused => Fit::Last,
                _ => Fit::Wrong,
            },
            Kind::Values | Kind::Read { .. } => match reply {
                Reply::Value(_) => Fit::More,
                Reply::End => Fit::Last,
                _ if refused => Fit::Last,
                _ => Fit::Wrong,
            },
            Kind::Quiet { replied } => match reply {
                Reply::MetaNoop => Fit::Last,
                _ if !*replied && (refused || matches!(reply, Reply::Meta(_))) => {
                    *replied = true;
                    Fit::More
                }
                _ => Fit::Wrong,
            },
            Kind::Line => match reply {
                Reply::Value(_) | Reply::Meta(_) | Reply::MetaNoop | Reply::Stat { .. } => Fit::Wrong,
                _ => Fit::Last,
            },
        }
    }
}

/// What a reply says, in the words of routes.
#[inline]
pub(super) fn answer(reply: &Reply<'_>) -> Answer {
    use peerset_proto_memcache::reply::MetaStatus;
    match reply {
        Reply::Meta(MetaReply { status, .. }) => match status {
            MetaStatus::Done => Answer::Success,
            MetaStatus::Miss => Answer::Miss,
            MetaStatus::NotFound => Answer::NotFound,
            MetaStatus::NotStored => Answer::NotStored,
            MetaStatus::Exists => Answer::Exists,
        },
        Reply::End => Answer::Miss,
        Reply::NotStored => Answer::NotStored,
        Reply::NotFound => Answer::NotFound,
        Reply::Exists => Answer::Exists,
        Reply::ClientError(_) => Answer::ClientError,
        Reply::ServerError(_) => Answer::ServerError,
        Reply::Error(_) => Answer::UnknownCommand,
        _ => Answer::Success,
    }
}

/// A digest of a key, to notice a reply that belongs to another. Not for keys chosen by an enemy: the server is ours.
#[inline]
pub(super) fn digest(key: &[u8]) -> u64 {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut chunks = key.chunks_exact(8);
    let mut hash = key.len() as u64;
    for chunk in &mut chunks {
        let word = u64::from_le_bytes(chunk.try_into().expect("chunks of eight bytes"));
        hash = (hash ^ word).wrapping_mul(MIX);
        hash ^= hash >> 32;
    }
    let mut rest = [0; 8];
    rest[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    hash = (hash ^ u64::from_le_bytes(rest)).wrapping_mul(MIX);
    (hash ^ hash >> 32).max(1)
}
