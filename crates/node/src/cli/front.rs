//! Flags that every command with listeners has: what they are written as, and what they come to.

use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::flags::About;
use super::units::Period;
use crate::daemon::HttpSettings;
use crate::front::{self, ListenAddress};

/// Threads beyond which more only costs memory.
const THREADS_MAX: usize = 1024;

/// What was said of connections and threads.
pub(super) struct FrontSettings {
    pub(super) threads: Option<NonZeroUsize>,
    pub(super) max_conns: Option<NonZeroUsize>,
    pub(super) idle_timeout: Option<Period>,
    pub(super) stall_timeout: Option<Period>,
}

/// It cannot be done so.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrontError {
    #[error("--threads {0} is more than {THREADS_MAX}; one per core is right")]
    TooManyThreads(usize),
    #[error("--stall-timeout must be more than 0: a client that never reads would hold its buffer forever")]
    NoStallTimeout,
}

impl About for FrontError {
    fn about(&self) -> &[&'static str] {
        match self {
            FrontError::TooManyThreads(_) => &["threads"],
            FrontError::NoStallTimeout => &["stall-timeout"],
        }
    }
}

impl FrontSettings {
    /// With defaults for what was not said.
    pub(super) fn check(self) -> Result<front::Config, FrontError> {
        let threads = match self.threads {
            Some(threads) => threads.get(),
            None => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        };
        if threads > THREADS_MAX {
            return Err(FrontError::TooManyThreads(threads));
        }
        let stall_timeout = self.stall_timeout.map_or(Duration::from_secs(30), |period| period.0);
        if stall_timeout.is_zero() {
            return Err(FrontError::NoStallTimeout);
        }
        Ok(front::Config {
            threads,
            elastic: self.threads.is_none(),
            max_conns: self.max_conns.map_or(1024, NonZeroUsize::get),
            idle_timeout: self.idle_timeout.map(|period| period.0).filter(|limit| !limit.is_zero()),
            stall_timeout,
        })
    }
}

/// The addresses that were given, or memcached's own.
pub(super) fn listen_or_default(given: Vec<ListenAddress>) -> Vec<ListenAddress> {
    match given.is_empty() {
        true => vec![ListenAddress::Tcp(([127, 0, 0, 1], 11211).into())],
        false => given,
    }
}

/// In a config file, one address may stand without brackets.
pub(super) fn one_or_several<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<ListenAddress>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected an address in quotes, or a list of them")]
    enum Addresses {
        One(String),
        Several(Vec<String>),
    }
    let texts = match Addresses::deserialize(deserializer)? {
        Addresses::One(text) => vec![text],
        Addresses::Several(texts) => texts,
    };
    texts.iter().map(|text| text.parse().map_err(serde::de::Error::custom)).collect()
}

/// A count on the command line.
pub(super) fn count(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| format!("`{text}` is not a count: write a whole number of at least 1"))
}

/// Where the admin pages are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum HttpAddress {
    /// Nowhere.
    Off,
    /// At this TCP address.
    At(std::net::SocketAddr),
}

impl HttpAddress {
    /// What an address that was given, or not, comes to.
    pub(crate) fn settings(given: Option<HttpAddress>) -> Option<HttpSettings> {
        let explicit = given.is_some();
        match given {
            None => Some(HttpSettings { address: ([127, 0, 0, 1], 7980).into(), explicit }),
            Some(HttpAddress::Off) => None,
            Some(HttpAddress::At(address)) => Some(HttpSettings { address, explicit }),
        }
    }
}

impl FromStr for HttpAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(HttpAddress::Off);
        }
        match text.parse() {
            Ok(ListenAddress::Tcp(address)) => Ok(HttpAddress::At(address)),
            Ok(ListenAddress::Unix(_)) => Err("the admin pages need a TCP address or `off`".into()),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl TryFrom<String> for HttpAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}
