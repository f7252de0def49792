//! The schemes, their grammars, and which one a typing error was meant to be.

use std::fmt;

/// The kind of source a discovery URL is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// A fixed list.
    Static,
    /// A file of members.
    File,
    /// A Finagle serverset by znode.
    Zk,
    /// A Finagle serverset by environment and service.
    Serverset,
    /// etcd.
    Etcd,
    /// etcd over TLS.
    Etcds,
    /// SWIM gossip.
    Gossip,
    /// DNS addresses.
    Dns,
    /// DNS SRV records.
    DnsSrv,
    /// An ElastiCache configuration endpoint.
    Elasticache,
    /// The ElastiCache API.
    AwsElasticache,
    /// Compute Engine instances.
    Gce,
}

/// Names that people try, and what they mean; besides them, the nearest spelling is offered.
const OTHER_NAMES: &[(&str, Scheme)] = &[
    ("list", Scheme::Static),
    ("memcached", Scheme::Static),
    ("tcp", Scheme::Static),
    ("fixed", Scheme::Static),
    ("zookeeper", Scheme::Zk),
    ("zk2", Scheme::Zk),
    ("etcd+tls", Scheme::Etcds),
    ("swim", Scheme::Gossip),
    ("srv", Scheme::DnsSrv),
    ("dnssrv", Scheme::DnsSrv),
    ("aws", Scheme::AwsElasticache),
    ("gcp", Scheme::Gce),
];

impl Scheme {
    /// All of them, in the order of the table in [`DiscoveryUrl`](crate::DiscoveryUrl).
    pub const ALL: [Scheme; 12] = [
        Scheme::Static,
        Scheme::File,
        Scheme::Zk,
        Scheme::Serverset,
        Scheme::Etcd,
        Scheme::Etcds,
        Scheme::Gossip,
        Scheme::Dns,
        Scheme::DnsSrv,
        Scheme::Elasticache,
        Scheme::AwsElasticache,
        Scheme::Gce,
    ];

    /// What stands before the first colon.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Static => "static",
            Scheme::File => "file",
            Scheme::Zk => "zk",
            Scheme::Serverset => "serverset",
            Scheme::Etcd => "etcd",
            Scheme::Etcds => "etcds",
            Scheme::Gossip => "gossip",
            Scheme::Dns => "dns",
            Scheme::DnsSrv => "dns+srv",
            Scheme::Elasticache => "elasticache",
            Scheme::AwsElasticache => "aws-elasticache",
            Scheme::Gce => "gce",
        }
    }

    /// How such a URL is written: capitals stand for text, `[…]` may be left out, `…` repeats.
    pub fn grammar(self) -> &'static str {
        match self {
            Scheme::Static => "static:HOST:PORT[@WEIGHT][=NAME],…",
            Scheme::File => "file:PATH",
            Scheme::Zk => "zk://HOST:PORT,…/PATH[?endpoint=NAME][&shard=N]",
            Scheme::Serverset => "serverset://HOST:PORT,…/ENV/SERVICE[?endpoint=NAME][&shard=N]",
            Scheme::Etcd => "etcd://HOST:PORT,…/PREFIX",
            Scheme::Etcds => "etcds://HOST:PORT,…/PREFIX",
            Scheme::Gossip => "gossip://HOST:PORT,…",
            Scheme::Dns => "dns://HOST:PORT",
            Scheme::DnsSrv => "dns+srv://_SERVICE._PROTOCOL.DOMAIN",
            Scheme::Elasticache => "elasticache://HOST:PORT",
            Scheme::AwsElasticache => "aws-elasticache://REGION/CLUSTER_ID",
            Scheme::Gce => {
                "gce://PROJECT/ZONE[?tag=T][&meta.K=V][&nic=NAME][&port=N] (- for this instance's own)"
            }
        }
    }

    /// A URL to start from.
    pub fn example(self) -> &'static str {
        match self {
            Scheme::Static => "static:10.0.0.1:11211,10.0.0.2:11211@2=big",
            Scheme::File => "file:/etc/peerset/pool.txt",
            Scheme::Zk => "zk://zk1:2181,zk2:2181/discovery/prod/cache?endpoint=memcached",
            Scheme::Serverset => "serverset://zk1:2181,zk2:2181/prod/cache",
            Scheme::Etcd => "etcd://etcd1:2379,etcd2:2379/services/cache",
            Scheme::Etcds => "etcds://etcd1:2379,etcd2:2379/services/cache",
            Scheme::Gossip => "gossip://10.0.0.1:7946,10.0.0.2:7946",
            Scheme::Dns => "dns://cache.internal:11211",
            Scheme::DnsSrv => "dns+srv://_memcached._tcp.cache.internal",
            Scheme::Elasticache => "elasticache://pool.abc123.cfg.euw1.cache.amazonaws.com:11211",
            Scheme::AwsElasticache => "aws-elasticache://eu-west-1/my-cluster",
            Scheme::Gce => "gce://-/europe-west1-b?tag=cache&port=11211",
        }
    }

    /// The scheme of this name in any letter case.
    pub(super) fn named(name: &str) -> Option<Scheme> {
        Self::ALL.into_iter().find(|scheme| scheme.as_str().eq_ignore_ascii_case(name))
    }

    /// What a name that is none was probably meant to be: a known other name, or at most two letters away.
    pub(super) fn nearest(name: &str) -> Option<Scheme> {
        let name = name.to_ascii_lowercase();
        if let Some((_, scheme)) = OTHER_NAMES.iter().find(|(other, _)| *other == name) {
            return Some(*scheme);
        }
        nearest(&name, Self::ALL.map(Scheme::as_str)).and_then(Self::named)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The word that `typed` was probably meant to be: at most two changes away, and fewer than half its letters.
pub(super) fn nearest<'w>(typed: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    if typed.len() > 32 {
        return None; // no word is that long, and the search takes time
    }
    let (far, word) = words
        .into_iter()
        .map(|word| (strsim::osa_distance(typed, word), word))
        .min_by_key(|(far, _)| *far)?;
    (far <= 2 && far * 2 < word.len().max(typed.len())).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_what_was_meant() {
        fn check(typed: &str, expected: Option<Scheme>) {
            assert_eq!(Scheme::nearest(typed), expected, "{typed}");
        }
        check("statci", Some(Scheme::Static));
        check("ststic", Some(Scheme::Static));
        check("fiel", Some(Scheme::File));
        check("kz", None); // one swap, but that is all of it
        check("zoo", None);
        check("zookeeper", Some(Scheme::Zk));
        check("ectd", Some(Scheme::Etcd));
        check("etdcs", Some(Scheme::Etcds));
        check("serversets", Some(Scheme::Serverset));
        check("dns-srv", Some(Scheme::DnsSrv));
        check("dns+svr", Some(Scheme::DnsSrv));
        check("elasticcache", Some(Scheme::Elasticache));
        check("aws_elasticache", Some(Scheme::AwsElasticache));
        check("GCP", Some(Scheme::Gce));
        check("http", None);
        check("", None);
        check(&"e".repeat(1000), None);
    }

    #[test]
    fn examples_are_urls_of_their_scheme() {
        for scheme in Scheme::ALL {
            let url: crate::DiscoveryUrl = scheme.example().parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(url.scheme(), scheme);
            assert_eq!(url.to_string(), scheme.example());
            assert!(scheme.grammar().starts_with(&format!("{scheme}:")), "{scheme}");
        }
    }
}
