//! Where a serverset is in the tree: `/discovery/ENV/SERVICE`, Aurora's paths, or any znode.

use std::fmt;

/// The znode whose children are the members of a set.
///
/// | Made by | Path | Whose habit |
/// |---|---|---|
/// | [`discovery`](Self::discovery) | `/discovery/ENV/SERVICE` | Finagle's guide, go.serversets |
/// | [`aurora`](Self::aurora) | `/aurora/ROLE/ENV/JOB` | Apache Aurora |
/// | [`under`](Self::under) | `BASE/ENV/SERVICE` | a base of one's own, or a chroot |
/// | [`new`](Self::new) | any | |
///
/// - **Shape**: absolute; 1 to 1024 bytes; no empty, `.` or `..` part, none of the characters that ZooKeeper refuses;
///   not `/` and nothing below `/zookeeper`, which belongs to the server.
///
/// ```
/// use peerset_discover_zookeeper::{Environment, ServersetPath};
///
/// let path = ServersetPath::discovery(&Environment::Production, "cache")?;
/// assert_eq!(path.as_str(), "/discovery/prod/cache");
/// assert!(ServersetPath::discovery(&Environment::Test, "a/b").is_err());
/// # Ok::<(), peerset_discover_zookeeper::PathError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServersetPath(String);

/// The second part of a discovery path. The four named ones are those of go.serversets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Environment {
    /// `local`
    Local,
    /// `prod`
    Production,
    /// `test`
    Test,
    /// `staging`
    Staging,
    /// Any other, without a slash.
    Other(String),
}

/// Why a text is no [`ServersetPath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// A path begins with a slash.
    #[error("the path {path:?} does not begin with a slash")]
    Relative {
        /// The path.
        path: String,
    },
    /// One part, an environment, a service or a role, is empty, `.` or `..`, or has a slash or a character that
    /// ZooKeeper refuses.
    #[error("{part:?} cannot be a part of a ZooKeeper path: {problem}")]
    Part {
        /// The part.
        part: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// ZooKeeper keeps these nodes for itself.
    #[error("{path} belongs to ZooKeeper itself and cannot hold members")]
    Reserved {
        /// The path.
        path: String,
    },
    /// Longer than any name a set could need.
    #[error("a path of {bytes} bytes is over the limit of 1024")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
}

impl ServersetPath {
    /// The longest path, in bytes.
    pub const BYTES_MAX: usize = 1024;

    /// Any znode.
    ///
    /// # Errors
    /// Which part of the path ZooKeeper would refuse, and why.
    pub fn new(path: impl Into<String>) -> Result<Self, PathError> {
        let path = path.into();
        if path.len() > Self::BYTES_MAX {
            return Err(PathError::TooLong { bytes: path.len() });
        }
        let Some(parts) = path.strip_prefix('/') else { return Err(PathError::Relative { path }) };
        if parts.is_empty() || parts == "zookeeper" || parts.starts_with("zookeeper/") {
            return Err(PathError::Reserved { path });
        }
        parts.split('/').try_for_each(check_part)?;
        Ok(ServersetPath(path))
    }

    /// `/discovery/ENV/SERVICE`, where Finagle's guide and go.serversets keep services.
    ///
    /// # Errors
    /// The environment or the service is not one part of a path.
    pub fn discovery(environment: &Environment, service: &str) -> Result<Self, PathError> {
        Self::of_parts("/discovery", &[environment.as_str(), service])
    }

    /// `/aurora/ROLE/ENV/JOB`, where Aurora announces its jobs.
    ///
    /// # Errors
    /// One of them is not one part of a path.
    pub fn aurora(role: &str, environment: &Environment, job: &str) -> Result<Self, PathError> {
        Self::of_parts("/aurora", &[role, environment.as_str(), job])
    }

    /// `BASE/ENV/SERVICE`, for a base path of one's own.
    ///
    /// # Errors
    /// The base is not a path, or the environment or the service is not one part of one.
    pub fn under(base: &str, environment: &Environment, service: &str) -> Result<Self, PathError> {
        Self::of_parts(base, &[environment.as_str(), service])
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path of a child.
    pub(crate) fn child(&self, name: &str) -> String {
        format!("{}/{name}", self.0)
    }

    fn of_parts(base: &str, parts: &[&str]) -> Result<Self, PathError> {
        parts.iter().try_for_each(|part| match part.contains('/') {
            true => Err(PathError::Part { part: (*part).to_owned(), problem: "it has a slash" }),
            false => check_part(part),
        })?;
        Self::new(format!("{base}/{}", parts.join("/")))
    }
}

/// What ZooKeeper's own `PathUtils.validatePath` refuses, so that a wrong path fails before anybody is asked.
fn check_part(part: &str) -> Result<(), PathError> {
    let refused = |c: char| matches!(c, '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..='\u{ffff}');
    let problem = match part {
        "" => "it is empty",
        "." | ".." => "relative parts have no meaning there",
        _ if part.contains(refused) => "it has a character that ZooKeeper refuses",
        _ => return Ok(()),
    };
    Err(PathError::Part { part: part.to_owned(), problem })
}

impl Environment {
    /// The part of the path.
    pub fn as_str(&self) -> &str {
        match self {
            Environment::Local => "local",
            Environment::Production => "prod",
            Environment::Test => "test",
            Environment::Staging => "staging",
            Environment::Other(name) => name,
        }
    }
}

impl fmt::Display for ServersetPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_originals() {
        fn check(made: Result<ServersetPath, PathError>, expected: &str) {
            assert_eq!(made.as_ref().map_or_else(ToString::to_string, ToString::to_string), expected);
        }
        let environments =
            [Environment::Local, Environment::Production, Environment::Test, Environment::Staging];
        for (environment, name) in environments.iter().zip(["local", "prod", "test", "staging"]) {
            check(ServersetPath::discovery(environment, "s"), &format!("/discovery/{name}/s"));
        }
        let devel = Environment::Other("devel".into());
        check(ServersetPath::aurora("www", &devel, "hello"), "/aurora/www/devel/hello");
        check(ServersetPath::under("/a/b", &devel, "s"), "/a/b/devel/s");
        check(ServersetPath::under("", &devel, "s"), "/devel/s");
        let slash = "\"a/b\" cannot be a part of a ZooKeeper path: it has a slash";
        check(ServersetPath::discovery(&devel, "a/b"), slash);
        check(ServersetPath::discovery(&Environment::Other("a/b".into()), "s"), slash);
    }

    #[test]
    fn what_zookeeper_refuses_is_refused_here() {
        fn check(path: &str, expected: &str) {
            let error = ServersetPath::new(path).map(drop).expect_err(path).to_string();
            assert!(error.contains(expected), "{path:?}: {error}");
        }
        check("", "does not begin with a slash");
        check("a/b", "does not begin with a slash");
        check("/", "belongs to ZooKeeper");
        check("/zookeeper", "belongs to ZooKeeper");
        check("/zookeeper/quota", "belongs to ZooKeeper");
        check("//a", "it is empty");
        check("/a/", "it is empty");
        check("/a/../b", "relative");
        check("/a/./b", "relative");
        check("/a\0", "a character");
        check("/a\u{85}", "a character");
        check("/a\u{fff5}", "a character");
        check(&format!("/{}", "a".repeat(1024)), "1025 bytes");
        for good in ["/zookeepers", "/a/...", "/a/.b", "/é ü", &format!("/{}", "a".repeat(1023))] {
            assert_eq!(ServersetPath::new(good).map(|path| path.to_string()), Ok(good.to_owned()));
        }
    }
}
