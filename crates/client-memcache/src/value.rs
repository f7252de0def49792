//! What is found.

use std::time::Duration;

use bytes::Bytes;

use crate::lane::{Found, Item};

/// An item as it was found. What was not asked for is none.
///
/// Short values are copied out of what was read; those from 32 KiB on share its memory.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Value {
    /// Any bytes.
    pub data: Bytes,
    /// The number stored with it.
    pub flags: u32,
    /// Its version, from `gets` and on request.
    pub cas: Option<Cas>,
    /// How long it will live, on request.
    pub ttl: Option<Ttl>,
    /// How long ago it was last read, on request; whole seconds.
    pub last_access: Option<Duration>,
    /// Whether it had been read before, on request.
    pub hit_before: Option<bool>,
    /// Whether it was marked stale, and by that is to be made anew.
    pub stale: bool,
    /// Who is to make it anew.
    pub win: Win,
}

/// A version of an item, for [`Client::cas`](crate::Client::cas). Comparable only for equality, and on one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cas(pub u64);

/// How long an item will live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ttl {
    /// Until it is evicted.
    Never,
    /// So long; whole seconds.
    Left(Duration),
}

/// Who is to make an item anew, where several may find out at the same time that it is missing, stale or about to expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Win {
    /// Nobody has to.
    #[default]
    None,
    /// This caller is.
    Won,
    /// Another caller is already. With an item made by [`vivify`](crate::GetOptions::vivify) there is no data yet.
    Taken,
}

impl From<Item> for Value {
    fn from(item: Item) -> Value {
        Value {
            data: item.data,
            flags: item.flags,
            cas: item.cas.map(Cas),
            ttl: item.ttl.map(|seconds| {
                u64::try_from(seconds).map_or(Ttl::Never, |s| Ttl::Left(Duration::from_secs(s)))
            }),
            last_access: item.last_access.map(Duration::from_secs),
            hit_before: item.hit_before,
            stale: item.stale,
            win: match (item.won, item.already_won) {
                (true, _) => Win::Won,
                (false, true) => Win::Taken,
                (false, false) => Win::None,
            },
        }
    }
}

impl From<Found> for Value {
    #[inline]
    fn from(found: Found) -> Value {
        Value { data: found.data, flags: found.flags, cas: found.cas.map(Cas), ..Value::default() }
    }
}
