//! Storing: set, add, replace, append, prepend and cas, classic and meta.

use crate::expiry::Expiry;
use crate::key::{Hashed, Key};
use crate::record::Bits;
use crate::segment::Location;
use crate::shard::{Full, NewItem, Shard};
use crate::value::Value;

/// What to store, and when. [`Put::new`] is a plain `set`.
#[derive(Debug, Clone, Copy)]
pub struct Put<'a> {
    /// Under what conditions.
    pub mode: Mode,
    /// The item's name.
    pub key: Key<'a>,
    /// The value, or what is to be joined to it.
    pub value: &'a [u8],
    /// Opaque to the store. An append keeps those of the item.
    pub flags: u32,
    /// When the item ends. An append keeps that of the item.
    pub expiry: Expiry,
    /// Only if the item has this CAS value: `cas`, and meta `C`. An add does not look at it; an append does not look at
    /// 0.
    pub compare_cas: Option<u64>,
    /// The item's CAS value from now on, instead of the next one (meta `E`).
    pub cas_new: Option<u64>,
    /// With `compare_cas` in a set or replace: a *lower* value stores too, but the item is stale and keeps its expiry
    /// (meta `I`).
    pub invalidate: bool,
    /// An append to nothing stores its value with this expiry (meta `N`).
    pub vivify: Option<Expiry>,
    /// The key was given in base64 and is to be shown so.
    pub binary_key: bool,
}

/// Under what conditions a [`Put`] stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Always.
    Set,
    /// If there is no such item.
    Add,
    /// If there is such an item.
    Replace,
    /// Behind the value there is.
    Append,
    /// Before the value there is.
    Prepend,
}

/// What became of a [`Put`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum PutOutcome {
    /// It is stored.
    Stored {
        /// The item's new CAS value.
        cas: u64,
        /// The length of the whole value, larger than what was given if it was joined.
        value_len: usize,
    },
    /// The mode's condition does not hold, or the joined value would be too large. Nothing changed.
    NotStored,
    /// The item has another CAS value. Nothing changed.
    Exists,
    /// There is no item whose CAS value could be compared. Nothing changed.
    NotFound,
    /// The value alone is larger than the largest item; see [`Store::fits`](crate::Store::fits). Nothing changed:
    /// memcached deletes the item it would have replaced, which is for the caller to do.
    TooLarge,
    /// The kernel has no memory. The item that would have been replaced is gone.
    OutOfMemory,
}

impl<'a> Put<'a> {
    /// A plain `set` without flags that never expires.
    pub const fn new(key: Key<'a>, value: &'a [u8]) -> Put<'a> {
        Put {
            mode: Mode::Set,
            key,
            value,
            flags: 0,
            expiry: Expiry::NEVER,
            compare_cas: None,
            cas_new: None,
            invalidate: false,
            vivify: None,
            binary_key: false,
        }
    }
}

/// What is to be done, once it is known what is there.
enum Decision {
    Store,
    /// Storing what is known to be out of date.
    StoreStale,
    Join,
    Refuse(PutOutcome),
}

impl Shard {
    pub(crate) fn put(&mut self, key: Hashed<'_>, put: &Put<'_>, now: u32) -> PutOutcome {
        if !self.geometry.item_fits(key.key.len(), put.flags, put.value.len()) {
            return PutOutcome::TooLarge;
        }
        let old = self.find(key, now);
        let joins = matches!(put.mode, Mode::Append | Mode::Prepend);
        let expiry = if joins { put.vivify.unwrap_or_default() } else { put.expiry };
        let mut item = NewItem {
            key,
            value: [put.value, &[]],
            flags: put.flags,
            expires: expiry.unix_seconds(),
            cas: 0,
            bits: Bits::default().with(Bits::BINARY_KEY, put.binary_key),
        };
        match self.decide(old, put) {
            Decision::Store => self.finish(&mut item, put, old, now),
            Decision::StoreStale => {
                if let Some(old) = old {
                    let header = self.header(old);
                    item.expires = header.expires;
                    let win_sent = header.bits.has(Bits::WIN_SENT);
                    item.bits = item.bits.with(Bits::STALE, true).with(Bits::WIN_SENT, win_sent);
                }
                self.finish(&mut item, put, old, now)
            }
            Decision::Join => self.join(item, put, old, now),
            Decision::Refuse(outcome) => {
                if let (Mode::Add, Some(old)) = (put.mode, old) {
                    // memcached counts a failed add as a use of the item, though not as a read.
                    let before = self.header(old);
                    let mut after = before;
                    (after.access, after.bits) = (now, before.bits.read_once_more());
                    self.update(old, &before, &after);
                }
                outcome
            }
        }
    }

