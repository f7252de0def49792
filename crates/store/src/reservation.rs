//! Reservations: memory used outside the store but counted inside its bound.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::store::Store;

/// Bytes set aside for somebody, say a connection's buffer; given back when dropped.
///
/// The store holds that much less meanwhile. Each shard keeps enough for an item of the largest size, so reservations
/// cannot stop sets.
#[derive(Debug)]
pub struct Reservation {
    store: Arc<Store>,
    bytes: u64,
}

impl Store {
    /// Sets `bytes` aside, evicting items if they are needed; `None` if that is more than reservations may take in all
    /// (at most 7/8 of the memory, less in small stores).
    ///
    /// Locks every shard in turn, so reserve for large things only.
    pub fn reserve(self: &Arc<Store>, bytes: u64, now: u32) -> Option<Reservation> {
        let max = self.reserved_max();
        let add = |reserved: u64| reserved.checked_add(bytes).filter(|&sum| sum <= max);
        self.shared().reserved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok()?;
        let reservation = Reservation { store: self.clone(), bytes };
        self.shrink_to_budget(now);
        Some(reservation)
    }
}

impl Reservation {
    /// How much.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.store.shared().reserved.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
