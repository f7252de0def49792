//! Reading: plain gets, touches, and the meta get with its ways to win a recache.

use crate::expiry::Expiry;
use crate::key::Hashed;
use crate::record::{Bits, Header};
use crate::segment::Location;
use crate::shard::{NewItem, Shard};
use crate::value::Value;

/// How to read. [`Get::CLASSIC`] is a plain `get`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Get {
    /// Gives the item this expiry (`gat`, meta `T`); an item made by `vivify` keeps that expiry.
    pub touch: Option<Expiry>,
    /// Whether this counts as a read, for eviction, `fetched_before` and the last access (not with meta `u`).
    pub bump: bool,
    /// Takes part in recaching, as every meta get does: may win, and then nobody else does.
    pub meta: bool,
    /// On a miss, makes an empty item with this expiry, and wins (meta `N`).
    pub vivify: Option<Expiry>,
    /// Wins if the item ends before this (meta `R`).
    pub recache: Option<Recache>,
    /// The CAS value of an item made by `vivify`, instead of the next one (meta `E`).
    pub cas_new: Option<u64>,
}

/// When an item is to be recached early. Flags of a meta get are worked off in their order, which shows when both `T`
/// and `R` are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recache {
    /// If it ended before this, as it was found.
    FoundBelow(Expiry),
    /// If it ends before this, once touched: `T` came first.
    TouchedBelow(Expiry),
}

impl Get {
    /// `get` and `gets`.
    pub const CLASSIC: Get =
        Get { touch: None, bump: true, meta: false, vivify: None, recache: None, cas_new: None };
    /// `mg` without flags that change anything.
    pub const META: Get = Get { meta: true, ..Get::CLASSIC };
    /// `me`: looks and leaves no trace.
    pub const PEEK: Get = Get { bump: false, ..Get::CLASSIC };

    /// `gat` and `touch`.
    pub const fn touching(expiry: Expiry) -> Get {
        Get { touch: Some(expiry), ..Get::CLASSIC }
    }
}

impl Default for Get {
    fn default() -> Get {
        Get::CLASSIC
    }
}

/// An item that was found, or made; lives while its shard is locked, so look quickly.
#[derive(Debug)]
#[non_exhaustive]
pub struct Hit<'s> {
    /// The value.
    pub value: Value<'s>,
    /// Client flags.
    pub flags: u32,
    /// The CAS value.
    pub cas: u64,
    /// When the item was to end before this get, [`Expiry::NEVER`] for one just made.
    pub expiry_before: Expiry,
    /// When the item ends now.
    pub expiry: Expiry,
    /// Unix second of the last access before this one (meta `l` is `now` less this).
    pub accessed: u32,
    /// Whether it was ever read before (meta `h`).
    pub fetched_before: bool,
    /// It was made by this get's `vivify`.
    pub created: bool,
    /// This reader is to recache it (meta `W`).
    pub won: bool,
    /// It is marked out of date (meta `X`).
    pub stale: bool,
    /// Another reader won earlier (meta `Z`).
    pub win_sent: bool,
    /// The key was given in base64 when the item was stored, and meta `k` shows it so.
    pub binary_key: bool,
}

impl Shard {
    #[inline]
    pub(crate) fn get<R>(
        &mut self,
        key: Hashed<'_>,
        how: &Get,
        now: u32,
        read: impl FnOnce(&Hit<'_>) -> R,
    ) -> Option<R> {
        let found = self.find(key, now);
        let created = found.is_none();
        let location = match found {
            Some(location) => location,
            None => self.vivify(key, how, now)?,
        };
        let before = self.header(location);
        let mut after = before;
        if how.bump {
            after.access = now;
            after.bits = after.bits.with(Bits::FETCHED, true).read_once_more();
        }
        match (created, how.touch, how.vivify) {
            (true, _, Some(expiry)) | (false, Some(expiry), _) => after.expires = expiry.unix_seconds(),
            _ => {}
        }
        let won = how.meta && (created || wins(how, &before, &after));
        after.bits = after.bits.with(Bits::WIN_SENT, won || before.bits.has(Bits::WIN_SENT));
        self.update(location, &before, &after);

        let record = self.segments.record(location);
        Some(read(&Hit {
            value: Value::of(&self.segments, &record),
            flags: record.flags(),
            cas: after.cas,
            expiry_before: Expiry::from_unix_seconds(before.expires),
            expiry: Expiry::from_unix_seconds(after.expires),
            accessed: before.access,
            fetched_before: before.bits.has(Bits::FETCHED),
            created,
            won,
            stale: before.bits.has(Bits::STALE),
            win_sent: before.bits.has(Bits::WIN_SENT),
            binary_key: before.bits.has(Bits::BINARY_KEY),
        }))
    }

    /// Writes what changed of a header; a hot item read twice in a second does not change at all.
    #[inline]
    pub(super) fn update(&mut self, location: Location, before: &Header, after: &Header) {
        let key = |it: &Header| (it.cas, it.expires, it.access, it.bits);
        if key(before) != key(after) {
            self.segments.set_header(location, after);
        }
        if before.expires != after.expires {
            self.segments.note_expiry(location, after.expires);
        }
    }

    fn vivify(&mut self, key: Hashed<'_>, how: &Get, now: u32) -> Option<Location> {
        how.vivify?;
        let cas = self.shared.cas(how.cas_new);
        let item = NewItem { key, value: [&[], &[]], flags: 0, expires: 0, cas, bits: Bits::default() };
        self.store(&item, None, now).ok()
    }
}

fn wins(how: &Get, before: &Header, after: &Header) -> bool {
    if before.bits.has(Bits::WIN_SENT) {
        return false;
    }
    let due = match how.recache {
        Some(Recache::FoundBelow(limit)) => Expiry::from_unix_seconds(before.expires).is_before(limit),
        Some(Recache::TouchedBelow(limit)) => Expiry::from_unix_seconds(after.expires).is_before(limit),
        None => false,
    };
    due || before.bits.has(Bits::STALE)
}
