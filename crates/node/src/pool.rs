//! The servers a discovery URL names, for commands that look once.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use peerset_cluster::{DiscoveryUrl, Item, Member, Snapshot, State};
use peerset_discover_zookeeper::Credentials;
use peerset_placement::Server;
use peerset_route::server_of;

use crate::answer;
use crate::daemon;
use crate::source::{self, Look};

/// A larger file is not a list of servers.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// How long a registry may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// A pool that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PoolError {
    #[error("cannot read the list of servers {0}")]
    Read(String, #[source] std::io::Error),
    #[error("{0} is larger than {FILE_BYTES_MAX} bytes: not a list of servers")]
    TooLarge(String),
    /// One bad line would change who owns what, so none is left out.
    #[error("{path}, line {line}, column {column}: {text}\nwrite HOST:PORT[@WEIGHT][=NAME], one a line")]
    Line { path: String, line: usize, column: usize, text: String },
    #[error("there is no set `{0}`: it appears when a server registers in it (`peerset register --help`)")]
    Absent(String),
}

/// Where servers are to be found.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) url: DiscoveryUrl,
    /// As whom a registry is asked.
    pub(crate) credentials: Vec<Credentials>,
}

/// The servers in the order in which they are written, on which some placements depend.
pub(crate) fn servers(pool: &Pool) -> anyhow::Result<Vec<Server>> {
    let items = match &pool.url {
        DiscoveryUrl::Static(list) => list.items.clone(),
        DiscoveryUrl::File(file) => read_items(&file.path)?,
        _ => return ask(pool),
    };
    Ok(items.iter().map(|item| server_of(&item.member())).collect())
}

/// The servers that a registry has now.
fn ask(Pool { url, credentials }: &Pool) -> anyhow::Result<Vec<Server>> {
    let mut look = Look::default();
    look.zookeeper.credentials.clone_from(credentials);
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
    let serves = |member: &&Member| member.status.is_serving() && member.weight.value() > 0.0;
    let mut members: Vec<&Member> = snapshot.members().iter().map(AsRef::as_ref).filter(serves).collect();
    members.sort_by_key(|member| member.position);
    members.into_iter().map(server_of).collect()
}

fn read_items(path: &Path) -> Result<Vec<Item>, PoolError> {
    let shown = || path.display().to_string();
    let unreadable = |error| PoolError::Read(shown(), error);
    if fs::metadata(path).map_err(unreadable)?.len() > FILE_BYTES_MAX {
        return Err(PoolError::TooLarge(shown()));
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let mut items = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let written = line.split('#').next().unwrap_or_default();
        let item = written.trim();
        if item.is_empty() {
            continue;
        }
        items.push(item.parse::<Item>().map_err(|error| PoolError::Line {
            path: shown(),
            line: number + 1,
            column: written.len() - written.trim_start().len() + error.position().start + 1,
            text: error.to_string(),
        })?);
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> anyhow::Result<Vec<Server>> {
        servers(&Pool { url: url.parse().unwrap(), credentials: Vec::new() })
    }

    #[test]
    fn the_written_order_stays() {
        let servers = at("static:b:2@2=second,a:1,[::1]:3").unwrap();
        let shown: Vec<String> = servers.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["b:2", "a:1", "[::1]:3"]);
        assert_eq!((servers[0].weight, servers[0].name.as_deref()), (2.0, Some("second")));
    }

    #[test]
    fn a_bad_line_is_placed() {
        let folder = peerset_testkit::TempDir::new().unwrap();
        let path = folder.path().join("servers");
        fs::write(&path, "# two\na:1\n  b:99999 # port\n").unwrap();
        let error = at(&format!("file:{}", path.display())).unwrap_err().to_string();
        assert!(error.contains("line 3, column 5"), "{error}");
    }

    #[test]
    fn other_sources_are_named() {
        let error = at("etcd://a:2379/set").unwrap_err().to_string();
        assert!(error.contains("etcd://a:2379/set") && error.contains("static:"), "{error}");
    }
}
