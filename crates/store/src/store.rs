//! The store: shards behind their locks, and what they share.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::{Config, ConfigError, Geometry};
use crate::expiry::Expiry;
use crate::key::{Hashed, Key};
use crate::ops::{Arithmetic, ArithmeticOutcome, Delete, DeleteOutcome, Get, Hit, Put, PutOutcome};
use crate::shard::{Shard, Swept};
use crate::stats::Stats;

/// A cache bounded by bytes, to be shared between threads. See the [crate's documentation](crate).
///
/// `now` is the unix time in seconds, everywhere. It should not go backwards by much: an item that expired stays gone.
pub struct Store {
    shards: Box<[Locked]>,
    shared: Arc<Shared>,
    geometry: Geometry,
    /// The shard that maintenance looks at next, modulo their number.
    turn: AtomicUsize,
}

/// Its own pair of cache lines, so that neighbours do not slow each other down.
#[repr(align(128))]
struct Locked(Mutex<Shard>);

/// What all shards need of one another.
pub(crate) struct Shared {
    /// The last CAS value given out.
    cas: AtomicU64,
    /// Bytes held by reservations.
    pub(crate) reserved: AtomicU64,
}

impl Shared {
    /// The CAS value of an item that was just written: the next one, unless the client chose it.
    pub(crate) fn cas(&self, chosen: Option<u64>) -> u64 {
        chosen.unwrap_or_else(|| self.cas.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// What a shard may take now: at least its minimum, since [`Store::reserved_max`] bounds the reservations.
    pub(crate) fn shard_budget(&self, geometry: &Geometry) -> u64 {
        let reserved = self.reserved.load(Ordering::Relaxed).div_ceil(geometry.shards());
        geometry.shard_bytes.saturating_sub(reserved)
    }
}

/// What [`Store::maintain`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Maintained {
    /// Steps taken, of at most a millisecond each.
    pub steps: usize,
    /// Whether there may be more to do, as the steps allowed were used up.
    pub more: bool,
}

impl Store {
    /// An empty store, which takes memory only as it fills.
    pub fn new(config: &Config) -> Result<Store, ConfigError> {
        let geometry = Geometry::of(config)?;
        let shared = Arc::new(Shared { cas: AtomicU64::new(0), reserved: AtomicU64::new(0) });
        let shards = (0..geometry.shards()).map(|_| Shard::new(shared.clone(), geometry));
        let shards = shards.map(|shard| Locked(Mutex::new(shard))).collect();
        Ok(Store { shards, shared, geometry, turn: AtomicUsize::new(0) })
    }

    /// Looks an item up and lets `read` see it, under the shard's lock: copy what is needed and return. `None` is a
    /// miss.
    ///
    /// No allocation, whatever the value's size, unless `read` makes one.
    #[inline]
    pub fn get<R>(&self, key: Key<'_>, how: &Get, now: u32, read: impl FnOnce(&Hit<'_>) -> R) -> Option<R> {
        let (key, mut shard) = self.shard(key);
        shard.get(key, how, now, read)
    }

    /// Stores a value.
    ///
    /// A full store evicts to make room; only a value beyond [`Store::fits`] or a kernel without memory is refused.
    pub fn put(&self, put: &Put<'_>, now: u32) -> PutOutcome {
        let (key, mut shard) = self.shard(put.key);
        shard.put(key, put, now)
    }

    /// Deletes an item, or marks it.
    pub fn delete(&self, delete: &Delete<'_>, now: u32) -> DeleteOutcome {
        let (key, mut shard) = self.shard(delete.key);
        shard.delete(key, delete, now)
    }

    /// Adds to a number or subtracts from it.
    pub fn arithmetic(&self, arithmetic: &Arithmetic<'_>, now: u32) -> ArithmeticOutcome {
        let (key, mut shard) = self.shard(arithmetic.key);
        shard.arithmetic(key, arithmetic, now)
    }

    /// Gives an item another expiry, which counts as a read. Whether there was such an item.
    pub fn touch(&self, key: Key<'_>, expiry: Expiry, now: u32) -> bool {
        self.get(key, &Get::touching(expiry), now, |_| ()).is_some()
    }

