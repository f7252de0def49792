//! The flags of `peerset register`, their twins in the config file, and what both come to.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use peerset_cluster::{DiscoveryUrl, Endpoint, Member};
use peerset_discover_zookeeper::{Access, CheckConfig, ServersetConfig, write_member};
use serde::{Deserialize, Deserializer};

use super::auth::{self, Auth, AuthFileError};
use super::flags::{About, Flags, text};
use super::units::Period;
use super::zk_tls::{ZkTls, ZkTlsError};
use crate::register::RegisterSettings;
use crate::register::check::Check;
use crate::source::{self, Look, SourceError};

pub(super) const EXAMPLES: &str = "\
Examples:
  peerset register serverset://zk1:2181,zk2:2181/prod/cache \\
      --endpoint 10.0.0.1:11211 --check memcached
  peerset register zk://zk1:2181/services/web --endpoint web-1.internal:80 \\
      --check http:/healthz --named admin=web-1.internal:9990 --meta rack=a7
  peerset register serverset://zk1:2181/prod/db --endpoint 10.0.0.1:5432 \\
      --check-at unix:/run/db.sock --check tcp
  peerset watch serverset://zk1:2181/prod/cache     shows who is registered

Checks:
  none        nothing: registered for as long as this process runs
  tcp         it takes connections
  memcached   it answers a get of a key that nobody has
  http:/PATH  it answers GET /PATH with a status of 200 to 299
  cmd:LINE    `sh -c LINE` exits with status 0; $PEERSET_ENDPOINT is HOST:PORT.
              Whatever it leaves running in its process group is killed

Config file (--config FILE; `peerset check FILE` explains it):
  [register]
  url = \"serverset://zk1:2181,zk2:2181/prod/cache\"
  endpoint = \"10.0.0.1:11211\"
  check = \"memcached\"
  named = { admin = \"10.0.0.1:9990\" }";

/// Every setting, as a flag and as a key of the config file's `[register]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct RegisterFlags {
    /// The set: zk://HOST:PORT,…/PATH or serverset://HOST:PORT,…/ENV/SERVICE; it is created if it does not exist
    #[arg(value_name = "URL")]
    #[serde(deserialize_with = "text")]
    url: Option<DiscoveryUrl>,

    /// The address at which clients reach the server
    #[arg(long, value_name = "HOST:PORT")]
    #[serde(deserialize_with = "text")]
    endpoint: Option<Endpoint>,

    /// What must succeed for the server to be registered: tcp, memcached, http:/PATH, cmd:LINE or none; see below [default: none]
    #[arg(long, value_name = "CHECK")]
    #[serde(deserialize_with = "text")]
    check: Option<Check>,

    /// The address to check, HOST:PORT or unix:PATH [default: that of --endpoint]
    #[arg(long, value_name = "ADDRESS")]
    #[serde(deserialize_with = "text")]
    check_at: Option<Endpoint>,

    /// How often to check [default: 1s]
    #[arg(long, value_name = "TIME")]
    every: Option<Period>,

    /// How long a check may take before it counts as failed [default: 500ms]
    #[arg(long, value_name = "TIME")]
    timeout: Option<Period>,

    /// A further address of the server, under a name of its own; may be given several times
    #[arg(long, value_name = "NAME=HOST:PORT")]
    #[serde(deserialize_with = "pairs")]
    named: Vec<Pair<Endpoint>>,

    /// The slot that the server fills; a replacement with the same number takes over
    #[arg(long, value_name = "N")]
    shard: Option<u32>,

    /// A fact about the server; may be given several times, though Finagle reads only ten
    #[arg(long, value_name = "KEY=VALUE")]
    #[serde(deserialize_with = "pairs")]
    meta: Vec<Pair<String>>,

    /// How long the server stays registered after this process is killed or cut off [default: 10s]
    #[arg(long, value_name = "TIME")]
    session_timeout: Option<Period>,

    /// Credentials for ZooKeeper, digest:USER:PASSWORD. Other processes can see the command line, so prefer --auth-file
    #[arg(long, value_name = "SCHEME:SECRET")]
    auth: Vec<Auth>,

    /// A file whose first line holds such credentials. They are sent unencrypted without --zk-tls-ca
    #[arg(long, value_name = "FILE")]
    auth_file: Option<PathBuf>,

    /// Who may read and change what is created in ZooKeeper; all but anyone need credentials [default: anyone]
    #[arg(long, value_enum, value_name = "WHO")]
    acl: Option<Acl>,

    #[command(flatten)]
    #[serde(flatten)]
    zk_tls: ZkTls,
}

