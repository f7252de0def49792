//! Discovery URLs: one line that says where to find members, for library, command line and config alike.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::{Endpoint, Item};

mod error;
mod parse;
mod query;
mod scheme;
mod show;
#[cfg(test)]
mod tests;

pub use error::{UrlError, UrlProblem};
pub use scheme::Scheme;

/// A discovery URL, taken apart and checked.
///
/// | URL | source |
/// |---|---|
/// | `static:HOST:PORT[@WEIGHT][=NAME],…` | a fixed list |
/// | `file:PATH` | the same items one a line, followed when the file changes |
/// | `zk://H1:P,H2:P/path/to/set?endpoint=NAME&shard=N` | a Finagle serverset at that znode |
/// | `serverset://H1:P,H2:P/ENV/SERVICE` | the same at `/discovery/ENV/SERVICE` |
/// | `etcd://H1:P,H2:P/prefix`, `etcds://…` with TLS | members under a prefix, on leases |
/// | `gossip://HOST:PORT,…` | the SWIM cluster those members belong to |
/// | `dns://HOST:PORT` | A and AAAA records, at their TTL |
/// | `dns+srv://_svc._tcp.domain` | SRV records, at their TTL |
/// | `elasticache://HOST:PORT` | `config get cluster` at a configuration endpoint |
/// | `aws-elasticache://REGION/CLUSTER_ID` | the AWS API |
/// | `gce://PROJECT/ZONE?tag=T&meta.K=V&nic=nic0&port=N` | running instances; `-` for this instance's own |
///
/// Everything is checked that can be without asking anybody. Hosts are `HOST:PORT` with the port written out, IPv6 in
/// brackets; schemes may be in any letter case. In paths, names and values `%XX` stands for a character that would
/// separate. Passwords have no place here, since URLs end up in logs and process lists.
///
/// **Round trip**: parsing what [`Display`](fmt::Display) shows gives an equal value. The fields are plain text, so one who
/// fills them by hand has to keep what is said of each.
///
/// ```
/// use peerset_cluster::DiscoveryUrl;
///
/// let url: DiscoveryUrl = "serverset://zk1:2181,zk2:2181/prod/cache".parse()?;
/// let DiscoveryUrl::Serverset(serverset) = &url else { panic!() };
/// assert_eq!(serverset.path(), "/discovery/prod/cache");
///
/// let error = "zk://zk1:2181,zk2:99999/cache".parse::<DiscoveryUrl>().unwrap_err();
/// assert_eq!(error.to_string(), "\
/// server 2: the port is out of range (1 to 65535)
///   zk://zk1:2181,zk2:99999/cache
///                     ^^^^^
///   write zk://HOST:PORT,…/PATH[?endpoint=NAME][&shard=N]
///   as in zk://zk1:2181,zk2:2181/discovery/prod/cache?endpoint=memcached");
/// # Ok::<(), peerset_cluster::UrlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DiscoveryUrl {
    /// `static:`
    Static(StaticUrl),
    /// `file:`
    File(FileUrl),
    /// `zk://`
    Zk(ZkUrl),
    /// `serverset://`
    Serverset(ServersetUrl),
    /// `etcd://` and `etcds://`
    Etcd(EtcdUrl),
    /// `gossip://`
    Gossip(GossipUrl),
    /// `dns://`
    Dns(DnsUrl),
    /// `dns+srv://`
    DnsSrv(DnsSrvUrl),
    /// `elasticache://`
    Elasticache(ElasticacheUrl),
    /// `aws-elasticache://`
    AwsElasticache(AwsElasticacheUrl),
    /// `gce://`
    Gce(GceUrl),
}

/// A fixed list: at least one item, endpoints and names distinct.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StaticUrl {
    /// The members.
    pub items: Vec<Item>,
}

/// A file of members.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileUrl {
    /// As written: a relative one is relative to the working directory of whoever opens it.
    pub path: PathBuf,
}

/// A Finagle serverset at a znode.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ZkUrl {
    /// ZooKeeper servers of one ensemble.
    pub servers: Vec<Endpoint>,
    /// The znode whose children are the members: absolute, without empty, `.` or `..` parts.
    pub path: String,
    /// Which of the members' listeners, by the rules of Finagle.
    pub select: Select,
}

