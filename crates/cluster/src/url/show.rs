//! Writing a discovery URL, so that reading it gives the same.

use std::fmt::{self, Display, Formatter};

use super::{DiscoveryUrl, GceUrl, Select};
use crate::percent::Encoded;

pub(super) fn url(url: &DiscoveryUrl, f: &mut Formatter<'_>) -> fmt::Result {
    let scheme = url.scheme();
    match url {
        DiscoveryUrl::Static(url) => write!(f, "{scheme}:{}", Joined(&url.items)),
        DiscoveryUrl::File(url) => {
            let path = url.path.to_string_lossy();
            // Two slashes at the front would read as a host.
            let lead = if path.starts_with("//") { "//" } else { "" };
            write!(f, "{scheme}:{lead}{}", Encoded(&path))
        }
        DiscoveryUrl::Zk(url) => {
            write!(f, "{scheme}://{}{}{}", Joined(&url.servers), Encoded(&url.path), Query(&url.select))
        }
        DiscoveryUrl::Serverset(url) => {
            let (environment, service) = (Encoded(&url.environment), Encoded(&url.service));
            write!(f, "{scheme}://{}/{environment}/{service}{}", Joined(&url.servers), Query(&url.select))
        }
        DiscoveryUrl::Etcd(url) => {
            // A final slash is dropped in reading, so one that belongs to the prefix needs another.
            let end = if url.prefix.ends_with('/') { "/" } else { "" };
            write!(f, "{scheme}://{}/{}{end}", Joined(&url.servers), Encoded(&url.prefix))
        }
        DiscoveryUrl::Gossip(url) => write!(f, "{scheme}://{}", Joined(&url.seeds)),
        DiscoveryUrl::Dns(url) => write!(f, "{scheme}://{}", url.endpoint),
        DiscoveryUrl::DnsSrv(url) => write!(f, "{scheme}://{}", url.name),
        DiscoveryUrl::Elasticache(url) => write!(f, "{scheme}://{}", url.endpoint),
        DiscoveryUrl::AwsElasticache(url) => write!(f, "{scheme}://{}/{}", url.region, url.cluster_id),
        DiscoveryUrl::Gce(url) => gce(url, f),
    }
}

fn gce(url: &GceUrl, f: &mut Formatter<'_>) -> fmt::Result {
    let own = |word: &Option<String>| word.clone().unwrap_or_else(|| "-".into());
    write!(f, "gce://{}/{}", own(&url.project), own(&url.zone))?;
    let mut query = Pairs::default();
    url.tags.iter().try_for_each(|tag| query.pair(f, "tag", &Encoded(tag)))?;
    url.metadata
        .iter()
        .try_for_each(|(key, value)| query.pair(f, &format!("meta.{key}"), &Encoded(value)))?;
    url.nic.iter().try_for_each(|nic| query.pair(f, "nic", &Encoded(nic)))?;
    url.port.iter().try_for_each(|port| query.pair(f, "port", port))
}

/// Items with commas between.
struct Joined<'a, T>(&'a [T]);

impl<T: Display> Display for Joined<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(at, item)| match at {
            0 => item.fmt(f),
            _ => write!(f, ",{item}"),
        })
    }
}

/// `?endpoint=NAME&shard=N`, or nothing.
struct Query<'a>(&'a Select);

impl Display for Query<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut query = Pairs::default();
        self.0.endpoint.iter().try_for_each(|name| query.pair(f, "endpoint", &Encoded(name)))?;
        self.0.shard.iter().try_for_each(|shard| query.pair(f, "shard", shard))
    }
}

/// Puts `?` before the first parameter and `&` before the others.
#[derive(Default)]
struct Pairs {
    started: bool,
}

impl Pairs {
    fn pair(&mut self, f: &mut Formatter<'_>, key: &str, value: &dyn Display) -> fmt::Result {
        let separator = if std::mem::replace(&mut self.started, true) { '&' } else { '?' };
        write!(f, "{separator}{key}={value}")
    }
}
