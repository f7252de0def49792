//! Whether a server works: the kinds of `--check`.

mod command;
mod http;
mod memcached;
mod stream;

use std::fmt;
use std::io;
use std::str::FromStr;

use peerset_cluster::Endpoint;

use http::HttpPath;
pub(crate) use stream::Lookup;

/// A way to find out whether a server works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Check {
    /// It is taken to.
    None,
    /// It takes connections.
    Tcp,
    /// It answers a `get` of a key that nobody has; a miss is as good as a hit.
    Memcached,
    /// It answers `GET PATH` with a status of 200 to 299.
    Http(HttpPath),
    /// `sh -c LINE` ends with exit status 0.
    Command(String),
}

/// A text that names no check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CheckParseError {
    #[error("there is no check `{0}`: write none, tcp, memcached, http:/PATH or cmd:LINE")]
    Unknown(String),
    #[error("a path begins with / and has no white space: write http:/PATH, as in http:/healthz")]
    Path,
    #[error("there is no command: write cmd:LINE, as in cmd:'redis-cli ping'")]
    NoCommand,
}

/// What a check found wrong. The texts end in the log, behind "the check fails".
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    #[error("cannot connect to {0}: {1}")]
    Connect(Endpoint, io::Error),
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    #[error("it closed the connection without an answer")]
    Closed,
    #[error("it answered {0:?}")]
    Answered(String),
    #[error("cannot run sh: {0}")]
    Shell(io::Error),
    #[error("{0}")]
    Command(String),
}

impl Check {
    /// Looks once. It is for the caller to limit the time: dropping the future drops everything that it began.
    pub(crate) async fn run(&self, target: &Endpoint, lookup: &Lookup) -> Result<(), CheckError> {
        match self {
            Check::None => Ok(()),
            Check::Tcp => stream::connect(target, lookup).await.map(drop),
            Check::Memcached => memcached::check(target, lookup).await,
            Check::Http(path) => http::check(target, lookup, path).await,
            Check::Command(line) => command::check(line, target).await,
        }
    }
}

impl FromStr for Check {
    type Err = CheckParseError;

    fn from_str(text: &str) -> Result<Check, CheckParseError> {
        match text.split_once(':') {
            None if text == "none" => Ok(Check::None),
            None if text == "tcp" => Ok(Check::Tcp),
            None if text == "memcached" => Ok(Check::Memcached),
            Some(("http", path)) => HttpPath::new(path).map(Check::Http).ok_or(CheckParseError::Path),
            Some(("cmd", line)) if line.trim().is_empty() => Err(CheckParseError::NoCommand),
            Some(("cmd", line)) => Ok(Check::Command(line.to_owned())),
            _ => Err(CheckParseError::Unknown(text.to_owned())),
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Check::None => f.write_str("none"),
            Check::Tcp => f.write_str("tcp"),
            Check::Memcached => f.write_str("memcached"),
            Check::Http(path) => write!(f, "http:{path}"),
            Check::Command(line) => write!(f, "cmd:{line}"),
        }
    }
}

#[cfg(test)]
mod tests;
