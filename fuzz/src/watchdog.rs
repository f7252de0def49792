//! An input that never ends is a finding too; nothing inside the body could tell.

use std::sync::{Arc, Mutex, PoisonError};

/// What a body is working on, for another thread to look at. Clones look at the same.
#[derive(Clone, Default)]
pub struct Watchdog(Arc<Mutex<Option<Current>>>);

struct Current {
    input: Vec<u8>,
    /// How often it was looked at.
    looks: u32,
}

impl Watchdog {
    /// Notes that the body begins with this input.
    pub fn begins(&self, input: &[u8]) {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *current {
            Some(current) => {
                current.looks = 0;
                current.input.clear();
                current.input.extend_from_slice(input);
            }
            None => *current = Some(Current { input: input.to_vec(), looks: 0 }),
        }
    }

    /// Looks once more, and gives the input if the body has been working on it for so many looks.
    ///
    /// Looks at regular intervals rather than a clock: one that goes on while the whole process is paused would call the
    /// input slow.
    pub fn overdue(&self, looks_max: u32) -> Option<Vec<u8>> {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let current = current.as_mut()?;
        current.looks += 1;
        (current.looks > looks_max).then(|| current.input.clone())
    }
}

#[test]
fn only_looks_at_the_same_input_count() {
    let (watchdog, check) = (Watchdog::default(), |found: Option<Vec<u8>>, expected: Option<&[u8]>| {
        assert_eq!(found.as_deref(), expected);
    });
    check(watchdog.overdue(0), None);
    watchdog.begins(b"quick");
    check(watchdog.overdue(1), None);
    watchdog.begins(b"slow");
    check(watchdog.overdue(1), None);
    check(watchdog.overdue(1), Some(b"slow"));
}
