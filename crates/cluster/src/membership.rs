//! This process as a member: what its holder wants, and a driver that sees to it.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::{Limits, Member, MemberError, MemberId, Snapshot, State, Watch};

mod error;
mod intent;

pub use error::{DriverError, RegisterError};
pub use intent::{Intent, Wish};
use intent::{Progress, Wanted};

/// How long what the backend has confirmed may be missing from the view. A source shows it within milliseconds. One that
/// goes on showing what is gone has the id from somebody else, or may not be read; one that is full and does not show what
/// is there leaves it out.
pub(crate) const VIEW_PATIENCE: Duration = Duration::from_secs(1);

/// A member that this process may register, change and deregister.
///
/// It holds what is *wanted*; the driver's [`Intent`] carries that out, now and again after every lost session or
/// lease, with the same id. So nothing here fails because a backend is away for a while: [`register`](Self::register)
/// then waits, and a caller who wants a bound puts [`tokio::time::timeout`] around it.
///
/// ```text
///  holder ──► Membership ──wanted──► Intent ──► driver ──► backend
///                 ▲  ▲                 │                      │
///                 │  └────progress─────┘                      │
///                 └──────────────── Watch ◄───────────────────┘   observed
/// ```
///
/// - **Idempotent**: registering what is registered, or deregistering what is not, returns at once and sends nothing.
/// - **Observed**: both return when this process's own watch shows the result; other processes may see it later. An id
///   that somebody else registered as well does not go with ours: see [`deregister`](Self::deregister).
/// - **Drop**: deregisters in the background. For a graceful end await [`deregister`](Self::deregister) first.
/// - **Concurrent**: every method takes `&self`; of wishes that contradict each other the last one holds, and the
///   others return [`RegisterError::Superseded`].
pub struct Membership {
    id: MemberId,
    limits: Limits,
    /// The member as it is or would be registered; the lock orders changes and is never held across an await.
    member: Mutex<Member>,
    wanted: watch::Sender<Wanted>,
    progress: watch::Receiver<Progress>,
    view: Watch,
    /// Things that must live as long as the membership.
    kept: Vec<Box<dyn Any + Send + Sync>>,
}

impl Membership {
    /// For drivers: a membership for `member`, not yet registered, and the [`Intent`] that a driver must carry out.
    /// `observed` is this process's own view of the same cluster.
    ///
    /// # Errors
    /// The member breaks a limit.
    pub fn new(member: Member, observed: Watch, limits: Limits) -> Result<(Self, Intent), RegisterError> {
        let id = member.id.clone();
        member.check(&limits).map_err(|error| RegisterError::Member { id: id.clone(), error })?;
        let (wanted, wishes) = watch::channel(Wanted { generation: 0, member: None });
        let (reports, progress) = watch::channel(Progress::default());
        let intent = Intent::new(id.clone(), wishes, reports);
        Ok((
            Membership {
                id,
                limits,
                member: Mutex::new(member),
                wanted,
                progress,
                view: observed,
                kept: Vec::new(),
            },
            intent,
        ))
    }

    /// For drivers: keeps `thing` for as long as the membership and drops it with it, before the driver has heard: the
    /// backend's handle, say, or the claim to the id.
    #[must_use]
    pub fn keeping(mut self, thing: impl Any + Send + Sync) -> Self {
        self.kept.push(Box::new(thing));
        self
    }

    /// The identity, the same through all cycles.
    pub fn id(&self) -> &MemberId {
        &self.id
    }

