//! Replies to meta commands.

use crate::request::{Key, MetaFlags, MetaKey};

/// What a meta command came to. `VA` is [`Done`](MetaStatus::Done) with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetaStatus {
    /// `HD`, or `VA`: hit, stored, deleted, counted.
    Done,
    /// `EN`: `mg` or `me` found nothing.
    Miss,
    /// `NF`: there is no such item to store to, delete or count.
    NotFound,
    /// `NS`: a condition of `ms` did not hold.
    NotStored,
    /// `EX`: the CAS was another.
    Exists,
}

impl MetaStatus {
    /// The word a line begins with; [`MetaStatus::Done`] without a value.
    #[inline]
    pub fn word(self) -> &'static [u8; 2] {
        match self {
            MetaStatus::Done => b"HD",
            MetaStatus::Miss => b"EN",
            MetaStatus::NotFound => b"NF",
            MetaStatus::NotStored => b"NS",
            MetaStatus::Exists => b"EX",
        }
    }
}

/// A reply to `mg`, `ms`, `md` or `ma`.
///
/// The getters walk the flags, which are few, and give `None` for a flag that is not there or makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetaReply<'b> {
    /// What it came to.
    pub status: MetaStatus,
    /// With `VA` only.
    pub value: Option<&'b [u8]>,
    /// All flags in the order of the reply.
    pub flags: MetaFlags<'b>,
}

impl<'b> MetaReply<'b> {
    /// `s`: the value's length in bytes.
    pub fn size(&self) -> Option<u64> {
        self.number(b's')
    }

    /// `t`: seconds to live; -1 for ever.
    pub fn ttl(&self) -> Option<i64> {
        match self.token(b't')? {
            b"-1" => Some(-1),
            digits => i64::try_from(number(digits)?).ok(),
        }
    }

    /// `c`: the CAS.
    pub fn cas(&self) -> Option<u64> {
        self.number(b'c')
    }

    /// `f`: client flags.
    pub fn client_flags(&self) -> Option<u32> {
        u32::try_from(self.number(b'f')?).ok()
    }

    /// `k` and `b`: the key.
    pub fn key(&self) -> Option<MetaKey<'b>> {
        let key = Key::new(self.token(b'k')?).ok()?;
        if self.has(b'b') { MetaKey::encoded(key) } else { Some(MetaKey::plain(key)) }
    }

    /// `O`: the opaque of the request.
    pub fn opaque(&self) -> Option<&'b [u8]> {
        self.token(b'O')
    }

    /// `h`: whether the item had been read before.
    pub fn hit_before(&self) -> Option<bool> {
        self.number(b'h').map(|number| number != 0)
    }

    /// `l`: seconds since the last access.
    pub fn last_access(&self) -> Option<u64> {
        self.number(b'l')
    }

    /// `W`: this client is to make the value anew.
    pub fn won(&self) -> bool {
        self.has(b'W')
    }

    /// `X`: the item is stale.
    pub fn stale(&self) -> bool {
        self.has(b'X')
    }

    /// `Z`: another client is already making the value anew.
    pub fn already_won(&self) -> bool {
        self.has(b'Z')
    }

    fn token(&self, letter: u8) -> Option<&'b [u8]> {
        self.flags.iter().find(|flag| flag.letter == letter).map(|flag| flag.token)
    }

    fn has(&self, letter: u8) -> bool {
        self.token(letter).is_some()
    }

    fn number(&self, letter: u8) -> Option<u64> {
        number(self.token(letter)?)
    }
}

/// Digits and nothing else: servers, unlike clients, are not forgiven anything.
pub(super) fn number(word: &[u8]) -> Option<u64> {
    if word.is_empty() {
        return None;
    }
    word.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 { None } else { number.checked_mul(10)?.checked_add(u64::from(digit)) }
    })
}
