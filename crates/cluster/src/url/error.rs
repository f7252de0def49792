//! What is wrong with a discovery URL, where, and how it should look.

use std::fmt;
use std::ops::Range;

use super::Scheme;
use crate::text::Fault;
use crate::{EndpointProblem, ItemProblem, PercentProblem};

/// A discovery URL could not be read.
///
/// Its message has several lines: what is wrong with which part, the URL with a caret under the place, and the
/// scheme's grammar and an example. [`summary`](Self::summary) is the first line alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlError {
    input: Box<str>,
    at: Range<usize>,
    part: Box<str>,
    problem: UrlProblem,
    scheme: Option<Scheme>,
}

/// What can be wrong with a discovery URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlProblem {
    /// It does not begin with `SCHEME:`.
    #[error("there is no scheme")]
    NoScheme,
    /// A list of servers without a scheme.
    #[error("there is no scheme; for a list of servers begin with static:")]
    MeantStatic,
    /// A path without a scheme.
    #[error("there is no scheme; for a file begin with file:")]
    MeantFile,
    /// A scheme nobody knows.
    #[error("there is no such scheme{}", Hint(*nearest))]
    UnknownScheme {
        /// What was probably meant.
        nearest: Option<&'static str>,
    },
    /// Over [`DiscoveryUrl::BYTES_MAX`](crate::DiscoveryUrl::BYTES_MAX).
    #[error("the URL is over 1 MiB")]
    TooLong,
    /// `zk:h:1` instead of `zk://h:1`.
    #[error("// must follow the scheme")]
    SlashesMissing,
    /// `static://a:1` instead of `static:a:1`.
    #[error("no // after this scheme")]
    SlashesUnwanted,
    /// A required part is not there.
    #[error("missing")]
    Missing,
    /// A path after a URL that has none.
    #[error("this scheme takes no path")]
    PathUnwanted,
    /// More parts than the scheme has.
    #[error("too many parts between slashes")]
    TooManyParts,
    /// Two slashes in a row, or one at the end.
    #[error("an empty part between slashes")]
    EmptyPart,
    /// `.` or `..` in a znode's path.
    #[error("'.' and '..' mean nothing here")]
    DotPart,
    /// `%2F` inside a part that cannot hold a slash.
    #[error("a slash cannot be part of it")]
    Slash,
    /// A character that names of this kind do not have.
    #[error("only {allowed} are allowed")]
    Character {
        /// Which characters it may have.
        allowed: &'static str,
    },
    /// An SRV name is `_service._protocol.domain`.
    #[error("an SRV name begins with _SERVICE._PROTOCOL.")]
    NotSrv,
    /// `file://host/path`.
    #[error("a file has no host; write file:/PATH")]
    FileHost,
    /// `user:password@host`.
    #[error("credentials do not belong in a URL, which ends up in logs")]
    Credentials,
    /// `?` after a URL that takes no parameters.
    #[error("this scheme takes no parameters; a question mark in a path or name is %3F")]
    QueryUnwanted,
    /// A parameter without `=VALUE`.
    #[error("the parameter has no value")]
    NoValue,
    /// A parameter nobody knows.
    #[error("there is no such parameter{}", Hint(*nearest))]
    UnknownParameter {
        /// What was probably meant.
        nearest: Option<&'static str>,
    },
    /// A parameter that may stand once stands twice.
    #[error("the parameter is already given")]
    Repeated,
    /// Not a number from 0 to 4294967295.
    #[error("not a number from 0 to 4294967295")]
    NotANumber,
    /// A bad item of `static:`.
    #[error(transparent)]
    Item(#[from] ItemProblem),
    /// A bad host or port.
    #[error(transparent)]
    Endpoint(#[from] EndpointProblem),
    /// A bad `%XX`.
    #[error(transparent)]
    Percent(#[from] PercentProblem),
}

/// What was probably meant, as the end of a sentence.
struct Hint(Option<&'static str>);

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |nearest| write!(f, "; did you mean {nearest}?"))
    }
}

impl UrlError {
    pub(super) fn new(input: &str, scheme: Option<Scheme>, part: &str, fault: Fault<UrlProblem>) -> Self {
        UrlError { input: input.into(), at: fault.at, part: part.into(), problem: fault.problem, scheme }
    }

    /// What is wrong.
    pub fn problem(&self) -> UrlProblem {
        self.problem
    }

    /// Which part is wrong: `scheme`, `server 2`, `item 3`, `path`, `parameter shard` and so on.
    pub fn part(&self) -> &str {
        &self.part
    }

    /// The bytes of the URL it is wrong with; empty where something is missing.
    pub fn position(&self) -> Range<usize> {
        self.at.clone()
    }

    /// Which scheme's rules it breaks, if the scheme is known.
    pub fn scheme(&self) -> Option<Scheme> {
        self.scheme
    }

    /// One line without the URL: `server 2: the port is out of range (1 to 65535)`.
    pub fn summary(&self) -> String {
        format!("{}: {}", self.part, self.problem)
    }
}

/// Characters of the URL to show before and after the place; more would wrap in a terminal.
const CONTEXT_LEN: usize = 60;

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, rest) = self.input.split_at(self.at.start);
        let (bad, after) = rest.split_at(self.at.end - self.at.start);
        let skipped = before.chars().count().saturating_sub(CONTEXT_LEN);
        let lead = if skipped > 0 { "…" } else { "" };
        let before: String = before.chars().skip(skipped).map(printable).collect();
        let cut = |text: &str| -> String {
            let shown: String = text.chars().take(CONTEXT_LEN).map(printable).collect();
            if text.chars().nth(CONTEXT_LEN).is_some() { shown + "…" } else { shown }
        };
        let (bad, after) = (cut(bad), cut(after));
        let indent = lead.chars().count() + before.chars().count();
        let carets = "^".repeat(bad.chars().count().max(1));
        writeln!(f, "{}: {}", self.part, self.problem)?;
        writeln!(f, "  {lead}{before}{bad}{after}")?;
        writeln!(f, "  {:indent$}{carets}", "")?;
        match self.scheme {
            Some(scheme) => write!(f, "  write {}\n  as in {}", scheme.grammar(), scheme.example()),
            None => {
                let names = Scheme::ALL.map(Scheme::as_str);
                write!(f, "  write one of {}", names.join(", "))
            }
        }
    }
}

impl std::error::Error for UrlError {}

/// Keeps the caret under its place whatever a terminal makes of a control character.
fn printable(character: char) -> char {
    if character.is_control() { '\u{fffd}' } else { character }
}
