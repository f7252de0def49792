//! An input that never ends is a finding too; nothing inside the body could tell.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a body is working on, for another thread to look at. Clones look at the same.
#[derive(Clone, Default)]
pub struct Watchdog(Arc<Mutex<Option<Current>>>);

struct Current {
    since: Instant,
    input: Vec<u8>,
}

impl Watchdog {
    /// Notes that the body begins with this input.
    pub fn begins(&self, input: &[u8]) {
        let since = Instant::now();
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *current {
            Some(current) => {
                current.since = since;
                current.input.clear();
                current.input.extend_from_slice(input);
            }
            None => *current = Some(Current { since, input: input.to_vec() }),
        }
    }

    /// The input, if the body has been working on it for longer than `limit`.
    pub fn overdue(&self, limit: Duration) -> Option<Vec<u8>> {
        let current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let overdue = current.as_ref().filter(|current| current.since.elapsed() > limit);
        overdue.map(|current| current.input.clone())
    }
}
