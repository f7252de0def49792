//! Where the memory of large requests and unread replies is counted.
//!
//! Setting memory aside in a full store means evicting for it, so the first megabytes come from allowances beside
//! `--memory`; only what exceeds them is taken from the store. Requests and replies have a pool each: peers that read
//! nothing may use up the one for replies and are closed sooner then, but they neither empty the store nor keep others
//! from sending.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use peerset_store::{Reservation, Store};

use crate::front::Purpose;

/// Memory for buffers of one purpose, of all connections together, before the store makes room for them. Part of what
/// a node takes beside `--memory`, like its threads and sockets.
const ALLOWANCE_BYTES: usize = 4 << 20;

/// Requests have one part in this many of the store's size besides: an item of half the store, the largest there can
/// be, has to be gathered while the store keeps room for it.
const REQUESTS_SHARE: u64 = 10;

/// Of the store's memory, unread replies take at most one part in this many.
const REPLIES_SHARE: u64 = 8;

/// The memory of all connections' large buffers.
#[derive(Debug)]
pub(super) struct BufferMemory {
    store: Arc<Store>,
    requests: Pool,
    replies: Pool,
}

/// What is used for one purpose.
#[derive(Debug, Clone)]
struct Pool {
    used: Arc<AtomicUsize>,
    allowance: usize,
    max: usize,
}

/// Memory of one buffer; given back when dropped.
#[derive(Debug)]
pub(crate) struct BufferShare {
    pool: Pool,
    bytes: usize,
    /// Held for what happens when it is dropped.
    _store: Option<Reservation>,
}

impl Drop for BufferShare {
    fn drop(&mut self) {
        self.pool.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl BufferMemory {
    /// Beside a store of `memory_bytes`.
    pub(super) fn new(store: Arc<Store>, memory_bytes: u64) -> BufferMemory {
        let share = |parts| {
            usize::try_from(memory_bytes / parts).unwrap_or(usize::MAX).saturating_add(ALLOWANCE_BYTES)
        };
        let pool = |allowance, max| Pool { used: Arc::default(), allowance, max };
        BufferMemory {
            store,
            requests: pool(share(REQUESTS_SHARE), usize::MAX),
            replies: pool(ALLOWANCE_BYTES, share(REPLIES_SHARE)),
        }
    }

    /// Memory for a buffer; none if neither the allowance nor the store has it.
    pub(super) fn reserve(&self, purpose: Purpose, bytes: usize, now: u32) -> Option<BufferShare> {
        let pool = match purpose {
            Purpose::Request => &self.requests,
            Purpose::Replies => &self.replies,
        };
        let add = |used: usize| used.checked_add(bytes).filter(|&sum| sum <= pool.max);
        let before = pool.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok()?;
        let mut share = BufferShare { pool: pool.clone(), bytes, _store: None };
        if before + bytes > pool.allowance {
            share._store = Some(self.store.reserve(bytes as u64, now)?);
        }
        Some(share)
    }

    /// Whether unread replies have used up most of what they may.
    pub(super) fn replies_are_scarce(&self) -> bool {
        self.replies.used.load(Ordering::Relaxed) > self.replies.max / 4 * 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY: u64 = 64 << 20;

    fn buffers() -> (Arc<Store>, BufferMemory) {
        let store = Arc::new(Store::new(&peerset_store::Config::new(MEMORY, 0)).unwrap());
        (store.clone(), BufferMemory::new(store, MEMORY))
    }

    #[test]
    fn the_allowance_comes_first_and_all_returns() {
        let (store, memory) = buffers();
        let first = memory.reserve(Purpose::Request, memory.requests.allowance, 1).unwrap();
        assert_eq!(store.stats().reserved_bytes, 0);
        let second = memory.reserve(Purpose::Request, 2 << 20, 1).unwrap();
        assert_eq!(store.stats().reserved_bytes, 2 << 20);
        assert!(memory.reserve(Purpose::Request, 64 << 20, 1).is_none());
        drop((first, second));
        assert_eq!((store.stats().reserved_bytes, memory.requests.used.load(Ordering::Relaxed)), (0, 0));
    }

    #[test]
    fn replies_leave_the_most_to_items_and_requests() {
        let (_, memory) = buffers();
        let replies: Vec<_> = std::iter::from_fn(|| memory.reserve(Purpose::Replies, 1 << 20, 1)).collect();
        assert_eq!(replies.len(), 12);
        assert!(memory.replies_are_scarce());
        assert!(memory.reserve(Purpose::Request, 32 << 20, 1).is_some());
        drop(replies);
        assert!(!memory.replies_are_scarce());
    }
}