    /// Drops every item: at once, or those last stored before `exptime` seconds have passed (or before that unix time).
    ///
    /// - At once (`exptime` 0, negative or past): the memory is given back now; what other threads store meanwhile may
    ///   stay or not.
    /// - Later: in the second *before* `now + exptime` everything there is goes, and whatever is stored during that same
    ///   second. That is memcached's arithmetic; a delay of 1 means now, and until the second is over.
    /// - Only the latest call counts.
    pub fn flush_all(&self, exptime: i64, now: u32) {
        let at = match exptime {
            ..=0 => now,
            _ => Expiry::from_wire(exptime, now).unix_seconds(),
        };
        let last = at.saturating_sub(1);
        if last <= now {
            // memcached takes a CAS value to tell old items from new ones; replies would differ if this did not.
            self.shared.cas(None);
        }
        for shard in &self.shards {
            if last < now {
                let remains = shard.lock().flush();
                drop(remains); // the lock is free again
            } else {
                shard.lock().flush_later(last, now);
            }
        }
    }

    /// Gives the memory of expired and deleted items back. To be called about once a second.
    ///
    /// Takes up to `steps_max` steps; one handles one segment under one shard's lock, some 0.1 to 1 ms, and there are
    /// only steps where something is due. If `more` is true, call again soon, in between other work.
    pub fn maintain(&self, now: u32, steps_max: usize) -> Maintained {
        let mut steps = 0;
        for _ in 0..self.shards.len() {
            // In turn, from call to call: a busy shard must not use up the steps of the others for ever.
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.shards.len();
            while self.shards[turn].lock().sweep(now) == Swept::Some {
                steps += 1;
                if steps >= steps_max {
                    return Maintained { steps, more: true };
                }
            }
        }
        Maintained { steps, more: false }
    }

    /// Whether an item is small enough: exactly those that memcached would store, so that a server can refuse a value
    /// before reading it.
    pub fn fits(&self, key: Key<'_>, flags: u32, value_len: usize) -> bool {
        self.geometry.item_fits(key.as_bytes().len(), flags, value_len)
    }

    /// The counters of all shards, added up one after the other.
    pub fn stats(&self) -> Stats {
        let mut sum =
            Stats { reserved_bytes: self.shared.reserved.load(Ordering::Relaxed), ..Stats::default() };
        for shard in &self.shards {
            sum += shard.lock().stats();
        }
        sum
    }

    /// Sets the counters of past events to zero.
    pub fn reset_stats(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.counters = shard.counters.without_history();
        }
    }

    /// Panics if the store is inconsistent. For tests; walks over everything.
    #[doc(hidden)]
    pub fn check_invariants(&self) {
        self.shards.iter().for_each(|shard| shard.lock().check_invariants());
    }

    #[inline]
    fn shard<'k>(&self, key: Key<'k>) -> (Hashed<'k>, MutexGuard<'_, Shard>) {
        let key = Hashed::new(key, self.geometry.seed);
        (key, self.shards[key.shard(self.geometry.shard_bits)].lock())
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// The most that can be reserved while every shard keeps its minimum.
    pub(crate) fn reserved_max(&self) -> u64 {
        let per_shard = self.geometry.shard_bytes - self.geometry.shard_bytes_min;
        (per_shard * self.geometry.shards()).min(self.geometry.shard_bytes * self.geometry.shards() / 8 * 7)
    }

    /// Brings every shard within its budget, after it became smaller.
    pub(crate) fn shrink_to_budget(&self, now: u32) {
        self.shards.iter().for_each(|shard| shard.lock().shrink_to_budget(now));
    }
}

impl Locked {
    /// A panic while a lock was held is a bug in here or in a reader's closure; a shard is never left half-changed while
    /// a closure runs, so going on is right.
    #[inline]
    fn lock(&self) -> MutexGuard<'_, Shard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("geometry", &self.geometry).finish_non_exhaustive()
    }
}
