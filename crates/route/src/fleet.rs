//! The servers of one pool at one moment, and who of them owns a key.

use std::fmt;

use peerset_cluster::{Endpoint, Member, MemberId, Revision, Snapshot, SourceName, State};
use peerset_placement::{BuildError, Placement, Server, Spec};

mod server;

pub use server::server_of;

/// The members of a snapshot that serve, in written order, with a placement over them. Immutable: when the members
/// change, build another.
///
/// - **Who serves**: members that are alive and have a weight. A drained or stopping member owns nothing, as though its
///   line had been removed from the list.
/// - **Order**: by [`position`](Member::position), then id; so that placements which count servers see the list as it was
///   written, and every process that sees the same members the same list.
/// - **Names**: a member whose id is not its endpoint's text has the id for its name ([`Server::name`]), which the
///   placements that know names read in place of host and port.
/// - **Cost**: building is building the [`Placement`], and less than a microsecond a server beside it; a lookup is the
///   placement's, and allocates nothing.
///
/// ```
/// use peerset_cluster::{Discover, StaticSource};
/// use peerset_route::Fleet;
///
/// let snapshot = StaticSource::parse("b:11211,a:11211,c:11211@0")?.watch().borrow();
/// let fleet = Fleet::build(&snapshot, &"jump".parse()?)?;
/// let servers: Vec<_> = fleet.servers().iter().map(|server| server.endpoint.to_string()).collect();
/// assert_eq!(servers, ["b:11211", "a:11211"]); // c is drained
/// let owner = fleet.owner(b"user:42").expect("there are servers");
/// assert_eq!(fleet.owners(b"user:42", 2)[0], owner);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Fleet {
    servers: Box<[FleetServer]>,
    placement: Placement,
    source: SourceName,
    state: State,
    revision: Revision,
}

/// One server of a [`Fleet`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FleetServer {
    /// Which member it is, across snapshots.
    pub id: MemberId,
    /// Where to connect to.
    pub endpoint: Endpoint,
    /// What the placement sees of it.
    pub server: Server,
}

/// No fleet can be made of these members with this placement. The caller still has the fleet before.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{source_name}: {}{problem}", named(.member))]
#[non_exhaustive]
pub struct FleetError {
    /// Whose members they are.
    pub source_name: SourceName,
    /// The member it is about, if it is about one.
    pub member: Option<MemberId>,
    /// What is wrong. In the text already, and so no source beside it.
    pub problem: BuildError,
}

impl Fleet {
    /// Places keys on the members that serve.
    ///
    /// # Errors
    /// The placement cannot take one of the members, say its weight, or not so many.
    pub fn build(snapshot: &Snapshot, spec: &Spec) -> Result<Fleet, FleetError> {
        let serves = |member: &&Member| member.status.is_serving() && member.weight.value() > 0.0;
        let mut members: Vec<&Member> = snapshot.members().iter().map(AsRef::as_ref).filter(serves).collect();
        members.sort_by_key(|member| member.position); // stable: members come sorted by id
        let servers: Vec<Server> = members.iter().map(|member| server_of(member)).collect();
        let placement = Placement::build(spec, &servers).map_err(|problem| FleetError {
            source_name: snapshot.source().clone(),
            member: culprit(&problem).and_then(|at| members.get(at)).map(|member| member.id.clone()),
            problem,
        })?;
        let servers = members.into_iter().zip(servers).map(|(member, server)| FleetServer {
            id: member.id.clone(),
            endpoint: member.endpoint.clone(),
            server,
        });
        Ok(Fleet {
            servers: servers.collect(),
            placement,
            source: snapshot.source().clone(),
            state: snapshot.state(),
            revision: snapshot.revision(),
        })
    }

    /// The servers; what [`owner`](Self::owner) gives is a place in this list.
    pub fn servers(&self) -> &[FleetServer] {
        &self.servers
    }

    /// How many servers there are.
    pub fn len(&self) -> usize {
        self.servers.len()
    }

    /// Whether nobody serves. What that means is in [`state`](Self::state).
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// The server that owns the key; none if there are no servers.
    #[inline]
    pub fn owner(&self, key: &[u8]) -> Option<usize> {
        self.placement.owner(key)
    }

    /// The first `n` distinct servers for the key, the owner first; fewer when there are fewer.
    pub fn owners(&self, key: &[u8], n: usize) -> Vec<usize> {
        self.placement.owners(key, n)
    }

    /// How keys are placed.
    pub fn placement(&self) -> &Placement {
        &self.placement
    }

    /// How far the members may be believed.
    pub fn state(&self) -> State {
        self.state
    }

    /// The source's version of the members.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Where the members come from.
    pub fn source(&self) -> &SourceName {
        &self.source
    }
}

fn culprit(problem: &BuildError) -> Option<usize> {
    match problem {
        BuildError::Text { index, .. } | BuildError::Weight { index, .. } => Some(*index),
        _ => None,
    }
}

fn named(member: &Option<MemberId>) -> impl fmt::Display {
    member.as_ref().map(|member| format!("{member}: ")).unwrap_or_default()
}

#[cfg(test)]
mod tests;
