//! Seeded choices.

use std::ops::Range;

/// A random source with the few questions that generating asks.
pub(super) struct Dice(fastrand::Rng);

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice(fastrand::Rng::with_seed(seed))
    }

    /// `from` or more, less than `to`.
    pub(super) fn between(&mut self, from: usize, to: usize) -> usize {
        self.0.usize(Range { start: from, end: to })
    }

    pub(super) fn one_in(&mut self, chances: usize) -> bool {
        self.0.usize(..chances) == 0
    }

    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.0.usize(..choices.len())]
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.0.u8(..)
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        self.0.shuffle(items);
    }
}
