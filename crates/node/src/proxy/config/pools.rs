//! One table `[pools.NAME]`.
//!
//! | key | value | default |
//! |---|---|---|
//! | `discover` | a discovery URL, or a list of them whose union the pool is | |
//! | `discover-auth-file` | a file with `digest:USER:PASSWORD` on its first line: who to be to ZooKeeper; sent in clear without the next | |
//! | `zk-tls-ca`, and `zk-tls-cert` with `zk-tls-key` | PEM files: speak TLS with ZooKeeper, whom to believe; and who to be | |
//! | `placement` | who owns a key, as `--placement` | the default placement |
//! | `owner-down` | `miss`, `error` or `next`: what is answered for a key whose owner is down | `miss` |
//! | `timeout` | for a request to a server | 500 ms |
//! | `connect-timeout` | for a connection and its handshake | 500 ms |
//! | `eject-after` | connections lost in a row until a server is down; a refusal or a time-out is enough by itself | 3 |
//! | `retry-min`, `retry-max` | how long it is left alone then | 100 ms, 10 s |
//! | `queue` | requests that may wait for one server on one connection; from half of it on, clients that ask for more wait | 16384 |
//! | `prefix` | put before every key on the servers | |
//! | `auth`, or `auth-file` | `{ user, password }`, or a file with `USER:PASSWORD` on its first line | |
//! | `tls` | `true`, or `{ ca, cert, key, server-name }` | |
//! | `meta` | `false` sends classic commands only | `true` |

use std::time::Duration;

use peerset_client_memcache::ServerConfig;
use peerset_cluster::DiscoveryUrl;
use toml::Spanned;
use toml::de::{DeString, DeValue};

use super::{PoolConfig, credentials};
use crate::cli::config_file::{Report, Section, Value, parsed, text, text_at, whole};
use crate::cli::units::Period;
use crate::source::{self, chain};

const SETTINGS: &[&str] = &[
    "discover",
    "discover-auth-file",
    "zk-tls-ca",
    "zk-tls-cert",
    "zk-tls-key",
    "placement",
    "owner-down",
    "timeout",
    "connect-timeout",
    "eject-after",
    "retry-min",
    "retry-max",
    "queue",
    "prefix",
    "auth",
    "auth-file",
    "tls",
    "meta",
];

/// The longest name of a pool; it stands in metrics and in error replies.
const NAME_BYTES_MAX: usize = 64;

/// Reads a pool; none if something is wrong that leaves it without servers. Other mistakes are reported all the same.
pub(super) fn read(
    name: &Spanned<DeString<'_>>,
    value: &Value<'_>,
    report: &mut Report,
) -> Option<PoolConfig> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.get_ref().is_empty()
        || name.get_ref().len() > NAME_BYTES_MAX
        || !name.get_ref().chars().all(plain)
    {
        report.mistake(
            name.span(),
            format!("a pool's name has 1 to {NAME_BYTES_MAX} letters, digits, dots, - and _"),
        );
    }
    let section = Section::of(value, report)?;
    section.refuse_unknown("setting of a pool", SETTINGS, report);
    let urls = match section.get("discover") {
        Some(urls) => discover(urls, report),
        None => {
            report
                .mistake(name.span(), format!("the pool {} has no servers", name.get_ref()))
                .hint("write discover = \"static:HOST:PORT,…\", \"file:PATH\" or another discovery URL");
            Vec::new()
        }
    };
    let mut pool = PoolConfig::new(name.get_ref(), urls);
    assign(&mut pool.spec, section.read("placement", placement, report));
    assign(&mut pool.owner_down, section.read("owner-down", parsed, report));
    assign(&mut pool.meta, section.read("meta", truth, report));
    if let Some(written) = section.get("discover") {
        report.take(written.span(), pool.check_placement());
    }
    server(&section, &mut pool.server, report);
    credentials::read(&section, &mut pool, report);
    // What no value can be has been told in its place; what is left is how they go together.
    if let (false, Err(error)) = (report.has_mistakes(), pool.server.check()) {
        report.mistake(name.span(), error.to_string().replace('_', "-"));
    }
    Some(pool)
}

fn server(section: &Section<'_>, server: &mut ServerConfig, report: &mut Report) {
    assign(&mut server.request_timeout, section.read("timeout", period, report));
    assign(&mut server.connect_timeout, section.read("connect-timeout", period, report));
    assign(&mut server.health.eject_after, section.read("eject-after", failures, report));
    assign(&mut server.health.retry_min, section.read("retry-min", period, report));
    assign(&mut server.health.retry_max, section.read("retry-max", period, report));
    assign(&mut server.queue_requests_max, section.read("queue", requests, report));
    assign(&mut server.prefix, section.read("prefix", prefix, report));
}

/// Leaves what there is where nothing was read.
fn assign<T>(setting: &mut T, read: Option<T>) {
    if let Some(read) = read {
        *setting = read;
    }
}

fn discover(value: &Value<'_>, report: &mut Report) -> Vec<DiscoveryUrl> {
    match value.get_ref() {
        DeValue::Array(urls) if urls.is_empty() => {
            report.mistake(value.span(), "this list of discovery URLs is empty");
            Vec::new()
        }
        DeValue::Array(urls) => urls.iter().filter_map(|value| url(value, report)).collect(),
        _ => url(value, report).into_iter().collect(),
    }
}

fn url(value: &Value<'_>, report: &mut Report) -> Option<DiscoveryUrl> {
    let read = text(value, report)?.parse::<DiscoveryUrl>();
    let wrong = |error: peerset_cluster::UrlError| {
        let mistake = report.mistake(text_at(value, error.position()), error.summary());
        match error.scheme() {
            Some(scheme) => mistake.hint(format!("write {}\nas in {}", scheme.grammar(), scheme.example())),
            None => {
                mistake.hint("a discovery URL begins with static:, file:, zk://, dns:// or another scheme");
            }
        }
    };
    let url = read.map_err(wrong).ok()?;
    report.take(value.span(), source::can_open(&url).map_err(|error| chain(&error)))?;
    Some(url)
}

fn placement(value: &Value<'_>, report: &mut Report) -> Option<peerset_placement::Spec> {
    let read = text(value, report)?.parse();
    let wrong = |error: peerset_placement::ParseError| {
        report.mistake(value.span(), error.to_string()).hint("`peerset placement list` shows them all");
    };
    read.map_err(wrong).ok()
}

fn period(value: &Value<'_>, report: &mut Report) -> Option<Duration> {
    let Period(period) = parsed(value, report)?;
    if period.is_zero() {
        report.mistake(value.span(), "this has to be more than 0, such as 500ms or 2s");
    }
    (!period.is_zero()).then_some(period)
}

fn failures(value: &Value<'_>, report: &mut Report) -> Option<u32> {
    whole(value, 1..=1_000_000, report).and_then(|count| u32::try_from(count).ok())
}

fn requests(value: &Value<'_>, report: &mut Report) -> Option<usize> {
    whole(value, 1..=1 << 24, report).and_then(|count| usize::try_from(count).ok())
}

fn truth(value: &Value<'_>, report: &mut Report) -> Option<bool> {
    let truth = value.get_ref().as_bool();
    if truth.is_none() {
        report.mistake(value.span(), "this has to be true or false, without quotes");
    }
    truth
}

fn prefix(value: &Value<'_>, report: &mut Report) -> Option<Vec<u8>> {
    let text = text(value, report)?;
    let mut probe = ServerConfig::default();
    probe.prefix = text.into();
    report.take(value.span(), probe.check())?;
    Some(probe.prefix)
}
