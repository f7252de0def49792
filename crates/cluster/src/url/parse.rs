//! Reading a discovery URL: one function a scheme, over pieces that know where they stand.

use std::path::PathBuf;

use super::query::{Parameter, parameters};
use super::{
    AwsElasticacheUrl, DiscoveryUrl, DnsSrvUrl, DnsUrl, ElasticacheUrl, EtcdUrl, FileUrl, GceUrl, GossipUrl,
    Scheme, Select, ServersetUrl, StaticUrl, UrlError, UrlProblem as Problem, ZkUrl,
};
use crate::endpoint::parse as endpoint;
use crate::text::{Fault, Piece};
use crate::{Endpoint, EndpointProblem, Host, fixed, percent};

/// The part that is wrong, and what is wrong with it.
pub(super) struct Bad {
    part: String,
    fault: Fault<Problem>,
}

pub(super) fn bad(part: impl Into<String>, fault: Fault<Problem>) -> Bad {
    Bad { part: part.into(), fault }
}

pub(super) fn url(text: &str) -> Result<DiscoveryUrl, UrlError> {
    let whole = Piece::new(text);
    let error = |scheme, bad: Bad| UrlError::new(text, scheme, &bad.part, bad.fault);
    if text.len() > DiscoveryUrl::BYTES_MAX {
        // Not kept: an input that is too long to read is too long to show.
        let fault = Fault { at: 0..0, problem: Problem::TooLong };
        return Err(UrlError::new("", None, "URL", fault));
    }
    let (scheme, rest) = scheme(whole).map_err(|bad| error(None, bad))?;
    let read = match scheme {
        Scheme::Static => fixed_list(rest),
        Scheme::File => file(rest),
        _ => authority(rest).and_then(|parts| match scheme {
            Scheme::Zk => zk(parts),
            Scheme::Serverset => serverset(parts),
            Scheme::Etcd => etcd(parts, false),
            Scheme::Etcds => etcd(parts, true),
            Scheme::Gossip => gossip(parts),
            Scheme::Dns => dns(parts),
            Scheme::DnsSrv => dns_srv(parts),
            Scheme::Elasticache => elasticache(parts),
            Scheme::AwsElasticache => aws_elasticache(parts),
            Scheme::Gce => gce(parts),
            Scheme::Static | Scheme::File => unreachable!("these have no authority and were read above"),
        }),
    };
    read.map_err(|bad| error(Some(scheme), bad))
}

fn scheme(whole: Piece<'_>) -> Result<(Scheme, Piece<'_>), Bad> {
    let Some((name, rest)) = whole.split_once(':') else {
        let path = whole.text.starts_with(['/', '.', '~']);
        let problem = if path { Problem::MeantFile } else { Problem::NoScheme };
        return Err(bad("scheme", whole.split_at(0).0.fault(problem)));
    };
    if let Some(scheme) = Scheme::named(name.text) {
        return Ok((scheme, rest));
    }
    // "cache1:11211" is a list whose scheme was forgotten, and so is "[::1]:11211".
    let is_list = name.text.starts_with('[') || rest.text.starts_with(|c: char| c.is_ascii_digit());
    let problem = match Scheme::nearest(name.text) {
        _ if name.text.contains('/') => Problem::MeantFile,
        None if is_list => Problem::MeantStatic,
        nearest => Problem::UnknownScheme { nearest: nearest.map(Scheme::as_str) },
    };
    Err(bad("scheme", name.fault(problem)))
}

/// `//AUTHORITY[/PATH][?QUERY]`, not looked into.
struct Parts<'a> {
    authority: Piece<'a>,
    /// What follows the first slash.
    path: Option<Piece<'a>>,
    query: Option<Piece<'a>>,
}

