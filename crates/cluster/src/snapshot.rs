//! The set of members at one moment, as one source sees it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{Member, MemberId};

mod diff;

pub use diff::{Change, Diff};

/// An immutable set of members at a revision of its source.
///
/// - **Shape**: members sorted by id, each id once; one reference-counted block, so that a clone copies a pointer and
///   may be kept for as long as anybody likes without holding up the source.
/// - **Cost**: [`get`](Self::get) O(log members); [`diff`](Self::diff) O(members), less for members that both snapshots
///   share in memory, which unchanged ones of one source do.
///
/// There is no `==`: whether [`revision`](Self::revision) and [`as_of`](Self::as_of) count depends on who asks. Watches
/// ask [`same_as`](Self::same_as), under which they do not.
#[derive(Debug, Clone)]
pub struct Snapshot(Arc<Content>);

#[derive(Debug)]
struct Content {
    source: SourceName,
    state: State,
    members: Vec<Arc<Member>>,
    revision: Revision,
    as_of: Instant,
}

/// How far a snapshot may be believed.
///
/// ```text
///            publish                    publish
///  Pending ──────────► Ready ◄───────────────────── Stale { since }
///     │                 │ ▲  ─────────────────────►    ▲
///     │ absent   absent ▼ │ publish    lost            │ lost
///     └──────────────► Absent ─────────────────────────┘
/// ```
/// Losing a source that never answered leaves it pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The source has not answered yet: nobody knows whether there are members.
    Pending,
    /// The source's present word. The set may be empty, and then it is surely so.
    Ready,
    /// The source says that there is no such name; the set is empty.
    Absent,
    /// The source cannot be reached; the set is the last good one.
    Stale {
        /// When it was lost.
        since: Instant,
    },
}

/// A source's own version of its set: an etcd revision, a ZooKeeper transaction, a count of changes.
///
/// Compare only revisions of one source. A later one is larger as far as the source promises it; a registry restored
/// from a backup may go back, and its watches follow it. 0 before the first answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision(pub u64);

/// What a source calls itself in logs and metrics: its URL, without secrets.
///
/// At most 256 bytes: what is over is cut, since this is for people and never parsed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceName(Arc<str>);

impl Snapshot {
    /// The first snapshot of every source.
    pub(crate) fn pending(source: SourceName, now: Instant) -> Self {
        Self::from_sorted(source, State::Pending, Vec::new(), Revision(0), now)
    }

    /// `members` must be sorted by id, each once.
    pub(crate) fn from_sorted(
        source: SourceName,
        state: State,
        members: Vec<Arc<Member>>,
        revision: Revision,
        as_of: Instant,
    ) -> Self {
        debug_assert!(members.is_sorted_by(|a, b| a.id < b.id), "sorted by id, each once");
        Snapshot(Arc::new(Content { source, state, members, revision, as_of }))
    }

    /// All members, sorted by id (by bytes), whatever their status.
    pub fn members(&self) -> &[Arc<Member>] {
        &self.0.members
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.0.members.len()
    }

    /// Whether there is no member. What that means is in [`state`](Self::state).
    pub fn is_empty(&self) -> bool {
        self.0.members.is_empty()
    }

    /// The member with this id.
    pub fn get(&self, id: &MemberId) -> Option<&Arc<Member>> {
        let at = self.0.members.binary_search_by(|member| member.id.cmp(id)).ok()?;
        self.0.members.get(at)
    }

    /// How far it may be believed.
    pub fn state(&self) -> State {
        self.0.state
    }

    /// The source's own version.
    pub fn revision(&self) -> Revision {
        self.0.revision
    }

    /// Who says so.
    pub fn source(&self) -> &SourceName {
        &self.0.source
    }

    /// When the source last confirmed these members. It does not advance while the state is stale.
    pub fn as_of(&self) -> Instant {
        self.0.as_of
    }

    /// How long ago that was; zero if `now` is earlier.
    pub fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.0.as_of)
    }

    /// Whether both say the same: equal members in every field, and an equal state, the time it is stale since included.
    /// Revision, age and the name of the source do not count. Watches send no two snapshots in a row that are the same.
    pub fn same_as(&self, other: &Snapshot) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || self.0.state == other.0.state && same_members(self.members(), other.members())
    }

    /// What happened between `old` and `new`, by member id; one pass over both.
    ///
    /// ```
    /// use peerset_cluster::{Snapshot, StaticSource, Discover};
    ///
    /// let old = StaticSource::parse("a:1,b:1")?.watch().borrow();
    /// let new = StaticSource::parse("b:1@2,c:1")?.watch().borrow();
    /// let diff = Snapshot::diff(&old, &new);
    /// assert_eq!(diff.to_string(), "+c:1 -a:1 ~b:1");
    /// # Ok::<(), peerset_cluster::ItemsError>(())
    /// ```
    pub fn diff(old: &Snapshot, new: &Snapshot) -> Diff {
        Diff::between(old.members(), new.members())
    }

    /// The same members, stale; none if nothing changes: a source that never answered stays pending, and one that is
    /// already lost keeps its time.
    pub(crate) fn lost(&self, since: Instant) -> Option<Self> {
        let Content { source, members, revision, as_of, state } = &*self.0;
        match state {
            State::Pending | State::Stale { .. } => None,
            State::Ready | State::Absent => {
                let state = State::Stale { since };
                Some(Self::from_sorted(source.clone(), state, members.clone(), *revision, *as_of))
            }
        }
    }
}

/// Equal members in every field; members shared in memory are not looked into.
pub(crate) fn same_members(left: &[Arc<Member>], right: &[Arc<Member>]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(a, b)| Arc::ptr_eq(a, b) || a == b)
}

impl State {
    /// Whether the source has ever answered: anything but pending.
    pub fn is_answered(self) -> bool {
        self != State::Pending
    }

    /// Whether the members are the source's present word.
    pub fn is_ready(self) -> bool {
        self == State::Ready
    }

    /// Since when the source is lost, if it is.
    pub fn stale_since(self) -> Option<Instant> {
        match self {
            State::Stale { since } => Some(since),
            State::Pending | State::Ready | State::Absent => None,
        }
    }
}

impl fmt::Display for State {
    /// The field's word for it, in lower case; [`State::stale_since`] has the time.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            State::Pending => "pending",
            State::Ready => "ready",
            State::Absent => "absent",
            State::Stale { .. } => "stale",
        })
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl SourceName {
    /// The longest name, in bytes.
    pub const BYTES_MAX: usize = 256;

    /// Keeps the text, cut to 256 bytes at a character boundary, control characters replaced by `?`.
    pub fn new(text: &str) -> Self {
        let text = &text[..text.floor_char_boundary(Self::BYTES_MAX)];
        SourceName(text.replace(char::is_control, "?").into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_names_are_cut_between_characters() {
        let name = SourceName::new(&"é".repeat(200));
        assert_eq!(name.as_str(), "é".repeat(128));
        let name = SourceName::new(&format!("a{}", "é".repeat(200)));
        assert_eq!(name.as_str().len(), 255);
        assert_eq!(SourceName::new("a\nb").as_str(), "a?b");
    }
}
