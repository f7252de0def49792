//! A cluster inside one process: for tests, for a single node, and as the smallest complete backend to read.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;

use crate::{
    BoxFuture, Discover, DriverError, Intent, Limits, Member, MemberError, MemberId, Membership, Publisher,
    Register, RegisterError, Revision, SourceName, Watch, Wish, channel,
};

/// A cluster whose registry is this process's memory.
///
/// Clones are handles to the same cluster, which is ready, and empty, from the start. It closes when
/// [`close`](Discover::close) is called, or when the last handle and the last membership are gone.
///
/// [`lose`](Self::lose) and [`recover`](Self::recover) play a registry that goes away and comes back, so that clients
/// can be tested against one.
///
/// ```
/// use peerset_cluster::{Discover, Member, MemoryCluster, Register};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let cluster = MemoryCluster::new("example");
/// let membership = cluster.create_membership(Member::at("10.0.0.1:11211".parse()?)).await?;
/// membership.register().await?;
/// assert_eq!(cluster.watch().borrow().len(), 1);
/// membership.deregister().await?;
/// assert!(cluster.watch().borrow().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct MemoryCluster {
    registry: Arc<Registry>,
}

struct Registry {
    source: SourceName,
    limits: Limits,
    view: Watch,
    /// None once closed.
    book: Mutex<Option<Book>>,
}

/// The right of one membership to its id. It ends with the membership, at once, so that the id can be used again; what is
/// registered under it goes a moment later, by its number, which spares whoever has the id by then.
struct Claim {
    registry: Arc<Registry>,
    id: MemberId,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.registry.with_book(|book| book.claims.remove(&self.id));
    }
}

/// What is registered. The lock is held for one change and never across an await.
struct Book {
    publisher: Publisher,
    /// Who is registered, and by which claim.
    members: BTreeMap<MemberId, (u64, Arc<Member>)>,
    /// Ids of living memberships, registered or not.
    claims: HashSet<MemberId>,
    /// How many claims there ever were.
    claimed: u64,
    revision: u64,
    lost: bool,
}

impl MemoryCluster {
    /// A new, empty cluster with default limits; `name` is its source name.
    pub fn new(name: &str) -> Self {
        Self::with_limits(name, Limits::default())
    }

    /// A new, empty cluster.
    pub fn with_limits(name: &str, limits: Limits) -> Self {
        let source = SourceName::new(name);
        let (publisher, view) = channel(source.clone(), limits.clone());
        let mut book = Book {
            publisher,
            members: BTreeMap::new(),
            claims: HashSet::new(),
            claimed: 0,
            revision: 0,
            lost: false,
        };
        book.publish();
        MemoryCluster { registry: Arc::new(Registry { source, limits, view, book: Mutex::new(Some(book)) }) }
    }

    /// Plays a registry that cannot be reached: watches turn stale, and registrations wait.
    pub fn lose(&self) {
        self.registry.with_book(|book| {
            book.lost = true;
            book.publisher.lost();
        });
    }

    /// Ends [`lose`](Self::lose): watches see what happened meanwhile, and registrations go through.
    pub fn recover(&self) {
        self.registry.with_book(|book| {
            book.lost = false;
            book.publish();
        });
    }
}

impl Discover for MemoryCluster {
    fn source(&self) -> SourceName {
        self.registry.source.clone()
    }

    fn watch(&self) -> Watch {
        self.registry.view.clone()
    }

    fn close(&self) {
        self.registry.book.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Register for MemoryCluster {
    fn create_membership(&self, member: Member) -> BoxFuture<'_, Result<Membership, RegisterError>> {
        Box::pin(async { self.registry.create_membership(member) })
    }
}

impl Registry {
    fn create_membership(self: &Arc<Self>, member: Member) -> Result<Membership, RegisterError> {
        let runtime = Handle::try_current()
            .map_err(|_| RegisterError::NoRuntime { source_name: self.source.clone() })?;
        let (membership, intent) = Membership::new(member, self.view.clone(), self.limits.clone())?;
        let id = membership.id().clone();
        let number = match self.with_book(|book| book.claim(&id)) {
            None => return Err(self.view.closed().into()),
            Some(None) => return Err(RegisterError::IdTaken { id, source_name: self.source.clone() }),
            Some(Some(number)) => number,
        };
        // Owned by the membership: it ends when that is dropped, or when the cluster is closed.
        runtime.spawn(self.clone().carry_out(intent, number));
        Ok(membership.keeping(Claim { registry: self.clone(), id }))
    }

    /// The driver of one membership.
    async fn carry_out(self: Arc<Self>, mut intent: Intent, claim: u64) {
        let mut view = self.view.clone();
        loop {
            let wish = tokio::select! {
                wish = intent.next() => wish,
                _ = view.wait_for(|_| false) => return, // closed
            };
            let done = match &wish {
                Wish::Registered(member) => self.with_book(|book| book.register(member, claim)),
                Wish::Deregistered | Wish::Dropped => {
                    self.with_book(|book| book.deregister(intent.id(), claim))
                }
            };
            match done {
                Some(Err(error)) => intent.refuse(error),
                Some(Ok(())) if wish != Wish::Dropped => intent.done(),
                _ => return,
            }
        }
    }

    /// None once closed.
    fn with_book<T>(&self, change: impl FnOnce(&mut Book) -> T) -> Option<T> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(change)
    }
}

impl Book {
    /// A number for a new membership of this id; none if there is one already.
    fn claim(&mut self, id: &MemberId) -> Option<u64> {
        self.claimed += 1;
        self.claims.insert(id.clone()).then_some(self.claimed)
    }

    fn register(&mut self, member: &Arc<Member>, claim: u64) -> Result<(), DriverError> {
        let members_max = self.publisher.limits().members_max;
        if !self.members.contains_key(&member.id) && self.members.len() >= members_max {
            return Err(DriverError::new(MemberError::SetFull { members_max }));
        }
        self.members.insert(member.id.clone(), (claim, member.clone()));
        self.publish();
        Ok(())
    }

    fn deregister(&mut self, id: &MemberId, claim: u64) -> Result<(), DriverError> {
        if self.members.get(id).is_some_and(|(by, _)| *by == claim) {
            self.members.remove(id);
            self.publish();
        }
        Ok(())
    }

    fn publish(&mut self) {
        self.revision += 1;
        if !self.lost {
            self.publisher
                .publish(self.members.values().map(|(_, member)| member.clone()), Revision(self.revision));
        }
    }
}

impl fmt::Debug for MemoryCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCluster").field("newest", &self.registry.view.borrow()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_older_claim_spares_a_newer_one() {
        let cluster = MemoryCluster::new("memory");
        let member = Arc::new(Member::at("a:1".parse().unwrap()));
        cluster.registry.with_book(|book| {
            book.register(&member, 1).unwrap();
            book.register(&member, 2).unwrap();
            book.deregister(&member.id, 1).unwrap();
            assert_eq!(book.publisher.snapshot().len(), 1);
            book.deregister(&member.id, 2).unwrap();
            assert!(book.publisher.snapshot().is_empty());
        });
    }
}
