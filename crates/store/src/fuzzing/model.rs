//! What a store should do, said as simply as possible: a map that never evicts.

use std::collections::HashMap;

use crate::{
    Arithmetic, ArithmeticOutcome, Delete, DeleteOutcome, Direction, Expiry, Get, Mode, Put, PutOutcome,
    Recache, item_bytes,
};

const ITEM_BYTES_MAX: u64 = 300 << 10;

#[derive(Clone, Default)]
struct Item {
    value: Vec<u8>,
    flags: u32,
    expiry: Expiry,
    cas: u64,
    accessed: u32,
    fetched: bool,
    stale: bool,
    win_sent: bool,
    binary_key: bool,
}

/// All that a reader can see of an item.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) value: Vec<u8>,
    pub(super) flags: u32,
    pub(super) cas: u64,
    pub(super) expiry_before: Expiry,
    pub(super) expiry: Expiry,
    pub(super) accessed: u32,
    pub(super) fetched_before: bool,
    /// Won, stale, win sent, binary key.
    pub(super) marks: [bool; 4],
}

pub(super) struct Model {
    items: HashMap<Vec<u8>, Item>,
    cas: u64,
    flush_at: Option<u32>,
}

impl Model {
    pub(super) fn new() -> Model {
        Model { items: HashMap::new(), cas: 0, flush_at: None }
    }

    pub(super) fn len(&self) -> u64 {
        self.items.len() as u64
    }

    pub(super) fn bytes(&self) -> u64 {
        self.items.iter().map(|(key, item)| item_bytes(key.len(), item.flags, item.value.len())).sum()
    }

    pub(super) fn forget(&mut self, key: &[u8]) {
        self.items.remove(key);
    }

    pub(super) fn drop_expired(&mut self, now: u32) {
        self.items.retain(|_, item| !item.expiry.is_past(now));
    }

    pub(super) fn flush_all(&mut self, exptime: i64, now: u32) {
        let at = if exptime <= 0 { now } else { now + exptime as u32 };
        if at <= now + 1 {
            self.cas += 1;
        }
        self.flush_at = (at > now).then_some(at - 1);
        if at <= now {
            self.items.clear();
        }
    }

    pub(super) fn settle(&mut self, now: u32) {
        if self.flush_at.is_some_and(|at| now >= at) {
            self.items.clear();
            self.flush_at = self.flush_at.filter(|&at| now == at);
        }
    }

    fn next_cas(&mut self, chosen: Option<u64>) -> u64 {
        chosen.unwrap_or_else(|| {
            self.cas += 1;
            self.cas
        })
    }

    fn live(&mut self, key: &[u8], now: u32) -> Option<&mut Item> {
        if self.items.get(key)?.expiry.is_past(now) {
            self.items.remove(key);
        }
        self.items.get_mut(key)
    }

    pub(super) fn get(&mut self, key: &[u8], how: &Get, now: u32) -> Option<Seen> {
        let created = self.live(key, now).is_none();
        if created {
            how.vivify?;
            let cas = self.next_cas(how.cas_new);
            self.items.insert(key.to_vec(), Item { cas, accessed: now, ..Item::default() });
        }
        let item = self.items.get_mut(key)?;
        let before = item.clone();
        if how.bump {
            (item.accessed, item.fetched) = (now, true);
        }
        item.expiry = if created { how.vivify? } else { how.touch.unwrap_or(item.expiry) };
        let below = |expiry: Expiry, limit: Expiry| {
            expiry != Expiry::NEVER && expiry.unix_seconds() < limit.unix_seconds()
        };
        let recache = match how.recache {
            Some(Recache::FoundBelow(limit)) => below(before.expiry, limit),
            Some(Recache::TouchedBelow(limit)) => below(item.expiry, limit),
            None => false,
        };
        let won = how.meta && (created || !before.win_sent && (recache || before.stale));
        item.win_sent |= won;
        Some(Seen {
            value: before.value,
            flags: before.flags,
            cas: before.cas,
            expiry_before: before.expiry,
            expiry: item.expiry,
            accessed: before.accessed,
            fetched_before: before.fetched,
            marks: [won, before.stale, before.win_sent, before.binary_key],
        })
    }

