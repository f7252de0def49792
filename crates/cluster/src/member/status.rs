//! What a member says about itself.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// A member's own word on its state, in Finagle's terms (`com.twitter.thrift.Status`).
///
/// Only [`Alive`](Status::Alive) members should get work. Whether a member can be *reached* is another matter, which
/// callers find out and keep apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Status {
    /// Gone for good.
    Dead,
    /// Not ready yet.
    Starting,
    /// Serving.
    #[default]
    Alive,
    /// Finishing what it has and taking nothing new.
    Stopping,
    /// Ended in good order.
    Stopped,
    /// Serving, but in trouble.
    Warning,
    /// The source said something else or nothing.
    Unknown,
}

impl Status {
    /// Every status, in the order of Finagle's numbers 0 to 5, then `Unknown`.
    pub const ALL: [Status; 7] = [
        Status::Dead,
        Status::Starting,
        Status::Alive,
        Status::Stopping,
        Status::Stopped,
        Status::Warning,
        Status::Unknown,
    ];

    /// The name on the wire: `ALIVE` and so on.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Dead => "DEAD",
            Status::Starting => "STARTING",
            Status::Alive => "ALIVE",
            Status::Stopping => "STOPPING",
            Status::Stopped => "STOPPED",
            Status::Warning => "WARNING",
            Status::Unknown => "UNKNOWN",
        }
    }

    /// Finagle's number; none for `Unknown`.
    pub fn number(self) -> Option<u8> {
        (self != Status::Unknown).then_some(self as u8)
    }

    /// The status of a number on the wire; anything but 0 to 5 is `Unknown`.
    pub fn from_number(number: i32) -> Self {
        usize::try_from(number).ok().and_then(|at| Self::ALL.get(at).copied()).unwrap_or(Status::Unknown)
    }

    /// Whether the member asks for work.
    pub fn is_serving(self) -> bool {
        self == Status::Alive
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Status {
    type Err = Infallible;

    /// A name this library does not know is `Unknown`: one odd member must not fail a set.
    fn from_str(name: &str) -> Result<Self, Infallible> {
        Ok(Self::ALL.into_iter().find(|status| status.as_str() == name).unwrap_or(Status::Unknown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_round_trip() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            if let Some(number) = status.number() {
                assert_eq!(Status::from_number(number.into()), status);
            }
        }
        assert_eq!(Status::Warning.number(), Some(5), "Finagle's last");
        for odd in [-1, 6, 7, i32::MAX] {
            assert_eq!(Status::from_number(odd), Status::Unknown);
        }
        assert_eq!("alive".parse(), Ok(Status::Unknown), "the wire is upper case");
    }
}
