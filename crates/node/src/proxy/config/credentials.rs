//! How a pool's servers and the proxy know each other: `auth`, `auth-file` and `tls`; and how it looks for them:
//! `discover-auth-file` and `zk-tls-ca` with its kin.

use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use peerset_client_memcache::handshake::Auth;
use peerset_client_memcache::tls::{Identity, Roots, TlsConfig, TlsOptions};
use peerset_discover_zookeeper::{Credentials, ZookeeperConfig};

use super::PoolConfig;
use crate::cli::auth::{self as discover, AuthFileError};
use crate::cli::config_file::{Report, Section, Value, text};
use crate::cli::flags::About;
use crate::cli::zk_tls::ZkTls;

/// The first line of an `auth-file` is no longer.
const LINE_BYTES_MAX: u64 = 1024;

/// Reads what a pool says of credentials.
pub(super) fn read(section: &Section<'_>, pool: &mut PoolConfig, report: &mut Report) {
    if let (Some(_), Some(file)) = (section.get("auth"), section.get("auth-file")) {
        report.mistake(file.span(), "auth and auth-file exclude each other").hint("keep one of them");
    }
    let mut secrets = Vec::new();
    let inline = section.read("auth", auth, report);
    let auth = section.read("auth-file", auth_file, report).or(inline);
    if let Some((auth, password)) = auth {
        secrets.push(Some(password.into_bytes()));
        pool.server.auth = Some(auth);
    }
    if let Some((config, files)) = section.read("tls", tls, report) {
        // They were readable a moment ago; should they no longer be, that is a change too.
        secrets.extend(files.iter().map(|file| fs::read(file).ok()));
        pool.server.tls = config;
    }
    pool.secrets = digest(&secrets);
    if let Some(credentials) = section.read("discover-auth-file", discover_auth_file, report) {
        pool.zookeeper.credentials = credentials;
    }
    zk_tls(section, &mut pool.zookeeper, report);
}

/// Another number for other secrets: of this process alone, so that it says nothing about a password to who sees it.
pub(crate) fn digest(secrets: &[Option<Vec<u8>>]) -> u64 {
    static KEY: OnceLock<RandomState> = OnceLock::new();
    KEY.get_or_init(RandomState::new).hash_one(secrets)
}

/// Reads `{ user, password }`.
fn auth(value: &Value<'_>, report: &mut Report) -> Option<(Auth, String)> {
    let section = Section::of(value, report)?;
    section.refuse_unknown("part of auth", &["user", "password"], report);
    let mut word = |name| {
        if section.get(name).is_none() {
            report.mistake(value.span(), format!("auth has no {name}"));
        }
        section.read(name, |value, report| text(value, report).map(str::to_owned), report)
    };
    let (user, password) = (word("user")?, word("password")?);
    let auth = Auth::new(user, password.as_str());
    Some((report.take(value.span(), auth)?, password))
}

fn auth_file(value: &Value<'_>, report: &mut Report) -> Option<(Auth, String)> {
    let path = Path::new(text(value, report)?);
    report.take(value.span(), read_auth_file(path))
}

/// Reads `USER:PASSWORD`, as a line of memcached's own `-Y` file is.
pub(crate) fn read_auth_file(path: &Path) -> Result<(Auth, String), String> {
    let shown = path.display();
    let mut line = String::new();
    File::open(path)
        .and_then(|file| BufReader::new(file.take(LINE_BYTES_MAX)).read_line(&mut line))
        .map_err(|error| format!("cannot read {shown}: {error}"))?;
    let words = line.trim_end().split_once(':');
    let (user, password) = words.ok_or(format!("{shown}: the first line is not USER:PASSWORD"))?;
    let auth = Auth::new(user, password).map_err(|error| format!("{shown}: {error}"))?;
    Ok((auth, password.to_owned()))
}

/// Reads an identity for a registry.
fn discover_auth_file(value: &Value<'_>, report: &mut Report) -> Option<Vec<Credentials>> {
    let path = Path::new(text(value, report)?);
    let credentials = discover::Auth::all(Vec::new(), Some(path)).map_err(|error| match error {
        AuthFileError::Read { source, .. } => format!("cannot read {}: {source}", path.display()),
        malformed @ AuthFileError::Malformed { .. } => malformed.to_string(),
    });
    report.take(value.span(), credentials)
}

/// Reads what encrypts sessions with a registry.
fn zk_tls(section: &Section<'_>, zookeeper: &mut ZookeeperConfig, report: &mut Report) {
    let [zk_tls_ca, zk_tls_cert, zk_tls_key] = ZkTls::NAMES
        .map(|name| section.read(name, |value, report| text(value, report).map(PathBuf::from), report));
    let files = ZkTls { zk_tls_ca, zk_tls_cert, zk_tls_key };
    // One that is no text has been told of, and is no more missing than the others.
    if files.given().count() < ZkTls::NAMES.iter().filter(|name| section.get(name).is_some()).count() {
        return;
    }
    if let Err(error) = files.encrypt(zookeeper) {
        let place = error.about().iter().find_map(|name| section.get(name));
        let in_words = |what: String, name: &&str| what.replace(&format!("--{name}"), name);
        let what = error.about().iter().fold(error.to_string(), in_words);
        report.mistake(place.map_or(section.at.clone(), toml::Spanned::span), what);
    }
}

/// What TLS is to be, none for none at all, and the files it was read from.
fn tls(value: &Value<'_>, report: &mut Report) -> Option<(Option<TlsConfig>, Vec<PathBuf>)> {
    let mut options = TlsOptions::default();
    let mut files = Vec::new();
    match value.get_ref().as_bool() {
        Some(false) => return Some((None, files)),
        Some(true) => {}
        None => files = tls_options(value, &mut options, report)?,
    }
    let config = report.take(value.span(), TlsConfig::new(&options))?;
    Some((Some(config), files))
}

/// Reads `{ ca, cert, key, server-name }`; gives the files that are named.
fn tls_options(value: &Value<'_>, options: &mut TlsOptions, report: &mut Report) -> Option<Vec<PathBuf>> {
    let section = Section::of(value, report)?;
    section.refuse_unknown("part of tls", &["ca", "cert", "key", "server-name"], report);
    let mut word = |name| section.read(name, |value, report| text(value, report).map(str::to_owned), report);
    let file = |name: Option<String>| name.map(PathBuf::from);
    let (ca, certificates, key) = (file(word("ca")), file(word("cert")), file(word("key")));
    options.server_name = word("server-name");
    let files = [&ca, &certificates, &key].into_iter().flatten().cloned().collect();
    if let Some(ca) = ca {
        options.roots = Roots::File(ca);
    }
    match (certificates, key) {
        (Some(certificates), Some(key)) => options.identity = Some(Identity { certificates, key }),
        (None, None) => {}
        (Some(_), None) | (None, Some(_)) => {
            report.mistake(value.span(), "cert and key go together: give both or neither");
            return None;
        }
    }
    Some(files)
}
