//! What a driver sees of a membership: the newest wish, and where to report.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use super::DriverError;
use crate::{Member, MemberId};

/// The wish as the holder left it. Generations count changes, so that "done" can say which one.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) generation: u64,
    pub(super) member: Option<Arc<Member>>,
}

/// How far the driver got.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    pub(super) done: u64,
    pub(super) refused: Option<(u64, DriverError)>,
    pub(super) trouble: Option<DriverError>,
}

impl Wanted {
    /// Takes the new wish and says whether it is one.
    pub(super) fn replace(&mut self, member: Option<Arc<Member>>) -> bool {
        let changed = self.member != member;
        if changed {
            self.generation += 1;
            self.member = member;
        }
        changed
    }
}

impl Progress {
    /// Why the driver gave up the wish of this generation or a later one, if it did.
    pub(super) fn refused_since(&self, generation: u64) -> Option<&DriverError> {
        self.refused.as_ref().filter(|(refused, _)| *refused >= generation).map(|(_, error)| error)
    }
}

/// The driver's half of a [`Membership`](crate::Membership).
///
/// Level-triggered: a driver takes the newest [`Wish`], makes the backend agree with it, reports, and waits for the
/// next; wishes that came and went meanwhile are skipped. After a lost session or lease it makes the backend agree with
/// [`current`](Self::current) again, without being asked. A driver's loop is this:
///
/// ```text
/// loop {
///     match intent.next().await {
///         Wish::Registered(member) => write it, with backoff until it works; a newer wish interrupts
///         Wish::Deregistered       => delete it, likewise
///         Wish::Dropped            => delete it and end
///     }
///     intent.done();
/// }
/// ```
/// Dropping the intent tells the holder that the source is closed.
pub struct Intent {
    id: MemberId,
    wanted: watch::Receiver<Wanted>,
    progress: watch::Sender<Progress>,
    /// Generation of the wish that was taken last.
    taken: u64,
}

/// What a driver is to bring about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Be registered, exactly like this.
    Registered(Arc<Member>),
    /// Not be registered.
    Deregistered,
    /// The holder is gone: not be registered, and end. The last wish there is.
    Dropped,
}

impl Intent {
    pub(super) fn new(
        id: MemberId,
        wanted: watch::Receiver<Wanted>,
        progress: watch::Sender<Progress>,
    ) -> Self {
        Intent { id, wanted, progress, taken: 0 }
    }

    /// Whose registration this is.
    pub fn id(&self) -> &MemberId {
        &self.id
    }

    /// Waits for a wish that was not taken before, and takes the newest.
    ///
    /// # Cancel safety
    /// A wish counts as taken only when this returns it.
    pub async fn next(&mut self) -> Wish {
        if self.wanted.changed().await.is_err() {
            return Wish::Dropped;
        }
        self.current()
    }

    /// The newest wish, which is then taken: to register again after a lost session or lease. Before the holder ever
    /// asked for anything, that is not to be registered.
    pub fn current(&mut self) -> Wish {
        let wanted = self.wanted.borrow_and_update().clone();
        self.taken = wanted.generation;
        match wanted.member {
            _ if self.wanted.has_changed().is_err() => Wish::Dropped,
            Some(member) => Wish::Registered(member),
            None => Wish::Deregistered,
        }
    }

    /// The backend now agrees with the wish that was taken last.
    pub fn done(&self) {
        self.progress
            .send_modify(|progress| *progress = Progress { done: self.taken, refused: None, trouble: None });
    }

    /// An attempt failed and will be repeated: for [`Membership::trouble`](crate::Membership::trouble).
    pub fn failing(&self, error: DriverError) {
        self.progress.send_modify(|progress| progress.trouble = Some(error));
    }

    /// The backend will never agree with the wish that was taken last, and the driver gives it up. The call that waits
    /// for it fails; a later call asks anew.
    pub fn refuse(&self, error: DriverError) {
        self.progress.send_modify(|progress| progress.refused = Some((self.taken, error)));
    }
}

impl fmt::Debug for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intent").field("id", &self.id).field("taken", &self.taken).finish_non_exhaustive()
    }
}
