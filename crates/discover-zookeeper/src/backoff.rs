//! How long to wait after a failure.

use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// Decorrelated jitter: each wait is random between the first and three times the last, so that many processes that lost
/// the same server do not come back in step.
#[derive(Debug)]
pub(crate) struct Backoff {
    last: Duration,
    max: Duration,
}

/// Finagle's first wait.
const FIRST: Duration = Duration::from_millis(10);

impl Backoff {
    pub(crate) fn new(max: Duration) -> Self {
        Backoff { last: FIRST, max: max.max(FIRST) }
    }

    /// The next wait; `random` is between 0 and 1.
    fn step(&mut self, random: f64) -> Duration {
        let span = (self.last * 3).saturating_sub(FIRST);
        self.last = (FIRST + span.mul_f64(random)).min(self.max);
        self.last
    }

    /// Waits after a failure, from now on rather than from the first poll.
    pub(crate) fn wait(&mut self) -> Sleep {
        sleep(self.step(fastrand::f64()))
    }

    /// The same after an answer that will hardly be another one soon.
    pub(crate) fn wait_at_least(&mut self, least: Duration) -> Sleep {
        sleep(self.step(fastrand::f64()).max(least))
    }

    /// The longest wait.
    pub(crate) fn max(&self) -> Duration {
        self.max
    }

    pub(crate) fn reset(&mut self) {
        self.last = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_bound() {
        fn check(random: f64, expected_ms: [u64; 5]) {
            let mut backoff = Backoff::new(Duration::from_millis(500));
            let waits = expected_ms.map(|_| backoff.step(random));
            assert_eq!(waits, expected_ms.map(Duration::from_millis), "{random}");
            backoff.reset();
            assert_eq!(backoff.step(random), waits[0]);
        }
        check(0.0, [10, 10, 10, 10, 10]);
        check(1.0, [30, 90, 270, 500, 500]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_of_a_least_length_grows_from_there() {
        fn check(max_ms: u64, last_ms: u64, expected_ms: std::ops::RangeInclusive<u128>) {
            let mut backoff = Backoff {
                last: Duration::from_millis(last_ms),
                ..Backoff::new(Duration::from_millis(max_ms))
            };
            let wait = backoff.wait_at_least(Duration::from_secs(1)).deadline() - tokio::time::Instant::now();
            assert!(expected_ms.contains(&wait.as_millis()), "{max_ms} {last_ms}: {wait:?}");
        }
        check(0, 10, 1000..=1000);
        check(500, 500, 1000..=1000);
        check(4000, 4000, 1000..=4000);
    }
}
