//! When an item ends: memcached's reading of an expiry time.

/// The last second in which an item does not exist any more, in unix seconds; [`Expiry::NEVER`] for none.
///
/// - **Units**: unix seconds in 32 bits, as everywhere in this crate; enough until 2106.
/// - **Source**: `realtime` and `EXPTIME_TO_POSITIVE_TIME` in memcached 1.6.18; protocol.txt, "Expiration times".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expiry(u32);

/// The last second an item can end in: one more means "never" to segments.
const LAST: u32 = u32::MAX - 1;

/// Above 30 days a number on the wire is an absolute time.
const RELATIVE_MAX: i64 = 60 * 60 * 24 * 30;

impl Expiry {
    /// The item lives until it is deleted or evicted.
    pub const NEVER: Expiry = Expiry(0);
    /// The item is gone at once.
    pub const EXPIRED: Expiry = Expiry(1);

    /// Reads a number from the wire: 0 is never, negative is already expired, up to 30 days counts from `now`, and
    /// more is a unix time.
    ///
    /// ```
    /// use peerset_store::Expiry;
    /// let now = 1_700_000_000;
    /// assert_eq!(Expiry::from_wire(0, now), Expiry::NEVER);
    /// assert_eq!(Expiry::from_wire(-1, now), Expiry::EXPIRED);
    /// assert_eq!(Expiry::from_wire(60, now).ttl(now), Some(60));
    /// assert_eq!(Expiry::from_wire(1_700_000_300, now).ttl(now), Some(300));
    /// ```
    #[inline]
    pub fn from_wire(exptime: i64, now: u32) -> Expiry {
        match exptime {
            0 => Expiry::NEVER,
            ..0 => Expiry::EXPIRED,
            1..=RELATIVE_MAX => Expiry(now.saturating_add(exptime as u32).min(LAST)),
            // Beyond 2106 the nearest time that can be said is still a lifetime away.
            _ => Expiry(u32::try_from(exptime).map_or(LAST, |seconds| seconds.min(LAST))),
        }
    }

    /// Whether an item with this expiry is gone at `now`.
    #[inline]
    pub fn is_past(self, now: u32) -> bool {
        self.0 != 0 && self.0 <= now
    }

    /// Seconds left at `now`, 0 if past; `None` for an item that never expires (the wire says -1).
    #[inline]
    pub fn ttl(self, now: u32) -> Option<u32> {
        (self.0 != 0).then(|| self.0.saturating_sub(now))
    }

    /// The unix second, 0 for never.
    #[inline]
    pub fn unix_seconds(self) -> u32 {
        self.0
    }

    /// The inverse of [`Expiry::unix_seconds`].
    #[inline]
    pub fn from_unix_seconds(seconds: u32) -> Expiry {
        Expiry(seconds)
    }

    /// Whether this ends before `limit`, as the recache flag compares: never is not before anything.
    pub(crate) fn is_before(self, limit: Expiry) -> bool {
        self.0 != 0 && self.0 < limit.0
    }
}
