//! Following one set: whoever looks at it in this process, it is listed and read once.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use peerset_cluster::MemberId;
use tokio::sync::{OwnedMutexGuard, watch};

use crate::ServersetPath;
use crate::session::Ensemble;

mod cache;
mod follower;
mod listing;

pub(crate) use listing::{Listing, Node, Standing};

/// One set that is followed, and who registers in it. The follower ends with the last receiver of its listings.
#[derive(Debug)]
pub(crate) struct Followed {
    listings: watch::Receiver<Listing>,
    book: Mutex<Book>,
}

/// Who of this process registers in the set. The lock is never held across an await.
#[derive(Debug, Default)]
struct Book {
    /// Ids of living memberships.
    claims: HashSet<MemberId>,
    /// Whose turn it is to write the znode of an id.
    turns: HashMap<MemberId, Weak<tokio::sync::Mutex<()>>>,
}

/// The right of one membership to its id, which ends with the membership, at once.
pub(crate) struct Claim {
    set: Arc<Followed>,
    id: MemberId,
}

/// The right to write the znode of an id, which ends when the znode is in order: a membership that reuses an id waits
/// until the one before it has taken its znode away.
#[derive(Debug)]
pub(crate) struct Turn(Arc<tokio::sync::Mutex<()>>);

impl Followed {
    /// Begins to follow.
    pub(crate) fn start(ensemble: &Ensemble, path: ServersetPath) -> Self {
        let (sender, listings) = watch::channel(Listing::default());
        let follower = follower::Follower::new(path, ensemble.config().clone(), ensemble.links(), sender);
        // Ends by itself when the last receiver is gone.
        ensemble.runtime().spawn(follower.run());
        Followed { listings, book: Mutex::default() }
    }

    pub(crate) fn listings(&self) -> watch::Receiver<Listing> {
        self.listings.clone()
    }

    /// Claims an id for a membership; none if a living one has it.
    pub(crate) fn claim(self: &Arc<Self>, id: &MemberId) -> Option<(Claim, Turn)> {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        if !book.claims.insert(id.clone()) {
            return None;
        }
        book.turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = book.turns.get(id).and_then(Weak::upgrade).unwrap_or_default();
        book.turns.insert(id.clone(), Arc::downgrade(&turn));
        Some((Claim { set: self.clone(), id: id.clone() }, Turn(turn)))
    }
}

impl Turn {
    /// Waits for those before.
    ///
    /// # Cancel safety
    /// Dropping the future gives the place up.
    pub(crate) async fn come(self) -> OwnedMutexGuard<()> {
        self.0.lock_owned().await
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.set.book.lock().unwrap_or_else(PoisonError::into_inner).claims.remove(&self.id);
    }
}
