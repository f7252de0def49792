//! The servers' clocks, seen from outside.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::replay::Replay;
use super::replies::lines;

/// Looking this often leaves nearly the whole second after a tick.
const POLL_INTERVAL: Duration = Duration::from_millis(3);

/// A little more than the second within which every clock ticks.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Returns just after a tick that brought both servers to the same second.
///
/// memcached counts seconds from its start, each one late by a different part of a second, so there are moments in
/// each second when two servers disagree on an absolute time. What is left of a key's life shows which second it is.
/// Gives up after a second and a half, when the servers are never at the same one; the comparison will then show it.
pub(crate) fn wait_for_step(replay: &mut Replay) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    replay.exchange(&[format!("set ~clock 0 {} 0\r\n\r\n", now + 10_000).as_bytes()]);
    let start = Instant::now();
    let mut seen = None;
    while start.elapsed() < PATIENCE {
        let (left, right) = replay.exchange(&[b"mg ~clock t\r\n"]);
        let remaining = |replies: &[u8]| lines(replies).next().map(<[u8]>::to_vec);
        let now = (remaining(&left.bytes), remaining(&right.bytes));
        let ticked = seen.as_ref().is_some_and(|seen| *seen != now);
        if ticked && now.0 == now.1 {
            break;
        }
        seen = Some(now);
        thread::sleep(POLL_INTERVAL);
    }
    replay.exchange(&[b"delete ~clock\r\n"]);
}
