//! How long an item stays on a server that only stands in.

use std::time::Duration;

/// memcached takes a larger exptime for a moment in seconds since 1970 (`protocol.txt`, "Expiration times").
const RELATIVE_MAX: i64 = 60 * 60 * 24 * 30;

/// The exptime of an item that is to be gone after `expiry`, or when it was to go anyway if that is earlier.
///
/// Both exptimes are as memcached takes them: 0 is never, negative is at once, up to 30 days is from now, beyond is since
/// 1970. `now_unix` is the present in seconds since 1970. Part of a second counts as a whole one, because 0 would be never.
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(peerset_route::shorten(0, Duration::from_secs(10), 1_700_000_000), 10);
/// assert_eq!(peerset_route::shorten(5, Duration::from_secs(10), 1_700_000_000), 5);
/// ```
pub fn shorten(exptime: i64, expiry: Duration, now_unix: i64) -> i64 {
    let seconds = expiry.as_secs().saturating_add(u64::from(expiry.subsec_nanos() > 0)).max(1);
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let left = match exptime {
        ..0 => return exptime,
        0 => i64::MAX,
        1..=RELATIVE_MAX => exptime,
        moment => moment.saturating_sub(now_unix),
    };
    match seconds {
        _ if left <= seconds => exptime,
        ..=RELATIVE_MAX => seconds,
        _ => now_unix.saturating_add(seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;
    const DAY: i64 = 86_400;

    #[test]
    fn the_earlier_moment_wins() {
        #[track_caller]
        fn check(exptime: i64, expiry_ms: u64, expected: i64) {
            assert_eq!(shorten(exptime, Duration::from_millis(expiry_ms), NOW), expected);
        }
        check(0, 10_000, 10);
        check(0, 500, 1);
        check(0, 0, 1);
        check(0, 1_001, 2);
        check(-1, 10_000, -1);
        check(9, 10_000, 9);
        check(10, 10_000, 10);
        check(11, 10_000, 10);
        check(30 * DAY, 10_000, 10);
        check(NOW + 5, 10_000, NOW + 5);
        check(NOW + 60, 10_000, 10);
        check(NOW - 1, 10_000, NOW - 1);
        // Thirty days are still counted from now; a second more has to be a moment.
        check(0, 30 * 86_400_000, 30 * DAY);
        check(0, 31 * 86_400_000, NOW + 31 * DAY);
        check(NOW + 32 * DAY, 31 * 86_400_000, NOW + 31 * DAY);
        check(NOW + 31 * DAY, 32 * 86_400_000, NOW + 31 * DAY);
        assert_eq!(shorten(0, Duration::MAX, NOW), 0);
        assert_eq!(shorten(0, Duration::from_secs(i64::MAX as u64 - 1), NOW), i64::MAX);
        assert_eq!(shorten(i64::MAX, Duration::from_secs(1), i64::MIN), 1);
    }
}
