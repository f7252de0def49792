//! Where the memory of large requests and unread replies is counted.
//!
//! Setting memory aside in a full store means evicting for it, so the first megabytes come from allowances beside
//! `--memory`; only what exceeds them is taken from the store. Requests and replies have a pool each: peers that read
//! nothing may use up the one for replies and are closed sooner then, but they neither empty the store nor keep others
//! from sending.

use std::sync::Arc;

use peerset_store::{Reservation, Store};

use crate::front::{Budget, Purpose, Share};

/// Memory for buffers of one purpose, of all connections together, before the store makes room for them. Part of what
/// a node takes beside `--memory`, like its threads and sockets.
const ALLOWANCE_BYTES: usize = 4 << 20;

/// Requests have one part in this many of the store's size besides: an item of half the store, the largest there can
/// be, has to be gathered while the store keeps room for it.
const REQUESTS_SHARE: u64 = 10;

/// Of the store's memory, unread replies take one part in this many before they are scarce.
const REPLIES_SHARE: u64 = 8;

/// Of the store's memory, requests that have arrived in part take at most one part in this many, or two of the largest
/// size if that is more.
const REQUESTS_STORE_SHARE: u64 = 4;

/// The memory of all connections' large buffers.
#[derive(Debug)]
pub(super) struct BufferMemory {
    store: Arc<Store>,
    requests: Pool,
    replies: Pool,
}

/// What is used for one purpose.
#[derive(Debug)]
struct Pool {
    budget: Budget,
    allowance: usize,
}

/// Memory of one buffer; given back when dropped.
#[derive(Debug)]
pub(crate) struct BufferShare {
    _share: Share,
    /// Held for what happens when it is dropped.
    _store: Option<Reservation>,
}

impl BufferMemory {
    /// Beside a store of `memory_bytes`, which takes items up to `item_bytes_max`.
    pub(super) fn new(store: Arc<Store>, memory_bytes: u64, item_bytes_max: u64) -> BufferMemory {
        let share = |parts| {
            usize::try_from(memory_bytes / parts).unwrap_or(usize::MAX).saturating_add(ALLOWANCE_BYTES)
        };
        let largest_two =
            usize::try_from(2 * item_bytes_max).unwrap_or(usize::MAX).saturating_add(ALLOWANCE_BYTES);
        let pool = |allowance, max| Pool { budget: Budget::new(max), allowance };
        BufferMemory {
            store,
            requests: pool(share(REQUESTS_SHARE), share(REQUESTS_STORE_SHARE).max(largest_two)),
            replies: pool(ALLOWANCE_BYTES, share(REPLIES_SHARE)),
        }
    }

    /// Memory for a buffer. None, for [`Purpose::Request`] only, if the pool or the store has it not.
    pub(super) fn reserve(&self, purpose: Purpose, bytes: usize, now: u32) -> Option<BufferShare> {
        let pool = self.pool(purpose);
        let (before, share) = match purpose {
            Purpose::Request => pool.budget.take(bytes)?,
            Purpose::Arrived | Purpose::Replies => pool.budget.count(bytes)?,
        };
        let mut share = BufferShare { _share: share, _store: None };
        let beyond = bytes - bytes.min(pool.allowance.saturating_sub(before));
        if beyond > 0 {
            share._store = self.store.reserve(beyond as u64, now);
            if share._store.is_none() && purpose == Purpose::Request {
                return None;
            }
        }
        Some(share)
    }

    /// Whether most of what there may be for a purpose is used.
    pub(super) fn is_scarce(&self, purpose: Purpose) -> bool {
        self.pool(purpose).budget.is_scarce()
    }

    fn pool(&self, purpose: Purpose) -> &Pool {
        match purpose {
            Purpose::Request | Purpose::Arrived => &self.requests,
            Purpose::Replies => &self.replies,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY: u64 = 64 << 20;

    fn buffers() -> (Arc<Store>, BufferMemory) {
        let store = Arc::new(Store::new(&peerset_store::Config::new(MEMORY, 0)).unwrap());
        (store.clone(), BufferMemory::new(store, MEMORY, 1 << 20))
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
        assert_eq!((store.stats().reserved_bytes, memory.requests.budget.used()), (0, 0));
    }

    #[test]
    fn replies_are_scarce_long_before_they_fill_the_store() {
        let (_, memory) = buffers();
        let replies: Vec<_> = (0..12).filter_map(|_| memory.reserve(Purpose::Replies, 1 << 20, 1)).collect();
        assert_eq!(replies.len(), 12);
        assert!(memory.is_scarce(Purpose::Replies) && !memory.is_scarce(Purpose::Request));
        assert!(memory.reserve(Purpose::Request, 16 << 20, 1).is_some());
        drop(replies);
        assert!(!memory.is_scarce(Purpose::Replies));
    }

    #[test]
    fn requests_leave_the_most_to_items() {
        let (store, memory) = buffers();
        let requests: Vec<_> = std::iter::from_fn(|| memory.reserve(Purpose::Request, 1 << 20, 1)).collect();
        assert!(requests.len() >= 16 && memory.is_scarce(Purpose::Request));
        assert!(store.stats().reserved_bytes <= MEMORY / 4);
    }
}