    /// `do_store_item` in memcached 1.6.18, which this follows case by case.
    fn decide(&self, old: Option<Location>, put: &Put<'_>) -> Decision {
        let old = old.map(|old| self.header(old).cas);
        match (put.mode, old, put.compare_cas) {
            (Mode::Add, Some(_), _) => Decision::Refuse(PutOutcome::NotStored),
            (Mode::Add, None, _) => Decision::Store,

            (Mode::Set, _, None) | (Mode::Replace, Some(_), None) => Decision::Store,
            (Mode::Replace, None, None) => Decision::Refuse(PutOutcome::NotStored),
            (Mode::Set | Mode::Replace, None, Some(_)) => Decision::Refuse(PutOutcome::NotFound),
            // 0 is "no CAS value" and matches nothing.
            (Mode::Set | Mode::Replace, Some(_), Some(0)) => Decision::Refuse(PutOutcome::Exists),
            (Mode::Set | Mode::Replace, Some(cas), Some(wanted)) => match wanted {
                _ if wanted == cas => Decision::Store,
                _ if wanted < cas && put.invalidate => Decision::StoreStale,
                _ => Decision::Refuse(PutOutcome::Exists),
            },

            (Mode::Append | Mode::Prepend, None, _) => match put.vivify {
                Some(_) => Decision::Store,
                None => Decision::Refuse(PutOutcome::NotStored),
            },
            (Mode::Append | Mode::Prepend, Some(_), None | Some(0)) => Decision::Join,
            (Mode::Append | Mode::Prepend, Some(cas), Some(wanted)) => match wanted == cas {
                true => Decision::Join,
                false => Decision::Refuse(PutOutcome::Exists),
            },
        }
    }

    /// Appends or prepends: a new item with the flags and the expiry of the old one, and none of its marks.
    fn join(&mut self, item: NewItem<'_>, put: &Put<'_>, old: Option<Location>, now: u32) -> PutOutcome {
        let Some(location) = old else { return PutOutcome::NotStored };
        let record = self.segments.record(location);
        let (flags, expires) = (record.flags(), record.header.expires);
        let len = record.header.value_len as usize + put.value.len();
        if !self.geometry.item_fits(item.key.key.len(), flags, len) {
            return PutOutcome::NotStored;
        }
        // A copy, since making room for the new item may evict the old one.
        let value = Value::of(&self.segments, &record).to_vec();
        let value = match put.mode {
            Mode::Prepend => [put.value, &value],
            _ => [&value, put.value],
        };
        let mut item = NewItem { value, flags, expires, bits: Bits::default(), ..item };
        self.finish(&mut item, put, old, now)
    }

    fn finish(
        &mut self,
        item: &mut NewItem<'_>,
        put: &Put<'_>,
        old: Option<Location>,
        now: u32,
    ) -> PutOutcome {
        item.cas = self.shared.cas(put.cas_new);
        let value_len = item.value[0].len() + item.value[1].len();
        match self.store(item, old, now) {
            Ok(_) => PutOutcome::Stored { cas: item.cas, value_len },
            Err(Full) => PutOutcome::OutOfMemory,
        }
    }
}
