//! The side of a watch that a source's driver holds.

use std::sync::Arc;

use tokio::sync::watch::{self, Sender};
use tokio::time::Instant;

use super::Watch;
use crate::snapshot::same_members;
use crate::{Limits, Member, MemberError, MemberId, Revision, Snapshot, SourceName, State};

/// Starts a source: the publisher for its driver, and a first watch. The state is pending.
pub fn channel(source: SourceName, limits: Limits) -> (Publisher, Watch) {
    let (sender, receiver) = watch::channel(Snapshot::pending(source, Instant::now().into_std()));
    (Publisher { sender, limits }, Watch::new(receiver))
}

/// What a driver says its source says. Dropping it closes every watch.
///
/// The publisher keeps the rules that no driver should have to: it sorts, drops what breaks [`Limits`], holds the last
/// good set while the source is lost, and wakes readers only if something changed. It is not `Clone`, because one task
/// owns a set; methods take `&self` and never block beyond comparing two sets.
#[derive(Debug)]
pub struct Publisher {
    sender: Sender<Snapshot>,
    limits: Limits,
}

/// What became of a publication.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Published {
    /// Whether readers were woken: members or state differ from before.
    pub changed: bool,
    /// The members that were left out.
    pub refused: Vec<Refused>,
}

/// A member that was left out of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which one.
    pub id: MemberId,
    /// Why.
    pub error: MemberError,
}

impl Publisher {
    /// The source's present word: exactly these members, in any order.
    ///
    /// A member that breaks a limit, and any further member of an id that is already there, is left out, reported in
    /// the result and logged; the rest stays. If nothing differs, no reader is woken, but [`Watch::borrow`] shows the
    /// new revision and time.
    ///
    /// Cost: O(members log members); members equal to their predecessor are shared with it in memory.
    pub fn publish<M: Into<Arc<Member>>>(
        &self,
        members: impl IntoIterator<Item = M>,
        revision: Revision,
    ) -> Published {
        self.replace(State::Ready, members, revision)
    }

    /// The source's present word: there is no such name. The set is empty, and the last good one forgotten.
    pub fn absent(&self, revision: Revision) -> Published {
        self.replace(State::Absent, [] as [Member; 0], revision)
    }

    /// The source cannot be reached: keeps the last good set and marks it stale since now. Once stale, the time stays
    /// until the source answers again; a source that never answered stays pending.
    pub fn lost(&self) {
        let since = Instant::now().into_std();
        self.sender.send_if_modified(|snapshot| match snapshot.lost(since) {
            Some(lost) => {
                *snapshot = lost;
                true
            }
            None => false,
        });
    }

    /// Another view of this source.
    pub fn watch(&self) -> Watch {
        Watch::new(self.sender.subscribe())
    }

    /// The newest snapshot.
    pub fn snapshot(&self) -> Snapshot {
        self.sender.borrow().clone()
    }

    /// The bounds it was given.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Returns when nobody watches any more, at which a driver may stop.
    ///
    /// # Cancel safety
    /// It only waits.
    pub async fn unwatched(&self) {
        self.sender.closed().await;
    }

    /// Puts members and state in place together: what a union needs, whose first word may already be partly stale.
    pub(crate) fn replace<M: Into<Arc<Member>>>(
        &self,
        state: State,
        members: impl IntoIterator<Item = M>,
        revision: Revision,
    ) -> Published {
        let (mut members, refused) = self.admit(members.into_iter().map(Into::into).collect());
        let as_of = Instant::now().into_std();
        let changed = self.sender.send_if_modified(|snapshot| {
            let changed = snapshot.state() != state || !same_members(snapshot.members(), &members);
            share(&mut members, snapshot);
            let members = std::mem::take(&mut members);
            *snapshot = Snapshot::from_sorted(snapshot.source().clone(), state, members, revision, as_of);
            changed
        });
        if let (Some(first), true) = (refused.first(), changed) {
            let source = self.sender.borrow().source().clone();
            let Refused { id, error } = first;
            tracing::warn!(%source, refused = refused.len(), member = %id, %error, "members are left out");
        }
        Published { changed, refused }
    }

    /// Sorts by id and leaves out what must not be published.
    fn admit(&self, mut members: Vec<Arc<Member>>) -> (Vec<Arc<Member>>, Vec<Refused>) {
        let mut refused = Vec::new();
        members.sort_by(|a, b| a.id.cmp(&b.id)); // stable: of equal ids the first one given stays
        let mut last: Option<MemberId> = None;
        let mut len = 0;
        members.retain(|member| {
            let verdict = match &last {
                Some(last) if *last == member.id => Err(MemberError::DuplicateId),
                _ if len == self.limits.members_max => Err(MemberError::SetFull { members_max: len }),
                _ => member.check(&self.limits),
            };
            match verdict {
                Ok(()) => {
                    len += 1;
                    last = Some(member.id.clone());
                }
                Err(ref error) => refused.push(Refused { id: member.id.clone(), error: error.clone() }),
            }
            verdict.is_ok()
        });
        (members, refused)
    }
}

/// Takes over the predecessor's copy of every member that did not change.
fn share(members: &mut [Arc<Member>], before: &Snapshot) {
    for member in members {
        if let Some(same) = before.get(&member.id).filter(|old| *old == member) {
            *member = same.clone();
        }
    }
}