fn authority(rest: Piece<'_>) -> Result<Parts<'_>, Bad> {
    let Some(rest) = rest.strip_prefix("//") else {
        return Err(bad("scheme", rest.split_at(0).0.fault(Problem::SlashesMissing)));
    };
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
    let (authority, path) =
        rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
    match authority.split_once('@') {
        Some((credentials, _)) => Err(bad("credentials", credentials.fault(Problem::Credentials))),
        None => Ok(Parts { authority, path, query }),
    }
}

fn no_query(query: Option<Piece<'_>>) -> Result<(), Bad> {
    query.map_or(Ok(()), |query| Err(bad("parameters", query.fault(Problem::QueryUnwanted))))
}

impl<'a> Parts<'a> {
    /// `HOST:PORT,…`, at least one.
    fn servers(&self) -> Result<Vec<Endpoint>, Bad> {
        let server = |(at, piece): (usize, Piece<'_>)| {
            let missing = |fault: Fault<EndpointProblem>| match fault.problem {
                EndpointProblem::Empty => Fault { at: fault.at, problem: Problem::Missing },
                problem => Fault { at: fault.at, problem: Problem::Endpoint(problem) },
            };
            endpoint::tcp(piece).map_err(|fault| bad(format!("server {}", at + 1), missing(fault)))
        };
        self.authority.split(',').enumerate().map(server).collect()
    }

    /// Exactly one `HOST:PORT` and nothing after it.
    fn lone_server(&self) -> Result<Endpoint, Bad> {
        self.no_path()?;
        no_query(self.query)?;
        let missing = if self.authority.is_empty() { Some(Problem::Missing) } else { None };
        endpoint::tcp(self.authority).map_err(|fault| {
            bad("server", fault.map(|problem| missing.unwrap_or(Problem::Endpoint(problem))))
        })
    }

    fn no_path(&self) -> Result<(), Bad> {
        self.path.map_or(Ok(()), |path| Err(bad("path", path.fault(Problem::PathUnwanted))))
    }

    /// The parts of the path between slashes, decoded; at least one.
    fn segments(&self, what: &str) -> Result<Vec<String>, Bad> {
        let missing = || bad(what, self.path.unwrap_or(self.authority).end().fault(Problem::Missing));
        let path = self.path.filter(|path| !path.is_empty()).ok_or_else(missing)?;
        path.split('/').map(|piece| segment(what, piece)).collect()
    }

    /// `endpoint=NAME` and `shard=N`.
    fn select(&self) -> Result<Select, Bad> {
        let mut select = Select::default();
        for parameter in parameters(self.query, &["endpoint", "shard"], &[])? {
            match parameter.key.text {
                "endpoint" => select.endpoint = Some(parameter.value),
                _ => select.shard = Some(parameter.number()?),
            }
        }
        Ok(select)
    }
}

/// One part of a path, decoded.
fn segment(what: &str, piece: Piece<'_>) -> Result<String, Bad> {
    let text = percent::decode(piece).map_err(|fault| bad(what, fault.map(Problem::Percent)))?;
    let problem = match &*text {
        "" => Problem::EmptyPart,
        "." | ".." => Problem::DotPart,
        text if text.contains('/') => Problem::Slash,
        text => return Ok(text.to_owned()),
    };
    Err(bad(what, piece.fault(problem)))
}

/// A word of some cloud's alphabet.
fn word(what: &str, piece: Piece<'_>, more: &[char], allowed: &'static str) -> Result<String, Bad> {
    if piece.is_empty() {
        return Err(bad(what, piece.fault(Problem::Missing)));
    }
    match piece.text.find(|c: char| !c.is_ascii_alphanumeric() && !more.contains(&c)) {
        Some(at) => Err(bad(what, piece.fault_at(at, Problem::Character { allowed }))),
        None => Ok(piece.text.to_owned()),
    }
}

fn fixed_list(rest: Piece<'_>) -> Result<DiscoveryUrl, Bad> {
    if rest.text.starts_with("//") {
        return Err(bad("scheme", rest.split_at(2).0.fault(Problem::SlashesUnwanted)));
    }
    let (list, query) = rest.split_once('?').map_or((rest, None), |(list, query)| (list, Some(query)));
    no_query(query)?;
    let items = fixed::items(list)
        .map_err(|(number, _, fault)| bad(format!("item {number}"), fault.map(Problem::Item)))?;
    Ok(DiscoveryUrl::Static(StaticUrl { items }))
}

fn file(rest: Piece<'_>) -> Result<DiscoveryUrl, Bad> {
    let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    no_query(query)?;
    // RFC 8089 also writes file:///PATH, with an empty host; a host is refused rather than taken for a folder.
    let path = match path.strip_prefix("//") {
        Some(path) if path.text.starts_with('/') => path,
        Some(host) => return Err(bad("path", host.fault(Problem::FileHost))),
        None => path,
    };
    if path.is_empty() {
        return Err(bad("path", path.fault(Problem::Missing)));
    }
    let text = percent::decode(path).map_err(|fault| bad("path", fault.map(Problem::Percent)))?;
    Ok(DiscoveryUrl::File(FileUrl { path: PathBuf::from(text.into_owned()) }))
}

fn zk(parts: Parts<'_>) -> Result<DiscoveryUrl, Bad> {
    let servers = parts.servers()?;
    let path = format!("/{}", parts.segments("path")?.join("/"));
    Ok(DiscoveryUrl::Zk(ZkUrl { servers, path, select: parts.select()? }))
}

fn serverset(parts: Parts<'_>) -> Result<DiscoveryUrl, Bad> {
    let servers = parts.servers()?;
    let path = parts.path.unwrap_or(parts.authority.end());
    let missing = |what: &str, at: Piece<'_>| bad(what, at.end().fault(Problem::Missing));
    let (environment, service) = match path.split_once('/') {
        None if path.is_empty() => return Err(missing("environment", path)),
        None => return Err(missing("service", path)),
        Some((_, service)) if service.is_empty() => return Err(missing("service", path)),
        Some(both) => both,
    };
    if let Some((_, more)) = service.split_once('/') {
        return Err(bad("path", more.fault(Problem::TooManyParts)));
    }
    Ok(DiscoveryUrl::Serverset(ServersetUrl {
        servers,
        environment: segment("environment", environment)?,
        service: segment("service", service)?,
        select: parts.select()?,
    }))
}

fn etcd(parts: Parts<'_>, tls: bool) -> Result<DiscoveryUrl, Bad> {
    let servers = parts.servers()?;
    no_query(parts.query)?;
    let path = parts.path.unwrap_or(parts.authority.end());
    let text = percent::decode(path).map_err(|fault| bad("prefix", fault.map(Problem::Percent)))?;
    // A slash is added between prefix and id anyway, so that "/a" does not also match "/ab/…".
    let prefix = text.strip_suffix('/').unwrap_or(&text);
    if prefix.is_empty() {
        return Err(bad("prefix", path.end().fault(Problem::Missing)));
    }
    Ok(DiscoveryUrl::Etcd(EtcdUrl { servers, prefix: prefix.to_owned(), tls }))
}

fn gossip(parts: Parts<'_>) -> Result<DiscoveryUrl, Bad> {
    parts.no_path()?;
    no_query(parts.query)?;
    Ok(DiscoveryUrl::Gossip(GossipUrl { seeds: parts.servers()? }))
}

fn dns(parts: Parts<'_>) -> Result<DiscoveryUrl, Bad> {
    Ok(DiscoveryUrl::Dns(DnsUrl { endpoint: parts.lone_server()? }))
}

fn dns_srv(parts: Parts<'_>) -> Result<DiscoveryUrl, Bad> {
    parts.no_path()?;
    no_query(parts.query)?;
    let name = parts.authority;
    if name.is_empty() {
        return Err(bad("name", name.fault(Problem::Missing)));
    }
    match endpoint::bare_host(name).map_err(|fault| bad("name", fault.map(Problem::Endpoint)))? {
        Host::Name(host) => {
            let mut labels = name.text.trim_end_matches('.').split('.');
            let underscored =
                |label: Option<&str>| label.is_some_and(|label| label.len() > 1 && label.starts_with('_'));
            if underscored(labels.next()) && underscored(labels.next()) && labels.next().is_some() {
                return Ok(DiscoveryUrl::DnsSrv(DnsSrvUrl { name: host.as_str().to_owned() }));
            }
            Err(bad("name", name.fault(Problem::NotSrv)))
        }
        Host::V4(_) | Host::V6(_) => Err(bad("name", name.fault(Problem::NotSrv))),
    }
}

fn elasticache(parts: Parts<'_>) -> Result<DiscoveryUrl, Bad> {
    Ok(DiscoveryUrl::Elasticache(ElasticacheUrl { endpoint: parts.lone_server()? }))
}

fn aws_elasticache(parts: Parts<'_>) -> Result<DiscoveryUrl, Bad> {
    no_query(parts.query)?;
    let allowed = "letters, digits and '-'";
    let region = word("region", parts.authority, &['-'], allowed)?;
    let cluster_id = word("cluster id", parts.path.unwrap_or(parts.authority.end()), &['-'], allowed)?;
    Ok(DiscoveryUrl::AwsElasticache(AwsElasticacheUrl { region, cluster_id }))
}

fn gce(parts: Parts<'_>) -> Result<DiscoveryUrl, Bad> {
    // Projects of old domains are called "example.com:name".
    let project = word("project", parts.authority, &['-', '.', ':'], "letters, digits, '-', '.' and ':'")?;
    let zone = word("zone", parts.path.unwrap_or(parts.authority.end()), &['-'], "letters, digits and '-'")?;
    let own = |word: String| (word != "-").then_some(word);
    let mut url = GceUrl {
        project: own(project),
        zone: own(zone),
        tags: Vec::new(),
        metadata: Vec::new(),
        nic: None,
        port: None,
    };
    for parameter in parameters(parts.query, &["tag", "meta.", "nic", "port"], &["tag"])? {
        match (parameter.key.text, parameter.key.text.strip_prefix("meta.")) {
            (_, Some(key)) => url.metadata.push((key.to_owned(), parameter.value)),
            ("tag", _) => url.tags.push(parameter.value),
            ("nic", _) => url.nic = Some(parameter.value),
            _ => url.port = Some(port(&parameter)?),
        }
    }
    Ok(DiscoveryUrl::Gce(url))
}

fn port(parameter: &Parameter<'_>) -> Result<u16, Bad> {
    let read = endpoint::port(parameter.raw);
    read.map(u16::from).map_err(|fault| bad(parameter.part(), fault.map(Problem::Endpoint)))
}