/// A Finagle serverset by environment and service.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServersetUrl {
    /// ZooKeeper servers of one ensemble.
    pub servers: Vec<Endpoint>,
    /// Such as `prod`; one part of a path.
    pub environment: String,
    /// Such as `cache`; one part of a path.
    pub service: String,
    /// Which of the members' listeners, by the rules of Finagle.
    pub select: Select,
}

/// Which members of a serverset, and which of their listeners: `?endpoint=NAME&shard=N`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Select {
    /// A named endpoint; the service endpoint if none.
    pub endpoint: Option<String>,
    /// Only members of this shard; all if none.
    pub shard: Option<u32>,
}

/// Members under an etcd prefix.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EtcdUrl {
    /// etcd servers of one cluster.
    pub servers: Vec<Endpoint>,
    /// Keys are `PREFIX/ID`. It is what follows the first slash of the path, without a final one: for keys that begin
    /// with a slash write two (`etcd://h:2379//services`).
    pub prefix: String,
    /// Whether the scheme is `etcds`.
    pub tls: bool,
}

/// A SWIM cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GossipUrl {
    /// Any members of it; one that answers is enough.
    pub seeds: Vec<Endpoint>,
}

/// The addresses of a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DnsUrl {
    /// The name, and the port that every address is taken with.
    pub endpoint: Endpoint,
}

/// The targets of SRV records.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DnsSrvUrl {
    /// `_SERVICE._PROTOCOL.DOMAIN`
    pub name: String,
}

/// A configuration endpoint that answers `config get cluster`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ElasticacheUrl {
    /// Where it answers.
    pub endpoint: Endpoint,
}

/// An ElastiCache cluster by the AWS API.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AwsElasticacheUrl {
    /// Such as `eu-west-1`.
    pub region: String,
    /// The cluster's name there.
    pub cluster_id: String,
}

/// Compute Engine instances.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GceUrl {
    /// None (`-`) is this instance's own.
    pub project: Option<String>,
    /// None (`-`) is this instance's own.
    pub zone: Option<String>,
    /// Instances must carry all of these.
    pub tags: Vec<String>,
    /// Instances must carry all of these pairs; a key stands once.
    pub metadata: Vec<(String, String)>,
    /// The interface whose address counts; the only one if none.
    pub nic: Option<String>,
    /// The port that every address is taken with; the driver's default if none.
    pub port: Option<u16>,
}

impl DiscoveryUrl {
    /// The longest URL, in bytes. A `static:` list of 10 000 servers fits.
    pub const BYTES_MAX: usize = 1 << 20;

    /// Which source it is for.
    pub fn scheme(&self) -> Scheme {
        match self {
            DiscoveryUrl::Static(_) => Scheme::Static,
            DiscoveryUrl::File(_) => Scheme::File,
            DiscoveryUrl::Zk(_) => Scheme::Zk,
            DiscoveryUrl::Serverset(_) => Scheme::Serverset,
            DiscoveryUrl::Etcd(EtcdUrl { tls: false, .. }) => Scheme::Etcd,
            DiscoveryUrl::Etcd(EtcdUrl { tls: true, .. }) => Scheme::Etcds,
            DiscoveryUrl::Gossip(_) => Scheme::Gossip,
            DiscoveryUrl::Dns(_) => Scheme::Dns,
            DiscoveryUrl::DnsSrv(_) => Scheme::DnsSrv,
            DiscoveryUrl::Elasticache(_) => Scheme::Elasticache,
            DiscoveryUrl::AwsElasticache(_) => Scheme::AwsElasticache,
            DiscoveryUrl::Gce(_) => Scheme::Gce,
        }
    }
}

impl ServersetUrl {
    /// The znode: `/discovery/ENV/SERVICE`.
    pub fn path(&self) -> String {
        format!("/discovery/{}/{}", self.environment, self.service)
    }
}

impl FromStr for DiscoveryUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        parse::url(text)
    }
}

impl fmt::Display for DiscoveryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show::url(self, f)
    }
}
