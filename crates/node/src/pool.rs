//! The servers a discovery URL names, for commands that look once.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use peerset_cluster::{DiscoveryUrl, FileConfig, FileSource, Item, LineProblem, Member, Snapshot, State};
use peerset_discover_zookeeper::ZookeeperConfig;
use peerset_placement::Server;
use peerset_route::server_of;

use crate::answer;
use crate::daemon;
use crate::source::{self, Look};

/// How long a registry may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// A pool that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PoolError {
    #[error("cannot read the list of servers {0}")]
    Read(String, #[source] std::io::Error),
    #[error("{0} is larger than {1} bytes: not a list of servers")]
    TooLarge(String, u64),
    /// One bad line would change who owns what, so none is left out.
    #[error("{0}\nwrite HOST:PORT[@WEIGHT][=NAME], one on each line")]
    Line(LineProblem),
    #[error("there is no set `{0}`: it appears when a server registers in it (`peerset register --help`)")]
    Absent(String),
}

/// Where servers are to be found.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) url: DiscoveryUrl,
    /// How a registry is asked, and as whom.
    pub(crate) zookeeper: ZookeeperConfig,
}

/// The servers in the order in which they are written, on which some placements depend; those that a proxy would have.
pub(crate) fn servers(pool: &Pool) -> anyhow::Result<Vec<Server>> {
    let members = match &pool.url {
        DiscoveryUrl::Static(list) => list.items.iter().map(Item::member).collect(),
        DiscoveryUrl::File(file) => read_members(&file.path)?,
        _ => return ask(pool),
    };
    Ok(serving(&members))
}

/// The servers that a registry has now.
fn ask(Pool { url, zookeeper }: &Pool) -> anyhow::Result<Vec<Server>> {
    let look = Look { zookeeper: zookeeper.clone(), ..Look::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let snapshot = runtime.block_on(async {
        let source = source::open(url, &look)?;
        let answered = answer::first(&source, &mut source.watch(), Some(ANSWER_LIMIT)).await;
        drop(source);
        daemon::settle().await;
        answered.context("the servers are not known")
    });
    runtime.shutdown_background();
    let snapshot = snapshot?;
    match snapshot.state() {
        State::Absent => Err(PoolError::Absent(url.to_string()).into()),
        _ => Ok(in_order(&snapshot)),
    }
}

/// Those that serve, in the order that a proxy has them in ([`Fleet`](peerset_route::Fleet)).
fn in_order(snapshot: &Snapshot) -> Vec<Server> {
    let mut members: Vec<&Member> = snapshot.members().iter().map(AsRef::as_ref).collect();
    members.sort_by_key(|member| member.position);
    serving(members)
}

fn serving<'m>(members: impl IntoIterator<Item = &'m Member>) -> Vec<Server> {
    let serves = |member: &&Member| member.status.is_serving() && member.weight.value() > 0.0;
    members.into_iter().filter(serves).map(server_of).collect()
}

/// The members of a file, each of whose lines has to be good.
fn read_members(path: &Path) -> Result<Vec<Member>, PoolError> {
    let shown = || path.display().to_string();
    let FileConfig { file_bytes_max, limits, .. } = FileConfig::default();
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(file_bytes_max + 1).read_to_end(&mut bytes))
        .map_err(|error| PoolError::Read(shown(), error))?;
    if bytes.len() as u64 > file_bytes_max {
        return Err(PoolError::TooLarge(shown(), file_bytes_max));
    }
    let (members, problems) = FileSource::parse(path, &bytes, &limits);
    match problems.into_iter().next() {
        Some(problem) => Err(PoolError::Line(problem)),
        None => Ok(members),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> anyhow::Result<Vec<Server>> {
        servers(&Pool { url: url.parse().unwrap(), zookeeper: ZookeeperConfig::default() })
    }

    #[test]
    fn the_written_order_stays() {
        let servers = at("static:b:2@2=second,a:1,[::1]:3").unwrap();
        let shown: Vec<String> = servers.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["b:2", "a:1", "[::1]:3"]);
        assert_eq!((servers[0].weight, servers[0].name.as_deref()), (2.0, Some("second")));
    }

    /// Whoever locates keys has to see what a proxy sees.
    #[test]
    fn a_file_is_read_as_a_proxy_reads_it() {
        let folder = peerset_testkit::TempDir::new().unwrap();
        let path = folder.path().join("servers");
        let check = |text: &str, expected: &str| {
            std::fs::write(&path, text).unwrap();
            let found = match at(&format!("file:{}", path.display())) {
                Ok(servers) => servers.iter().map(|server| format!("{server} ")).collect(),
                Err(error) => error.to_string(),
            };
            assert!(found.replace(path.to_str().unwrap(), "PATH").starts_with(expected), "{found}");
        };
        check("# two\na:1\n  b:99999 # port\n", "PATH:3:5: ");
        check("\u{feff}b:1=x#1\r\na:1 # first\n", "b:1 a:1 ");
        check("a:1\nb:1@0\n", "a:1 ");
        check("a:1\na:1\n", "PATH:2:1: ");
        assert_eq!(at("static:a:1@0,b:1").unwrap().len(), 1);
    }

    #[test]
    fn other_sources_are_named() {
        let error = at("etcd://a:2379/set").unwrap_err().to_string();
        assert!(error.contains("etcd://a:2379/set") && error.contains("static:"), "{error}");
    }
}