    /// The member as it is, or would be, registered.
    pub fn member(&self) -> Member {
        self.member.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the holder wants it registered: the last call was `register`, whether it is done yet or not.
    pub fn is_wanted(&self) -> bool {
        self.wanted.borrow().member.is_some()
    }

    /// Why the driver has not managed yet, if its last attempt failed; it keeps trying.
    pub fn trouble(&self) -> Option<DriverError> {
        self.progress.borrow().trouble.clone()
    }

    /// Registers the member, and returns once this process observes it.
    ///
    /// # Errors
    /// The backend refused it for good, the set is so full that the member is left out of it, a concurrent
    /// [`deregister`](Self::deregister) took over, or the source was closed. A backend that is away is waited for.
    ///
    /// # Cancel safety
    /// The wish stays: the driver goes on registering in the background. Call `deregister`, or drop the membership, to
    /// take it back.
    pub async fn register(&self) -> Result<(), RegisterError> {
        let generation = self.want(true);
        self.settled(generation, true).await
    }

    /// Deregisters the member, and returns once this process observes that it is gone. What the backend has confirmed and
    /// the watch goes on showing for a second is somebody else's registration under the same id, or a set that may not be
    /// read: our own entry is gone, and that is enough.
    ///
    /// # Errors
    /// As for [`register`](Self::register).
    ///
    /// # Cancel safety
    /// The wish stays: the driver goes on deregistering in the background.
    pub async fn deregister(&self) -> Result<(), RegisterError> {
        let generation = self.want(false);
        if generation == 0 {
            return Ok(()); // never registered: there is nothing to wait for, not even a source's first answer
        }
        self.settled(generation, false).await
    }

    /// Changes the opaque data: [`update`](Self::update) of one field.
    ///
    /// # Errors
    /// The data is longer than the limit; nothing changed.
    pub fn set_data(&self, data: impl Into<Bytes>) -> Result<(), RegisterError> {
        self.update(|member| member.data = data.into())
    }

    /// Changes any fields but the id. While registered, the change goes out in the background and reaches every watch;
    /// otherwise it waits for the next [`register`](Self::register), which also waits for a change under way.
    ///
    /// # Errors
    /// The changed member breaks a limit or has another id; nothing changed.
    pub fn update(&self, change: impl FnOnce(&mut Member)) -> Result<(), RegisterError> {
        let mut member = self.member.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = member.clone();
        change(&mut changed);
        let verdict =
            if changed.id == self.id { changed.check(&self.limits) } else { Err(MemberError::IdChanged) };
        verdict.map_err(|error| RegisterError::Member { id: self.id.clone(), error })?;
        *member = changed;
        // Under the lock, so that two updates reach the driver in the order in which they were made.
        self.wanted.send_if_modified(|wanted| {
            let registered = wanted.member.is_some();
            registered && wanted.replace(Some(Arc::new(member.clone())))
        });
        Ok(())
    }

    /// Notes the wish and returns its generation; an unchanged wish keeps the one it has.
    fn want(&self, registered: bool) -> u64 {
        let member = self.member.lock().unwrap_or_else(PoisonError::into_inner);
        let wish = registered.then(|| Arc::new(member.clone()));
        // A refused wish is sent again, since asking again is how its holder says that the reason may be gone.
        let refused = self.progress.borrow().refused.as_ref().map(|(generation, _)| *generation);
        self.wanted.send_if_modified(|wanted| {
            if refused == Some(wanted.generation) && wanted.member == wish {
                wanted.generation += 1;
                return true;
            }
            wanted.replace(wish)
        });
        let generation = self.wanted.borrow().generation;
        drop(member);
        generation
    }

    /// Waits until the wish is carried out and observed, or until another call wants the opposite.
    async fn settled(&self, generation: u64, registered: bool) -> Result<(), RegisterError> {
        let mut wanted = self.wanted.subscribe();
        let settled = async {
            self.done(generation).await?;
            if registered { self.observed_there().await } else { self.observed_gone().await }
        };
        tokio::select! {
            biased;
            settled = settled => settled,
            _ = wanted.wait_for(|now| now.member.is_some() != registered) => {
                Err(RegisterError::Superseded { id: self.id.clone() })
            }
        }
    }

    /// Waits until the driver has carried out the wish of this generation, or a later one.
    async fn done(&self, generation: u64) -> Result<(), RegisterError> {
        let mut progress = self.progress.clone();
        let settled =
            |progress: &Progress| progress.done >= generation || progress.refused_since(generation).is_some();
        let Ok(progress) = progress.wait_for(settled).await else { return Err(self.view.closed().into()) };
        match progress.refused_since(generation) {
            None => Ok(()),
            Some(error) => Err(RegisterError::Refused {
                id: self.id.clone(),
                source_name: self.view.borrow().source().clone(),
                error: error.clone(),
            }),
        }
    }

    /// Waits until this process sees the member, or a full set that goes on without it.
    async fn observed_there(&self) -> Result<(), RegisterError> {
        let members_max = self.limits.members_max;
        let lacks = |snapshot: &Snapshot| {
            let full = snapshot.state() == State::Ready && snapshot.len() >= members_max;
            full && !self.shows(snapshot, true)
        };
        loop {
            let mut view = self.view.clone();
            let seen = view.wait_for(|snapshot| self.shows(snapshot, true) || lacks(snapshot)).await?;
            if !lacks(&seen) {
                return Ok(());
            }
            if let Ok(observed) = timeout(VIEW_PATIENCE, self.observed(true)).await {
                return observed;
            }
            let seen = self.view.borrow();
            if lacks(&seen) {
                let (id, source_name) = (self.id.clone(), seen.source().clone());
                return Err(RegisterError::LeftOut { id, source_name, members_max });
            }
        }
    }

    /// Waits until this process sees that the member is gone, for as long as that can be ours to see.
    async fn observed_gone(&self) -> Result<(), RegisterError> {
        // Seen already, as a rule: no timer is needed then.
        if self.shows(&self.view.borrow(), false) {
            return Ok(());
        }
        timeout(VIEW_PATIENCE, self.observed(false)).await.unwrap_or(Ok(()))
    }

    /// Waits until this process sees the result in the source's present word.
    async fn observed(&self, registered: bool) -> Result<(), RegisterError> {
        self.view.clone().wait_for(|snapshot| self.shows(snapshot, registered)).await?;
        Ok(())
    }

    /// Whether a source's present word is that the member is there, or is not.
    fn shows(&self, snapshot: &Snapshot, registered: bool) -> bool {
        match snapshot.state() {
            State::Pending | State::Stale { .. } => false,
            State::Ready | State::Absent => snapshot.get(&self.id).is_some() == registered,
        }
    }
}

impl fmt::Debug for Membership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Membership")
            .field("id", &self.id)
            .field("wanted", &self.is_wanted())
            .finish_non_exhaustive()
    }
}
