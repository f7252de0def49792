//! When an item goes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// When an item expires. memcached counts whole seconds.
///
/// ```
/// use std::time::Duration;
/// use peerset_client_memcache::Expiry;
///
/// let day = Expiry::After(Duration::from_secs(86_400));
/// assert_eq!(day.exptime(1_800_000_000), 86_400);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Expiry {
    /// Not before it is evicted.
    #[default]
    Never,
    /// So long from now, rounded up to a second; nothing is [`Now`](Expiry::Now).
    After(Duration),
    /// At that time, by the server's clock. Past times are [`Now`](Expiry::Now), those beyond the 32 bits that memcached
    /// reads (January 2038) are the last of them.
    At(SystemTime),
    /// At once: the item can never be read.
    Now,
}

/// memcached takes larger numbers for times since 1970.
const RELATIVE_MAX: u64 = 60 * 60 * 24 * 30;

impl Expiry {
    /// The number that memcached reads; `now_unix` is the present in seconds since 1970.
    pub fn exptime(self, now_unix: u64) -> i32 {
        let absolute = |seconds: u64| match seconds <= now_unix {
            true => -1,
            false => i32::try_from(seconds).unwrap_or(i32::MAX),
        };
        match self {
            Expiry::Never => 0,
            Expiry::Now => -1,
            Expiry::After(Duration::ZERO) => -1,
            Expiry::After(life) => {
                let seconds = life.as_secs().saturating_add(u64::from(life.subsec_nanos() > 0));
                match seconds <= RELATIVE_MAX {
                    true => seconds as i32,
                    false => absolute(now_unix.saturating_add(seconds)),
                }
            }
            Expiry::At(time) => absolute(unix(time)),
        }
    }
}

/// Seconds since 1970, none before.
pub(crate) fn unix(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exptimes() {
        const NOW: u64 = 1_800_000_000;
        fn check(expiry: Expiry, expected: i32) {
            assert_eq!(expiry.exptime(NOW), expected, "{expiry:?}");
        }
        let seconds = Duration::from_secs;
        check(Expiry::Never, 0);
        check(Expiry::Now, -1);
        check(Expiry::After(Duration::ZERO), -1);
        check(Expiry::After(Duration::from_millis(1)), 1);
        check(Expiry::After(seconds(1)), 1);
        check(Expiry::After(Duration::from_millis(1001)), 2);
        check(Expiry::After(seconds(2_592_000)), 2_592_000);
        check(Expiry::After(seconds(2_592_001)), 1_802_592_001);
        check(Expiry::After(Duration::MAX), i32::MAX);
        check(Expiry::At(UNIX_EPOCH + seconds(NOW + 5)), 1_800_000_005);
        check(Expiry::At(UNIX_EPOCH + seconds(NOW)), -1);
        check(Expiry::At(UNIX_EPOCH - seconds(1)), -1);
        check(Expiry::At(UNIX_EPOCH + seconds(5_000_000_000)), i32::MAX);
    }
}
