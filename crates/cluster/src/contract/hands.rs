//! What the laws handle a backend with: changing its set, waiting with patience, saying what was seen.

use std::collections::BTreeMap;
use std::task::{Context, Poll, Waker};

use tokio::time::{Instant, timeout};

use super::Backend;
use crate::membership::VIEW_PATIENCE;
use crate::{Member, MemberId, Membership, Snapshot, Watch};

/// Why a law is broken.
pub(super) struct Broken(pub(super) String);

/// Broken, unless `kept`.
pub(super) fn ensure(kept: bool, why: impl FnOnce() -> String) -> Result<(), Broken> {
    if kept { Ok(()) } else { Err(Broken(why())) }
}

/// A backend with the memberships that stand in for feeding it.
pub(super) struct Hands<'b> {
    pub(super) backend: &'b Backend,
    memberships: BTreeMap<MemberId, Membership>,
}

/// The `n`th member of the suite: ids sort as the numbers do.
pub(super) fn member(n: u16) -> Member {
    let id = MemberId::new(format!("contract-{n:05}")).expect("a short plain text");
    Member::new(id, format!("127.0.0.1:{}", 20_000 + n).parse().expect("a valid endpoint"))
}

impl<'b> Hands<'b> {
    pub(super) fn new(backend: &'b Backend) -> Self {
        Hands { backend, memberships: BTreeMap::new() }
    }

    /// Makes the set exactly these, and waits until `watch` has seen it.
    pub(super) async fn set(&mut self, numbers: &[u16], watch: &Watch) -> Result<(), Broken> {
        self.write(numbers).await?;
        let wanted: Vec<MemberId> = numbers.iter().map(|n| member(*n).id).collect();
        let what = format!("the set to become {numbers:?}");
        self.wait_for(&what, watch, |snapshot| {
            snapshot.state().is_ready()
                && snapshot.len() == wanted.len()
                && wanted.iter().all(|id| snapshot.get(id).is_some())
        })
        .await
        .map(drop)
    }

    /// The same without waiting for a watch.
    async fn write(&mut self, numbers: &[u16]) -> Result<(), Broken> {
        let members: Vec<Member> = numbers.iter().map(|n| member(*n)).collect();
        if let Some(feed) = &self.backend.feed {
            feed(members).await;
            return Ok(());
        }
        let gone: Vec<MemberId> = self
            .memberships
            .keys()
            .filter(|id| members.iter().all(|member| member.id != **id))
            .cloned()
            .collect();
        for id in gone {
            if let Some(membership) = self.memberships.remove(&id) {
                self.within("deregister", membership.deregister()).await?.map_err(|e| Broken(chain(&e)))?;
            }
        }
        for member in members {
            if !self.memberships.contains_key(&member.id) {
                let membership = self.join(member).await?;
                self.memberships.insert(membership.id().clone(), membership);
            }
        }
        Ok(())
    }

    /// A membership, not yet registered.
    pub(super) async fn create(&self, member: Member) -> Result<Membership, Broken> {
        let register = self.backend.register.as_ref().expect("a law that registers needs it");
        self.within("create_membership", register.create_membership(member))
            .await?
            .map_err(|e| Broken(chain(&e)))
    }

    /// A registered membership.
    pub(super) async fn join(&self, member: Member) -> Result<Membership, Broken> {
        let membership = self.create(member).await?;
        self.within("register", membership.register()).await?.map_err(|e| Broken(chain(&e)))?;
        Ok(membership)
    }

    /// Deregisters. Once that has returned `watch` shows it, unless it took so long that it may have been given up to wait
    /// for the view: then it shows it later.
    pub(super) async fn leave(&self, membership: &Membership, watch: &Watch) -> Result<(), Broken> {
        let begun = Instant::now();
        self.within("deregister", membership.deregister()).await?.map_err(|e| Broken(chain(&e)))?;
        let gone = |snapshot: &Snapshot| snapshot.get(membership.id()).is_none();
        if begun.elapsed() >= VIEW_PATIENCE {
            return self.wait_for("what was deregistered to go", watch, gone).await.map(drop);
        }
        let now = watch.borrow();
        ensure(gone(&now), || format!("deregister returned and the set was {}", show(&now)))
    }

    pub(super) fn lose(&self) {
        let outage = self.backend.outage.as_ref().expect("a law with an outage needs it");
        (outage.lose)();
    }

    pub(super) fn recover(&self) {
        let outage = self.backend.outage.as_ref().expect("a law with an outage needs it");
        (outage.recover)();
    }

    pub(super) fn watch(&self) -> Watch {
        self.backend.discover.watch()
    }

    /// What `future` gives, or that it took too long.
    pub(super) async fn within<T>(&self, what: &str, future: impl Future<Output = T>) -> Result<T, Broken> {
        let patience = self.backend.patience;
        timeout(patience, future).await.map_err(|_| Broken(format!("waited {patience:?} for {what}")))
    }

    /// The first snapshot that `wanted` accepts, or what was seen instead.
    pub(super) async fn wait_for(
        &self,
        what: &str,
        watch: &Watch,
        wanted: impl FnMut(&Snapshot) -> bool,
    ) -> Result<Snapshot, Broken> {
        let mut own = watch.clone();
        match timeout(self.backend.patience, own.wait_for(wanted)).await {
            Ok(Ok(snapshot)) => Ok(snapshot),
            Ok(Err(closed)) => {
                Err(Broken(format!("{closed} before {what}; the last was {}", show(&watch.borrow()))))
            }
            Err(_) => Err(Broken(format!(
                "waited {:?} for {what}; the newest is {}",
                self.backend.patience,
                show(&watch.borrow())
            ))),
        }
    }
}

/// What `future` gives without waiting.
pub(super) fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// `ready at 3 [a, b]`
pub(super) fn show(snapshot: &Snapshot) -> String {
    let ids: Vec<_> = snapshot.members().iter().map(|member| member.id.as_str()).collect();
    format!("{} at {} [{}]", snapshot.state(), snapshot.revision(), ids.join(", "))
}

/// An error with its sources.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
