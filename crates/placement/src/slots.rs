//! A list of slots that a hash picks from: plain division, and the table that Maglev fills.
//!
//! - **Shape**: 4 bytes a slot. Division has a slot for each server, or for each unit of weight.
//! - **Cost**: a lookup is one division or multiplication and one read.
//! - **Balance**: as even as the hash; but where servers are the slots, one server more or less moves nearly every key.

use crate::keys::KeyHash;
use crate::owners::Owners;

#[derive(Clone, Debug)]
pub(crate) struct Slots {
    /// At least one.
    owners: Box<[u32]>,
    key_hash: KeyHash,
    pick: Pick,
}

/// How a hash becomes the number of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    /// The remainder of 32 bits.
    Remainder,
    /// 64 bits as a fraction of the table, which a multiplication finds.
    Fraction,
}

impl Slots {
    /// `None` without a slot. `owners` are numbers of servers.
    pub(crate) fn new(owners: Vec<u32>, key_hash: KeyHash, pick: Pick) -> Option<Slots> {
        (!owners.is_empty()).then(|| Slots { owners: owners.into_boxed_slice(), key_hash, pick })
    }

    #[inline]
    fn slot(&self, key: &[u8]) -> usize {
        let count = self.owners.len();
        match self.pick {
            Pick::Remainder => (self.key_hash.narrow(key) % count as u32) as usize,
            Pick::Fraction => ((u128::from(self.key_hash.wide(key)) * count as u128) >> 64) as usize,
        }
    }

    #[inline]
    pub(crate) fn owner(&self, key: &[u8]) -> usize {
        self.owners[self.slot(key)] as usize
    }

    /// The owner, and those of the slots that follow.
    pub(crate) fn owners(&self, key: &[u8], owners: &mut Owners) {
        let (before, from) = self.owners.split_at(self.slot(key));
        let mut rest = from.iter().chain(before);
        while !owners.is_full()
            && let Some(owner) = rest.next()
        {
            owners.add(*owner as usize);
        }
    }

    /// Exactly how many of the hashes pick each server's slots, of how many.
    pub(crate) fn owned(&self, servers: usize) -> (Vec<u128>, u128) {
        let count = self.owners.len() as u128;
        let hashes = 1_u128 << self.key_hash.bits();
        let mut owned = vec![0; servers];
        for (slot, owner) in (0..).zip(&self.owners) {
            owned[*owner as usize] += match self.pick {
                // The first slots get what division leaves over.
                Pick::Remainder => hashes / count + u128::from(slot < hashes % count),
                Pick::Fraction => 1,
            };
        }
        (owned, if self.pick == Pick::Fraction { count } else { hashes })
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.owners)
    }
}