/// No ensemble grants as much; what is longer was not meant.
const SESSION_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Who may do what with znodes that are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Acl {
    /// Everybody may read and write, as with Finagle and go.serversets
    Anyone,
    /// Everybody may read; only those with the same credentials may write
    CreatorWrites,
    /// Only those with the same credentials may read or write
    CreatorOnly,
}

/// `NAME=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair<T> {
    name: String,
    value: T,
}

/// Settings that are missing or do not go together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegisterSettingsError {
    #[error("there is no URL: it says where to register, such as serverset://zk1:2181,zk2:2181/prod/cache")]
    NoUrl,
    #[error("--endpoint is missing: it says where clients reach the server, such as 10.0.0.1:11211")]
    NoEndpoint,
    #[error("--{0} must be more than 0")]
    Zero(&'static str),
    #[error("--session-timeout {0} is more than 24h, for which a server that is gone would stay registered")]
    SessionTooLong(Period),
    #[error("--{0} {1:?} is given twice")]
    Twice(&'static str, String),
    #[error("--check-at needs --check: without one, nobody looks at the server")]
    NothingChecks,
    #[error("--acl {0} needs --auth or --auth-file: without credentials nobody is the creator")]
    AclWithoutAuth(&'static str),
    #[error("this cannot be registered")]
    Member(#[source] peerset_discover_zookeeper::WriteError),
    #[error("this cannot be registered")]
    Limits(#[source] peerset_cluster::MemberError),
    #[error(transparent)]
    Auth(#[from] AuthFileError),
    #[error(transparent)]
    Tls(#[from] ZkTlsError),
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl About for RegisterSettingsError {
    fn about(&self) -> &[&'static str] {
        use RegisterSettingsError as Error;
        match self {
            // Beside where to register, it may say what to write instead of a part of the URL.
            Error::NoUrl | Error::Source(_) => &["url", "named", "shard"],
            Error::NoEndpoint | Error::Member(_) | Error::Limits(_) => &["endpoint"],
            Error::Zero(flag) | Error::Twice(flag, _) => std::slice::from_ref(flag),
            Error::SessionTooLong(_) => &["session-timeout"],
            Error::NothingChecks => &["check-at", "check"],
            Error::AclWithoutAuth(_) => &["acl", "auth", "auth-file"],
            Error::Auth(_) => &["auth-file"],
            Error::Tls(error) => error.about(),
        }
    }
}

impl Flags for RegisterFlags {
    const TABLE: &'static str = "register";
    type Settings = RegisterSettings;
    type Error = RegisterSettingsError;

    fn over(self, other: RegisterFlags) -> RegisterFlags {
        let (auth, auth_file) = auth::over((self.auth, self.auth_file), (other.auth, other.auth_file));
        RegisterFlags {
            url: self.url.or(other.url),
            endpoint: self.endpoint.or(other.endpoint),
            check: self.check.or(other.check),
            check_at: self.check_at.or(other.check_at),
            every: self.every.or(other.every),
            timeout: self.timeout.or(other.timeout),
            named: if self.named.is_empty() { other.named } else { self.named },
            shard: self.shard.or(other.shard),
            meta: if self.meta.is_empty() { other.meta } else { self.meta },
            session_timeout: self.session_timeout.or(other.session_timeout),
            auth,
            auth_file,
            acl: self.acl.or(other.acl),
            zk_tls: self.zk_tls.over(other.zk_tls),
        }
    }

    fn settings(self) -> Result<RegisterSettings, RegisterSettingsError> {
        use RegisterSettingsError as Error;
        let url = self.url.ok_or(Error::NoUrl)?;
        source::can_register(&url)?;
        let endpoint = self.endpoint.ok_or(Error::NoEndpoint)?;
        let mut member = Member::at(endpoint.clone());
        for Pair { name, value } in self.named {
            if member.endpoints.insert(name.clone(), value).is_some() {
                return Err(Error::Twice("named", name));
            }
        }
        for Pair { name, value } in self.meta {
            if member.metadata.insert(name.clone(), value).is_some() {
                return Err(Error::Twice("meta", name));
            }
        }
        member.shard = self.shard;
        let timeout = positive("session-timeout", self.session_timeout, Duration::from_secs(10))?;
        if timeout > SESSION_MAX {
            return Err(Error::SessionTooLong(Period(timeout)));
        }
        let mut look = Look::default().with_session_timeout(timeout);
        let session = &mut look.zookeeper;
        session.credentials = Auth::all(self.auth, self.auth_file.as_deref())?;
        self.zk_tls.encrypt(session)?;
        member.check(&session.limits).map_err(Error::Limits)?;
        write_member(&member, session.member_bytes_max).map_err(Error::Member)?;
        let mut set = ServersetConfig::default();
        set.access = match (self.acl.unwrap_or(Acl::Anyone), session.credentials.is_empty()) {
            (Acl::Anyone, _) => Access::Anyone,
            (Acl::CreatorWrites, false) => Access::CreatorWrites,
            (Acl::CreatorOnly, false) => Access::CreatorOnly,
            (Acl::CreatorWrites, true) => return Err(Error::AclWithoutAuth("creator-writes")),
            (Acl::CreatorOnly, true) => return Err(Error::AclWithoutAuth("creator-only")),
        };
        let mut rhythm = CheckConfig::default();
        rhythm.every = positive("every", self.every, Duration::from_secs(1))?;
        rhythm.limit = positive("timeout", self.timeout, Duration::from_millis(500))?;
        // Who writes none has turned off the check of a config file, and with it what belongs to it.
        if self.check.is_none() && self.check_at.is_some() {
            return Err(Error::NothingChecks);
        }
        let check = self.check.unwrap_or(Check::None);
        let target = self.check_at.unwrap_or(endpoint);
        Ok(RegisterSettings { url, member, check, target, rhythm, look, set })
    }
}

fn positive(
    flag: &'static str,
    given: Option<Period>,
    default: Duration,
) -> Result<Duration, RegisterSettingsError> {
    match given {
        Some(Period(period)) if period.is_zero() => Err(RegisterSettingsError::Zero(flag)),
        Some(Period(period)) => Ok(period),
        None => Ok(default),
    }
}

impl<T: FromStr<Err: std::fmt::Display>> FromStr for Pair<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => match value.parse() {
                Ok(value) => Ok(Pair { name: name.to_owned(), value }),
                Err(error) => Err(error.to_string()),
            },
            _ => Err("write NAME=VALUE".to_owned()),
        }
    }
}

/// In a config file, pairs are a table.
fn pairs<'de, D: Deserializer<'de>, T>(deserializer: D) -> Result<Vec<Pair<T>>, D::Error>
where
    T: FromStr<Err: std::fmt::Display>,
{
    let table = BTreeMap::<String, String>::deserialize(deserializer)?;
    let pair = |(name, value): (String, String)| match value.parse() {
        Ok(value) => Ok(Pair { name, value }),
        Err(error) => Err(serde::de::Error::custom(format!("{name}: {error}"))),
    };
    table.into_iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn flags(text: &str) -> RegisterFlags {
        toml::from_str(&format!("url = 'zk://z:1/a'\nendpoint = 'h:1'\n{text}")).unwrap()
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let file = flags("check = 'tcp'\nevery = '3s'\nnamed = { admin = 'h:2' }\nmeta = { a = 'b' }");
        let settings = flags("every = '2s'\nshard = 7").over(file).settings().unwrap();
        assert_eq!((settings.check, settings.rhythm.every), (Check::Tcp, Duration::from_secs(2)));
        assert_eq!(settings.rhythm.limit, Duration::from_millis(500));
        assert_eq!((settings.member.shard, settings.target.to_string()), (Some(7), "h:1".to_owned()));
        assert_eq!(settings.member.endpoints["admin"].to_string(), "h:2");
        assert_eq!(settings.member.metadata["a"], "b");
        // Who names credentials is not to be known by others as well.
        let file = flags("auth-file = '/no/such/file'");
        let settings = flags("auth = ['digest:a:b']").over(file).settings().unwrap();
        assert_eq!(settings.look.zookeeper.credentials.len(), 1);
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        let error = anyhow::Error::from(flags(text).settings().unwrap_err());
        assert!(format!("{error:#}").contains(expected), "{error:#}");
    }

    #[test]
    fn settings_that_do_not_go_together() {
        check_refused("every = '0'", "--every must be more than 0");
        check_refused("session-timeout = '25h'", "--session-timeout 90000s is more than 24h");
        check_refused("check-at = 'h:2'", "--check-at needs --check");
        check_refused("acl = 'creator-only'", "--acl creator-only needs --auth");
        check_refused("meta = { 'peerset.id' = 'x' }", "\"peerset.id\" begins with peerset.");
        check_refused("auth-file = '/no/such/file'", "cannot read the auth file /no/such/file");
        let long = "x".repeat(2000);
        check_refused(&format!("meta = {{ a = '{long}' }}"), "metadata value of 2000 bytes");
        let none = RegisterFlags::default().settings().unwrap_err().to_string();
        assert!(none.contains("there is no URL"), "{none}");
        let acl = flags("acl = 'creator-writes'\nauth = ['digest:a:b']").settings().unwrap();
        assert_eq!(acl.set.access, Access::CreatorWrites);
    }
}
