//! Where the memory of large requests and unread replies is counted.
//!
//! Setting memory aside in a full store means evicting for it, so the first few megabytes come from an allowance beside
//! `--memory`; only what exceeds it is taken from the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use peerset_store::{Reservation, Store};

/// Memory for buffers of all connections together before the store makes room for them. Part of what a node takes
/// beside `--memory`, like its threads and sockets.
const ALLOWANCE_BYTES: usize = 8 << 20;

/// The memory of all connections' large buffers.
#[derive(Debug)]
pub(super) struct BufferMemory {
    store: Arc<Store>,
    used: Arc<AtomicUsize>,
}

/// Memory of one buffer; given back when dropped.
#[derive(Debug)]
#[expect(dead_code, reason = "held for what happens when it is dropped")]
pub(crate) enum BufferShare {
    /// Of the allowance.
    Allowance(AllowanceShare),
    /// Of the store.
    Store(Reservation),
}

/// Bytes of the allowance.
#[derive(Debug)]
pub(crate) struct AllowanceShare {
    used: Arc<AtomicUsize>,
    bytes: usize,
}

impl Drop for AllowanceShare {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl BufferMemory {
    pub(super) fn new(store: Arc<Store>) -> BufferMemory {
        BufferMemory { store, used: Arc::new(AtomicUsize::new(0)) }
    }

    /// Memory for a buffer; none if neither allowance nor store has it.
    pub(super) fn reserve(&self, bytes: usize, now: u32) -> Option<BufferShare> {
        let add = |used: usize| used.checked_add(bytes).filter(|&sum| sum <= ALLOWANCE_BYTES);
        if self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok() {
            return Some(BufferShare::Allowance(AllowanceShare { used: self.used.clone(), bytes }));
        }
        self.store.reserve(bytes as u64, now).map(BufferShare::Store)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allowance_comes_first_and_returns() {
        let store = Arc::new(Store::new(&peerset_store::Config::new(64 << 20, 0)).unwrap());
        let memory = BufferMemory::new(store.clone());
        let first = memory.reserve(ALLOWANCE_BYTES - 1, 1);
        assert!(matches!(first, Some(BufferShare::Allowance(_))));
        let second = memory.reserve(2 << 20, 1);
        assert!(matches!(second, Some(BufferShare::Store(_))));
        assert_eq!(store.stats().reserved_bytes, 2 << 20);
        assert!(memory.reserve(64 << 20, 1).is_none());
        drop((first, second));
        assert_eq!((store.stats().reserved_bytes, memory.used.load(Ordering::Relaxed)), (0, 0));
    }
}
