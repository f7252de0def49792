//! Memory that is counted, for buffers of one purpose.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many bytes and no more, for all connections together.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    used: Arc<AtomicUsize>,
    max: usize,
}

/// Part of a budget; given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Budget,
    bytes: usize,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Budget {
    pub(crate) fn new(max: usize) -> Budget {
        Budget { used: Arc::default(), max }
    }

    /// Takes a share, and tells what was used before; none if that would be too much.
    pub(crate) fn take(&self, bytes: usize) -> Option<(usize, Share)> {
        self.add(bytes, self.max)
    }

    /// Counts what is there already, however much that makes.
    pub(crate) fn count(&self, bytes: usize) -> Option<(usize, Share)> {
        self.add(bytes, usize::MAX)
    }

    fn add(&self, bytes: usize, bound: usize) -> Option<(usize, Share)> {
        let add = |used: usize| used.checked_add(bytes).filter(|&sum| sum <= bound);
        let before = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok()?;
        Some((before, Share { budget: self.clone(), bytes }))
    }

    /// Whether most of it is used.
    pub(crate) fn is_scarce(&self) -> bool {
        self.used() > self.max / 4 * 3
    }

    /// Bytes in use.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_come_back() {
        let budget = Budget::new(100);
        let (before, first) = budget.take(70).unwrap();
        assert_eq!((before, budget.is_scarce()), (0, false));
        assert!(budget.take(31).is_none());
        let (before, second) = budget.count(31).unwrap();
        assert_eq!((before, budget.used(), budget.is_scarce()), (70, 101, true));
        drop((first, second));
        assert_eq!(budget.used(), 0);
    }
}
