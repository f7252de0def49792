//! Deleting, and the meta delete's gentler forms: marking an item stale, and keeping it without its value.

use crate::expiry::Expiry;
use crate::key::{Hashed, Key};
use crate::record::Bits;
use crate::shard::{Full, NewItem, Shard};

/// What to delete. [`Delete::new`] is a plain `delete`.
#[derive(Debug, Clone, Copy)]
pub struct Delete<'a> {
    /// The item's name.
    pub key: Key<'a>,
    /// Only if the item has this CAS value (meta `C`).
    pub compare_cas: Option<u64>,
    /// The CAS value of an item that stays, instead of the next one (meta `E`).
    pub cas_new: Option<u64>,
    /// The item stays, marked out of date; the next meta get wins (meta `I`).
    pub mark_stale: bool,
    /// With `mark_stale` or `drop_value`: the item's expiry from now on (meta `T`).
    pub touch: Option<Expiry>,
    /// The item stays without its value, with these client flags and, unless there is a `touch`, without an end (meta
    /// `x`, and `F` for the flags).
    pub drop_value: Option<u32>,
}

/// What became of a [`Delete`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum DeleteOutcome {
    /// It is deleted or marked.
    Done,
    /// There is no such item.
    NotFound,
    /// The item has another CAS value. Nothing changed.
    Exists,
    /// The kernel has no memory for what should stay. The item is gone.
    OutOfMemory,
}

impl<'a> Delete<'a> {
    /// A plain `delete`.
    pub const fn new(key: Key<'a>) -> Delete<'a> {
        Delete { key, compare_cas: None, cas_new: None, mark_stale: false, touch: None, drop_value: None }
    }
}

impl Shard {
    pub(crate) fn delete(&mut self, key: Hashed<'_>, delete: &Delete<'_>, now: u32) -> DeleteOutcome {
        let Some(mut location) = self.find(key, now) else { return DeleteOutcome::NotFound };
        let cas = self.header(location).cas;
        if delete.compare_cas.is_some_and(|wanted| wanted != cas) {
            return DeleteOutcome::Exists;
        }
        if let Some(flags) = delete.drop_value {
            let expires = delete.touch.unwrap_or_default().unix_seconds();
            let cas = delete.cas_new.unwrap_or(cas);
            let item = NewItem { key, value: [&[], &[]], flags, expires, cas, bits: Bits::default() };
            location = match self.store(&item, Some(location), now) {
                Ok(location) => location,
                Err(Full) => return DeleteOutcome::OutOfMemory,
            };
        }
        if delete.mark_stale {
            let before = self.header(location);
            let mut after = before;
            after.bits = before.bits.with(Bits::STALE, true).with(Bits::WIN_SENT, false);
            after.cas = self.shared.cas(delete.cas_new);
            if let Some(expiry) = delete.touch {
                after.expires = expiry.unix_seconds();
            }
            self.update(location, &before, &after);
        } else if delete.drop_value.is_none() {
            self.remove(location);
        }
        DeleteOutcome::Done
    }
}
