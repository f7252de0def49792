//! Sizes and times as people write them: `64mb`, `250ms`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

/// A number of bytes. Units are powers of 1024, as memcached's are: `64mb`, `64m` and `64mib` are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "Text")]
pub(crate) struct Size(pub(crate) u64);

/// A length of time, at least a millisecond unless zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Text")]
pub(crate) struct Period(pub(crate) Duration);

/// A quantity that could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnitError {
    #[error("`{0}` is not a size: write a number with b, kb, mb, gb or tb, such as 64mb or 1gb")]
    Size(String),
    #[error("`{0}` is not a time: write a number with ms, s, m or h, such as 250ms or 5s")]
    Period(String),
    #[error("`{0}` is too short: a time is at least 1ms, or 0")]
    TooShort(String),
    #[error("`{0}` is too large")]
    TooLarge(String),
}

const SIZES: &[(&str, u64)] = &[
    ("", 1),
    ("b", 1),
    ("k", 1 << 10),
    ("kb", 1 << 10),
    ("kib", 1 << 10),
    ("m", 1 << 20),
    ("mb", 1 << 20),
    ("mib", 1 << 20),
    ("g", 1 << 30),
    ("gb", 1 << 30),
    ("gib", 1 << 30),
    ("t", 1 << 40),
    ("tb", 1 << 40),
    ("tib", 1 << 40),
];

const PERIODS: &[(&str, u64)] = &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];

/// A hundred years.
const PERIOD_MS_MAX: u64 = 100 * 365 * 24 * 3_600_000;

/// Reads a whole or decimal number followed by one of `units`, in the smallest unit.
fn parse(text: &str, units: &[(&str, u64)], malformed: fn(String) -> UnitError) -> Result<u64, UnitError> {
    let wrong = || malformed(text.to_owned());
    let trimmed = text.trim();
    let split = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(split);
    let unit = unit.trim_start().to_ascii_lowercase();
    let scale = units.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale).ok_or_else(wrong)?;
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(scale).ok_or_else(|| UnitError::TooLarge(text.to_owned()));
    }
    match number.parse::<f64>() {
        Ok(number) if number * scale as f64 <= u64::MAX as f64 => Ok((number * scale as f64) as u64),
        Ok(_) => Err(UnitError::TooLarge(text.to_owned())),
        Err(_) => Err(wrong()),
    }
}

impl FromStr for Size {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        parse(text, SIZES, UnitError::Size).map(Size)
    }
}

impl FromStr for Period {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        if text.trim() == "0" {
            return Ok(Period(Duration::ZERO));
        }
        match parse(text, PERIODS, UnitError::Period)? {
            0 if text.contains(|c: char| ('1'..='9').contains(&c)) => {
                Err(UnitError::TooShort(text.to_owned()))
            }
            // Clocks can count no further, or not on all systems.
            ms if ms > PERIOD_MS_MAX => Err(UnitError::TooLarge(text.to_owned())),
            ms => Ok(Period(Duration::from_millis(ms))),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Size(bytes) = *self;
        for (name, scale) in [("tb", 1u64 << 40), ("gb", 1 << 30), ("mb", 1 << 20), ("kb", 1 << 10)] {
            if bytes >= scale && bytes % scale == 0 {
                return write!(f, "{}{name}", bytes / scale);
            }
        }
        write!(f, "{bytes}b")
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// In a config file a quantity is a string, or a bare number of bytes.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a quantity in quotes, such as \"64mb\" or \"5s\"")]
enum Text {
    Quoted(String),
    Number(u64),
}

impl Text {
    fn into_string(self) -> String {
        match self {
            Text::Quoted(text) => text,
            Text::Number(number) => number.to_string(),
        }
    }
}

impl TryFrom<Text> for Size {
    type Error = UnitError;

    fn try_from(text: Text) -> Result<Self, UnitError> {
        text.into_string().parse()
    }
}

impl TryFrom<Text> for Period {
    type Error = UnitError;

    fn try_from(text: Text) -> Result<Self, UnitError> {
        text.into_string().parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_size(text: &str, expected: Option<u64>) {
        assert_eq!(text.parse::<Size>().ok().map(|size| size.0), expected, "{text}");
    }

    #[test]
    fn sizes() {
        check_size("64mb", Some(64 << 20));
        check_size("64", Some(64));
        check_size("1.5GB", Some(3 << 29));
        check_size("1 gib", Some(1 << 30));
        check_size("-1mb", None);
        check_size("mb", None);
        check_size("64xb", None);
        check_size("", None);
        check_size("99999999999999tb", None);
        check_size("1.2.3mb", None);
        assert_eq!(Size(64 << 20).to_string(), "64mb");
        assert_eq!(Size(1500).to_string(), "1500b");
    }

    #[test]
    fn periods() {
        assert_eq!("250ms".parse(), Ok(Period(Duration::from_millis(250))));
        assert_eq!("0".parse(), Ok(Period(Duration::ZERO)));
        assert_eq!("5".parse::<Period>(), Err(UnitError::Period("5".into())));
        assert_eq!("2m".parse(), Ok(Period(Duration::from_secs(120))));
        assert_eq!("0.1ms".parse::<Period>(), Err(UnitError::TooShort("0.1ms".into())));
        assert_eq!("5000000000000h".parse::<Period>(), Err(UnitError::TooLarge("5000000000000h".into())));
        assert!("soon".parse::<Period>().is_err());
    }
}
