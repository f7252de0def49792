//! How much of the work a member takes.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// A member's share relative to the others: twice the weight, twice the keys or requests.
///
/// - **Shape**: 0, or from 0.000 001 to 1 000 000, so that any two ratios and any sum stay exact enough to compute with;
///   never NaN, infinite or negative, hence ordered and hashable.
/// - **Zero** is a drained member: it stays in the set and owns nothing.
/// - **Text**: decimal digits with an optional fraction (`2`, `0.5`), the shortest that reads back equal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weight(f64);

/// Why a number or text is no [`Weight`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeightError {
    /// Not decimal digits with an optional fraction.
    #[error("a weight is a decimal number such as 2 or 0.5")]
    NotANumber,
    /// Below 0; to drain a member write 0.
    #[error("a weight cannot be negative (0 drains a member)")]
    Negative,
    /// Above 0 and below 0.000001.
    #[error("a weight is 0 or at least 0.000001")]
    TooSmall,
    /// Above 1000000.
    #[error("a weight is at most 1000000")]
    TooLarge,
}

impl Weight {
    /// The usual weight.
    pub const ONE: Weight = Weight(1.0);
    /// Drained: in the set, and owns nothing.
    pub const ZERO: Weight = Weight(0.0);

    const MIN_ABOVE_ZERO: f64 = 1e-6;
    const MAX: f64 = 1e6;

    /// Checks the number.
    ///
    /// # Errors
    /// It is NaN or out of range.
    pub fn new(weight: f64) -> Result<Self, WeightError> {
        if weight.is_nan() {
            Err(WeightError::NotANumber)
        } else if weight == 0.0 {
            Ok(Self::ZERO) // also for -0.0, which would hash apart
        } else if weight < 0.0 {
            Err(WeightError::Negative)
        } else if weight < Self::MIN_ABOVE_ZERO {
            Err(WeightError::TooSmall)
        } else if weight > Self::MAX {
            Err(WeightError::TooLarge)
        } else {
            Ok(Weight(weight))
        }
    }

    /// The number: finite and not negative.
    pub fn value(self) -> f64 {
        self.0
    }
}

impl Default for Weight {
    fn default() -> Self {
        Self::ONE
    }
}

impl Eq for Weight {}

impl PartialOrd for Weight {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Weight {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Hash for Weight {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Weight {
    type Err = WeightError;

    fn from_str(text: &str) -> Result<Self, WeightError> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        // `f64` also reads "inf", "nan", "1e9" and "+1", which in a member list are typing errors.
        if !digits.starts_with(|c: char| c.is_ascii_digit())
            || !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        {
            return Err(WeightError::NotANumber);
        }
        Weight::new(text.parse().map_err(|_| WeightError::NotANumber)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use WeightError::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_people_write() {
        fn check(text: &str, expected: Result<&str, WeightError>) {
            assert_eq!(text.parse::<Weight>().map(|w| w.to_string()), expected.map(String::from), "{text:?}");
        }
        check("2", Ok("2"));
        check("0.5", Ok("0.5"));
        check("007.50", Ok("7.5"));
        check("0", Ok("0"));
        check("-0", Ok("0"));
        check("0.000001", Ok("0.000001"));
        check("1000000", Ok("1000000"));
        check("0.0000009", Err(TooSmall));
        check("1000001", Err(TooLarge));
        check(&"9".repeat(400), Err(TooLarge));
        check("-1", Err(Negative));
        for odd in
            ["", "-", ".", ".5", "1.2.3", "1e3", "inf", "nan", "NaN", "+1", " 1", "1 ", "1,5", "٣", "0x10"]
        {
            check(odd, Err(NotANumber));
        }
        assert_eq!(Weight::new(f64::NAN), Err(NotANumber));
        assert_eq!(Weight::new(f64::INFINITY), Err(TooLarge));
        assert_eq!(Weight::new(f64::NEG_INFINITY), Err(Negative));
    }

    proptest! {
        #[test]
        fn shown_weights_read_back(weight in 1e-6f64..=1e6) {
            let weight = Weight::new(weight).unwrap();
            prop_assert_eq!(weight.to_string().parse::<Weight>(), Ok(weight));
        }
    }
}
