//! Operations from bytes: any bytes make some, and a change of one byte changes little.

use crate::{Arithmetic, Delete, Direction, Expiry, Get, Key, Mode, Put, Recache};

/// One step of a run.
#[derive(Debug)]
pub(super) enum Operation {
    Get(Key<'static>, Get),
    /// With the value, which the put itself leaves empty.
    Put(Put<'static>, Vec<u8>),
    Delete(Delete<'static>),
    Arithmetic(Arithmetic<'static>),
    Flush(i64),
    Wait(u32),
    Maintain,
    Reserve(u64),
    Unreserve,
}

impl Operation {
    pub(super) fn key(&self) -> Option<Key<'static>> {
        match self {
            &Operation::Get(key, _) => Some(key),
            Operation::Put(put, _) => Some(put.key),
            Operation::Delete(delete) => Some(delete.key),
            Operation::Arithmetic(arithmetic) => Some(arithmetic.key),
            _ => None,
        }
    }
}

/// Few keys, so that they meet again.
static KEYS: [[u8; Key::BYTES_MAX]; 80] = {
    let mut keys = [[0; Key::BYTES_MAX]; 80];
    let mut name = 0;
    while name < keys.len() {
        keys[name] = [name as u8; Key::BYTES_MAX];
        name += 1;
    }
    keys
};

/// The bytes not yet used.
pub(super) struct Script<'d> {
    data: &'d [u8],
    /// Stored values differ from each other.
    serial: u32,
}

impl<'d> Script<'d> {
    pub(super) fn new(data: &'d [u8]) -> Script<'d> {
        Script { data, serial: 0 }
    }

    pub(super) fn operation(&mut self) -> Option<Operation> {
        let kind = self.byte()?;
        Some(match kind % 32 {
            0..=8 => {
                let key = self.key()?;
                Operation::Get(key, self.how()?)
            }
            9..=20 => self.put()?,
            21..=23 => self.delete()?,
            24..=26 => self.arithmetic()?,
            27 => Operation::Flush([0, 0, 1, 2, 5, -1][usize::from(self.byte()? % 6)]),
            28 => Operation::Wait(u32::from(self.byte()? % 40)),
            29 => Operation::Maintain,
            30 => Operation::Reserve(u64::from(self.byte()?) << 11),
            _ => Operation::Unreserve,
        })
    }

    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.data.split_first()?;
        self.data = rest;
        Some(byte)
    }

    fn key(&mut self) -> Option<Key<'static>> {
        let name = usize::from(self.byte()?) % KEYS.len();
        Key::new(&KEYS[name][..[1, 8, 20, 33, 249, 250][name % 6]]).ok()
    }

    fn value(&mut self) -> Option<Vec<u8>> {
        let (class, size) = (self.byte()?, usize::from(self.byte()?));
        self.serial += 1;
        let len = match class % 16 {
            0 => return Some(format!("{}", u64::MAX - size as u64 % 4).into_bytes()),
            1..=3 => return Some(format!("{size}").into_bytes()),
            4 => 0,
            5..=10 => size,
            11..=12 => size * 16,
            13 => size * 300,
            14 => size * 1100,
            _ => 4,
        };
        let mut value = self.serial.to_le_bytes().repeat(len / 4 + 1);
        value.truncate(len);
        Some(value)
    }

    fn expiry(&mut self) -> Option<Expiry> {
        Some(match self.byte()? % 4 {
            0 | 1 => Expiry::NEVER,
            // Absolute, as the script does not know the time; it starts at 1,000,000,000.
            2 => Expiry::from_unix_seconds(1_000_000_000 + u32::from(self.byte()?) * 4),
            _ => Expiry::EXPIRED,
        })
    }

    fn maybe_expiry(&mut self) -> Option<Option<Expiry>> {
        Some(if self.byte()?.is_multiple_of(4) { Some(self.expiry()?) } else { None })
    }

    /// CAS values near those that are given out.
    fn maybe_cas(&mut self) -> Option<Option<u64>> {
        Some(if self.byte()?.is_multiple_of(4) { Some(u64::from(self.byte()?)) } else { None })
    }

    fn how(&mut self) -> Option<Get> {
        let bits = self.byte()?;
        let mut how = Get { bump: bits & 3 != 0, meta: bits & 4 != 0, ..Get::CLASSIC };
        if bits & 8 != 0 {
            how.touch = self.maybe_expiry()?;
            how.vivify = self.maybe_expiry()?;
            how.cas_new = self.maybe_cas()?;
            let expiry = self.expiry()?;
            how.recache = match bits >> 4 & 3 {
                1 => Some(Recache::FoundBelow(expiry)),
                2 => Some(Recache::TouchedBelow(expiry)),
                _ => None,
            };
        }
        Some(how)
    }

    fn put(&mut self) -> Option<Operation> {
        let (key, value, bits) = (self.key()?, self.value()?, self.byte()?);
        let mode = match bits & 7 {
            0..=3 => Mode::Set,
            4 => Mode::Add,
            5 => Mode::Replace,
            6 => Mode::Append,
            _ => Mode::Prepend,
        };
        let mut put = Put { mode, expiry: self.expiry()?, ..Put::new(key, &[]) };
        put.flags = u32::from(bits >> 3 & 1) * 77;
        put.invalidate = bits & 16 != 0;
        put.binary_key = bits & 32 != 0;
        if bits & 64 != 0 {
            put.compare_cas = self.maybe_cas()?;
            put.cas_new = self.maybe_cas()?;
            put.vivify = self.maybe_expiry()?;
        }
        Some(Operation::Put(put, value))
    }

    fn delete(&mut self) -> Option<Operation> {
        let (key, bits) = (self.key()?, self.byte()?);
        let (compare_cas, cas_new, touch) = (self.maybe_cas()?, self.maybe_cas()?, self.maybe_expiry()?);
        let drop_value = (bits & 2 != 0).then_some(u32::from(bits >> 2));
        let mark_stale = bits & 1 != 0;
        Some(Operation::Delete(Delete { key, compare_cas, cas_new, mark_stale, touch, drop_value }))
    }

    fn arithmetic(&mut self) -> Option<Operation> {
        let (key, bits, delta) = (self.key()?, self.byte()?, self.byte()?);
        let delta = if bits & 2 != 0 { u64::MAX - u64::from(delta) } else { u64::from(delta) };
        let direction = if bits & 1 != 0 { Direction::Increment } else { Direction::Decrement };
        let initial = self.maybe_expiry()?.map(|expiry| (delta, expiry));
        let (compare_cas, cas_new, touch) = (self.maybe_cas()?, self.maybe_cas()?, self.maybe_expiry()?);
        let arithmetic = Arithmetic { key, delta, direction, initial, compare_cas, cas_new, touch };
        Some(Operation::Arithmetic(arithmetic))
    }
}
