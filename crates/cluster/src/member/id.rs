//! The identity of a member.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::str::FromStr;
use std::sync::Arc;

/// What makes a member the same one through restarts, new addresses and register cycles.
///
/// - **Shape**: 1 to 512 bytes of UTF-8 without control characters; ordered by bytes. A UUID, `member_0000000001`,
///   `HOST:PORT`, a pod's name: whatever its source calls it.
/// - **Cost**: a clone copies a reference-counted pointer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(Arc<str>);

/// Why a text is no [`MemberId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemberIdError {
    /// There is nothing.
    #[error("a member's id is empty")]
    Empty,
    /// More than 512 bytes.
    #[error("a member's id is over 512 bytes")]
    TooLong,
    /// It would break lines in logs and files.
    #[error("a member's id has a control character")]
    ControlCharacter,
}

impl MemberId {
    /// The longest id, in bytes.
    pub const BYTES_MAX: usize = 512;

    /// Checks and keeps the text.
    ///
    /// # Errors
    /// It is empty, over 512 bytes, or has a control character.
    pub fn new(text: impl Into<Arc<str>>) -> Result<Self, MemberIdError> {
        let text = text.into();
        match text.len() {
            0 => Err(MemberIdError::Empty),
            1..=Self::BYTES_MAX if text.contains(char::is_control) => Err(MemberIdError::ControlCharacter),
            1..=Self::BYTES_MAX => Ok(MemberId(text)),
            _ => Err(MemberIdError::TooLong),
        }
    }

    /// A fresh id in the form of a version 4 UUID, for a member that has no better name.
    ///
    /// The bits come from the keys with which the operating system seeds every thread's hash maps. That is enough to be
    /// unique and too little to be a secret; it saves a dependency on a generator of random numbers.
    pub fn random() -> Self {
        let half = || RandomState::new().build_hasher().finish();
        let bits = u128::from(half()) << 64 | u128::from(half());
        let bits = bits & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
        let hex = format!("{bits:032x}");
        let [a, b, c, d, e] = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        MemberId(format!("{a}-{b}-{c}-{d}-{e}").into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for MemberId {
    type Err = MemberIdError;

    fn from_str(text: &str) -> Result<Self, MemberIdError> {
        MemberId::new(text)
    }
}

impl Borrow<str> for MemberId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn checks_its_text() {
        fn check(text: &str, expected: Result<(), MemberIdError>) {
            assert_eq!(MemberId::new(text).map(drop), expected, "{text:?}");
        }
        check("member_0000000001", Ok(()));
        check("unix:/a b", Ok(()));
        check("", Err(MemberIdError::Empty));
        check("a\nb", Err(MemberIdError::ControlCharacter));
        check(&"a".repeat(512), Ok(()));
        check(&"a".repeat(513), Err(MemberIdError::TooLong));
    }

    #[test]
    fn random_ids_are_distinct_uuids() {
        let ids: HashSet<_> = (0..1000).map(|_| MemberId::random()).collect();
        assert_eq!(ids.len(), 1000);
        for id in &ids {
            let text = id.as_str();
            assert_eq!((text.len(), &text[14..15]), (36, "4"), "{text}");
            assert!("89ab".contains(&text[19..20]), "{text}");
        }
    }
}
