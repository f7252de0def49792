//! The credentials of a command for a registry: `--auth` and `--auth-file`.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use peerset_discover_zookeeper::Credentials;
use serde::Deserialize;

/// A longer first line holds no secret.
const LINE_BYTES_MAX: u64 = 4096;

/// Credentials as people write them: `SCHEME:SECRET`, and for the scheme `digest` a user and a password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Auth(Credentials);

/// They are none. What was written is not repeated, since it may be a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write digest:USER:PASSWORD, or SCHEME:SECRET for another scheme of ZooKeeper")]
pub(crate) struct AuthError;

/// A file that should hold one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthFileError {
    #[error("cannot read the auth file {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the first line of the auth file {} holds no credentials: {AuthError}", path.display())]
    Malformed { path: PathBuf },
}

impl Auth {
    /// Reads the first line of a file.
    pub(crate) fn from_file(path: &Path) -> Result<Auth, AuthFileError> {
        let mut line = Vec::new();
        File::open(path)
            .and_then(|file| BufReader::new(file.take(LINE_BYTES_MAX)).read_until(b'\n', &mut line))
            .map_err(|source| AuthFileError::Read { path: path.into(), source })?;
        let text = std::str::from_utf8(&line).ok().map(|text| text.trim_end_matches(['\r', '\n']));
        let auth = text.and_then(|text| text.parse().ok());
        auth.ok_or_else(|| AuthFileError::Malformed { path: path.into() })
    }

    /// What was given, as a session takes it.
    pub(crate) fn all(given: Vec<Auth>, file: Option<&Path>) -> Result<Vec<Credentials>, AuthFileError> {
        let file = file.map(Auth::from_file).transpose()?;
        Ok(given.into_iter().chain(file).map(|Auth(credentials)| credentials).collect())
    }
}

/// What `--auth` and `--auth-file` say, or if neither was given what their twins say.
pub(super) fn over(
    given: (Vec<Auth>, Option<PathBuf>),
    other: (Vec<Auth>, Option<PathBuf>),
) -> (Vec<Auth>, Option<PathBuf>) {
    match given {
        (auth, None) if auth.is_empty() => other,
        given => given,
    }
}

impl FromStr for Auth {
    type Err = AuthError;

    fn from_str(text: &str) -> Result<Auth, AuthError> {
        match text.split_once(':') {
            Some(("digest", secret)) => match secret.split_once(':') {
                Some((user, password)) if !user.is_empty() => Ok(Auth(Credentials::digest(user, password))),
                _ => Err(AuthError),
            },
            Some((scheme, secret)) if !scheme.is_empty() => Ok(Auth(Credentials::new(scheme, secret))),
            _ => Err(AuthError),
        }
    }
}

impl TryFrom<String> for Auth {
    type Error = AuthError;

    fn try_from(text: String) -> Result<Auth, AuthError> {
        text.parse()
    }
}

impl fmt::Debug for Auth {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<Credentials>) {
        assert_eq!(text.parse::<Auth>().ok(), expected.clone().map(Auth), "{text}");
        let folder = peerset_testkit::TempDir::new().unwrap();
        let path = folder.path().join("auth");
        std::fs::write(&path, format!("{text}\nsecond line\n")).unwrap();
        let read = Auth::all(Vec::new(), Some(&path));
        assert_eq!(read.ok(), expected.map(|expected| vec![expected]), "{text} in a file");
    }

    #[test]
    fn identities() {
        check("digest:bob:secret", Some(Credentials::digest("bob", "secret")));
        check("digest:bob:a:b", Some(Credentials::digest("bob", "a:b")));
        check("digest:bob:", Some(Credentials::digest("bob", "")));
        check("ip:10.0.0.1", Some(Credentials::new("ip", "10.0.0.1")));
        for wrong in ["", "digest", "digest:bob", "digest::x", ":x"] {
            check(wrong, None);
        }
    }

    #[test]
    fn no_secret_is_shown() {
        let auth: Auth = "digest:bob:secret".parse().unwrap();
        assert!(!format!("{auth:?}").contains("secret"), "{auth:?}");
    }
}
