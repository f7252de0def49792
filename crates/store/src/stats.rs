//! Counters: what a store holds and what happened in it.

use std::ops::AddAssign;

/// The sums over all shards; in memcached's words where it has one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Items held now, expired ones that nobody met yet included (`curr_items`).
    pub items: u64,
    /// Items ever stored, each overwrite counted (`total_items`).
    pub items_total: u64,
    /// [`item_bytes`](crate::item_bytes) of the items held now (`bytes`).
    pub bytes: u64,
    /// Items dropped to make room though they were not expired (`evictions`).
    pub evictions: u64,
    /// Of these, those never read (`evicted_unfetched`).
    pub evicted_unfetched: u64,
    /// Of these, those read since the eviction last looked at them (`evicted_active`).
    pub evicted_active: u64,
    /// Expired items that were removed, by whoever met them first.
    pub expired: u64,
    /// Of these, those never read (`expired_unfetched`).
    pub expired_unfetched: u64,
    /// Of these, those met by a request for them (`get_expired`).
    pub expired_on_access: u64,
    /// Of these, those met while making room (`reclaimed`).
    pub reclaimed: u64,
    /// Items removed by [`flush_all`](crate::Store::flush_all).
    pub flushed: u64,
    /// New items whose key was evicted shortly before.
    pub ghost_hits: u64,
    /// Segments that hold records.
    pub segments: u64,
    /// Bytes of all records, dead ones included.
    pub used_bytes: u64,
    /// Bytes of records that were overwritten or deleted, not yet reused.
    pub dead_bytes: u64,
    /// Bytes of the index.
    pub index_bytes: u64,
    /// Bytes taken from the kernel for segments, index and the memory of evicted keys.
    pub mapped_bytes: u64,
    /// Bytes set aside by reservations.
    pub reserved_bytes: u64,
}

impl Stats {
    /// What `stats reset` leaves: the present, without the past.
    pub(crate) fn without_history(self) -> Stats {
        let Stats { items, bytes, .. } = self;
        Stats { items, bytes, ..Stats::default() }
    }
}

impl AddAssign for Stats {
    fn add_assign(&mut self, other: Stats) {
        self.items += other.items;
        self.items_total += other.items_total;
        self.bytes += other.bytes;
        self.evictions += other.evictions;
        self.evicted_unfetched += other.evicted_unfetched;
        self.evicted_active += other.evicted_active;
        self.expired += other.expired;
        self.expired_unfetched += other.expired_unfetched;
        self.expired_on_access += other.expired_on_access;
        self.reclaimed += other.reclaimed;
        self.flushed += other.flushed;
        self.ghost_hits += other.ghost_hits;
        self.segments += other.segments;
        self.used_bytes += other.used_bytes;
        self.dead_bytes += other.dead_bytes;
        self.index_bytes += other.index_bytes;
        self.mapped_bytes += other.mapped_bytes;
        self.reserved_bytes += other.reserved_bytes;
    }
}
