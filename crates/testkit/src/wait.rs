//! Waiting for a condition.

use std::thread;
use std::time::{Duration, Instant};

/// How often a condition is looked at. Short against a test, long against the cost of looking.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// Calls `ready` until it gives a value, and returns that value at once. Looks once more when the deadline has passed: a
/// process that was paused until then has seen nothing of what happened meanwhile.
///
/// # Panics
/// When `deadline` passes first, naming `what` was awaited.
///
/// ```
/// # use std::time::Duration;
/// let answer = peerset_testkit::wait_for("an answer", Duration::from_secs(1), || Some(42));
/// assert_eq!(answer, 42);
/// ```
pub fn wait_for<T>(what: &str, deadline: Duration, mut ready: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        let is_late = start.elapsed() >= deadline;
        if let Some(value) = ready() {
            return value;
        }
        assert!(!is_late, "waited {deadline:?} for {what}");
        thread::sleep(POLL_INTERVAL);
    }
}