    pub(super) fn put(&mut self, put: &Put<'_>, now: u32) -> PutOutcome {
        let key = put.key.as_bytes();
        let fits = |flags, len| item_bytes(key.len(), flags, len) <= ITEM_BYTES_MAX;
        if !fits(put.flags, put.value.len()) {
            return PutOutcome::TooLarge;
        }
        let joins = matches!(put.mode, Mode::Append | Mode::Prepend);
        let old = self.live(key, now).cloned();
        let mut item = Item {
            value: put.value.to_vec(),
            flags: put.flags,
            expiry: if joins { put.vivify.unwrap_or(Expiry::NEVER) } else { put.expiry },
            binary_key: put.binary_key,
            accessed: now,
            ..Item::default()
        };
        match old {
            None => match put.mode {
                Mode::Set | Mode::Replace if put.compare_cas.is_some() => return PutOutcome::NotFound,
                Mode::Set | Mode::Add => {}
                Mode::Append | Mode::Prepend if put.vivify.is_some() => {}
                _ => return PutOutcome::NotStored,
            },
            Some(_) if put.mode == Mode::Add => {
                if let Some(old) = self.items.get_mut(key) {
                    old.accessed = now;
                }
                return PutOutcome::NotStored;
            }
            Some(old) if joins => {
                if put.compare_cas.is_some_and(|cas| cas != 0 && cas != old.cas) {
                    return PutOutcome::Exists;
                }
                let mut value = [old.value, put.value.to_vec()];
                if put.mode == Mode::Prepend {
                    value.reverse();
                }
                let value = value.concat();
                if !fits(old.flags, value.len()) {
                    return PutOutcome::NotStored;
                }
                item = Item { value, flags: old.flags, expiry: old.expiry, accessed: now, ..Item::default() };
            }
            Some(old) => match put.compare_cas {
                None => {}
                Some(cas) if cas != 0 && cas == old.cas => {}
                Some(cas) if cas != 0 && cas < old.cas && put.invalidate => {
                    (item.expiry, item.stale, item.win_sent) = (old.expiry, true, old.win_sent);
                }
                Some(_) => return PutOutcome::Exists,
            },
        }
        item.cas = self.next_cas(put.cas_new);
        let outcome = PutOutcome::Stored { cas: item.cas, value_len: item.value.len() };
        self.items.insert(key.to_vec(), item);
        outcome
    }

    pub(super) fn delete(&mut self, delete: &Delete<'_>, now: u32) -> DeleteOutcome {
        let key = delete.key.as_bytes();
        let Some(old) = self.live(key, now).cloned() else { return DeleteOutcome::NotFound };
        if delete.compare_cas.is_some_and(|cas| cas != old.cas) {
            return DeleteOutcome::Exists;
        }
        self.items.remove(key);
        let mut item = old;
        if let Some(flags) = delete.drop_value {
            let cas = delete.cas_new.unwrap_or(item.cas);
            item = Item {
                flags,
                cas,
                expiry: delete.touch.unwrap_or_default(),
                accessed: now,
                ..Item::default()
            };
        }
        if delete.mark_stale {
            (item.stale, item.win_sent) = (true, false);
            item.cas = self.next_cas(delete.cas_new);
            item.expiry = delete.touch.unwrap_or(item.expiry);
        }
        if delete.mark_stale || delete.drop_value.is_some() {
            self.items.insert(key.to_vec(), item);
        }
        DeleteOutcome::Done
    }

    pub(super) fn arithmetic(&mut self, wanted: &Arithmetic<'_>, now: u32) -> ArithmeticOutcome {
        let key = wanted.key.as_bytes();
        let Some(old) = self.live(key, now).cloned() else {
            let Some((number, expiry)) = wanted.initial else { return ArithmeticOutcome::NotFound };
            let cas = self.next_cas(wanted.cas_new);
            let value = number.to_string().into_bytes();
            self.items.insert(key.to_vec(), Item { value, expiry, cas, accessed: now, ..Item::default() });
            return ArithmeticOutcome::Done {
                number,
                cas,
                expiry_before: Expiry::NEVER,
                expiry,
                created: true,
            };
        };
        if old.value.is_empty() {
            return ArithmeticOutcome::NonNumeric;
        }
        if wanted.compare_cas.is_some_and(|cas| cas != 0 && cas != old.cas) {
            return ArithmeticOutcome::Exists;
        }
        let Some(number) = number_in(&old.value) else { return ArithmeticOutcome::NonNumeric };
        let number = match wanted.direction {
            Direction::Increment => number.wrapping_add(wanted.delta),
            Direction::Decrement => number.saturating_sub(wanted.delta),
        };
        let cas = self.next_cas(wanted.cas_new);
        let mut value = number.to_string().into_bytes();
        let (expiry_before, expiry) = (old.expiry, wanted.touch.unwrap_or(old.expiry));
        let item = match value.len() <= old.value.len() {
            true => {
                value.resize(old.value.len(), b' ');
                Item { value, expiry, ..old }
            }
            // memcached forgets the new expiry here, and so must the store.
            false => Item { value, flags: old.flags, expiry: expiry_before, ..Item::default() },
        };
        self.items.insert(key.to_vec(), Item { cas, accessed: now, ..item });
        ArithmeticOutcome::Done { number, cas, expiry_before, expiry, created: false }
    }
}

/// The word up to the first zero byte, as a number; what looks negative as a 64-bit number is none.
fn number_in(value: &[u8]) -> Option<u64> {
    let text = value.split(|&byte| byte == 0).next()?;
    let is_space = |byte: &u8| matches!(byte, 9..=13 | 32);
    let start = text.iter().position(|byte| !is_space(byte))?;
    let word = text[start..].split(is_space).next()?;
    let (negative, digits) = match word {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = str::from_utf8(digits).ok()?.parse().ok()?;
    match negative {
        true => Some(number.wrapping_neg()).filter(|number| number >> 63 == 0),
        false => Some(number),
    }
}
