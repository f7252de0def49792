//! What a pool answers for a key whose owner is down.

use std::fmt;
use std::str::FromStr;

/// What a client hears when the server that owns its key is down.
///
/// To a route, an owner that is down has [failed](crate::Outcome::Failed) whatever this says, so that a failover goes on
/// to its next pool. The policy decides what is answered when no route goes on.
///
/// Server means one that is known to be down: whoever finds that out waits for a timeout and gets its error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OwnerDown {
    /// As though the item were not there ([`Operation::absent`](crate::Operation::absent)): a cache that is partly away.
    #[default]
    Miss,
    /// An error that names the server.
    Error,
    /// The key's next owner is asked, and the one after it, while those are down too. What is stored there is still there
    /// when the owner comes back and goes away once more, and may be old by then.
    ///
    /// A request that [names a version](crate::Operation::names_version) is answered as by [`Error`](OwnerDown::Error): the
    /// number would mean another value to another server.
    Next,
}

/// A text names no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no policy {0:?}: write miss, error or next")]
pub struct OwnerDownError(String);

impl FromStr for OwnerDown {
    type Err = OwnerDownError;

    fn from_str(text: &str) -> Result<Self, OwnerDownError> {
        match text {
            "miss" => Ok(OwnerDown::Miss),
            "error" => Ok(OwnerDown::Error),
            "next" => Ok(OwnerDown::Next),
            other => Err(OwnerDownError(other.to_owned())),
        }
    }
}

impl fmt::Display for OwnerDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            OwnerDown::Miss => "miss",
            OwnerDown::Error => "error",
            OwnerDown::Next => "next",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for policy in [OwnerDown::Miss, OwnerDown::Error, OwnerDown::Next] {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        let error = "retry".parse::<OwnerDown>().unwrap_err().to_string();
        assert!(error.contains("retry") && error.contains("next"), "{error}");
    }
}
