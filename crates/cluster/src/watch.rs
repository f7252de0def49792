//! Following a set of members: the one seam at which every source meets every client.

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use tokio::sync::watch::Receiver;

use crate::{Snapshot, SourceName};

mod publisher;
#[cfg(test)]
mod tests;

pub use publisher::{Published, Publisher, Refused, channel};

/// A view of one source that always has a newest snapshot and can wait for the next.
///
/// - **First**: the first [`changed`](Self::changed), or the first item of the stream, comes at once, even if the state
///   is still pending; [`answer`](Self::answer) waits until the source has spoken.
/// - **Conflates**: a slow reader gets the newest snapshot and skips the ones between. It never blocks the source nor
///   other readers, and nothing queues up. What happened in between is [`Snapshot::diff`] of the two it got.
/// - **No repeats**: two snapshots in a row from one watch are never the same ([`Snapshot::same_as`]), even if the set
///   changed and changed back meanwhile.
/// - **End**: when the source is closed, the newest snapshot is still delivered, then [`Closed`], or the end of the
///   stream.
/// - **Clones** begin anew: each yields the newest snapshot first. Dropping one costs nothing to anybody.
///
/// Built on [`tokio::sync::watch`], which supplies the conflation; works on any runtime and in any task.
///
/// ```
/// use peerset_cluster::{channel, Limits, Member, Revision, SourceName};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (publisher, mut watch) = channel(SourceName::new("example"), Limits::default());
/// publisher.publish([Member::at("10.0.0.1:11211".parse()?)], Revision(1));
///
/// let snapshot = watch.changed().await?;
/// assert_eq!(snapshot.len(), 1);
///
/// drop(publisher);
/// assert!(watch.changed().await.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct Watch {
    receiver: Receiver<Snapshot>,
    /// What this watch gave out last; the receiver's own mark also moves on what was looked at and not given out.
    delivered: Option<Snapshot>,
    /// Only while polled as a stream: waits for the receiver's next version.
    waiting: Option<Waiting>,
    /// Things that must live as long as anybody watches.
    keepalive: Option<Arc<dyn Any + Send + Sync>>,
}

type Waiting = Pin<Box<dyn Future<Output = Result<(), Closed>> + Send + Sync>>;

/// The source was closed: no further snapshot will come. The last one stays available from [`Watch::borrow`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{source_name} was closed")]
pub struct Closed {
    /// Which source.
    pub source_name: SourceName,
}

impl Watch {
    fn new(receiver: Receiver<Snapshot>) -> Self {
        Watch { receiver, delivered: None, waiting: None, keepalive: None }
    }

    /// The newest snapshot, without waiting and without marking it as delivered. No lock is held by what is returned.
    pub fn borrow(&self) -> Snapshot {
        self.receiver.borrow().clone()
    }

    /// The next snapshot that is not the same as the last one delivered; at once if there is one already, as there is
    /// for a new watch.
    ///
    /// # Errors
    /// [`Closed`], once the newest snapshot has been delivered and the source is closed.
    ///
    /// # Cancel safety
    /// Nothing is lost: a snapshot counts as delivered only when this returns it.
    pub async fn changed(&mut self) -> Result<Snapshot, Closed> {
        loop {
            if let Some(snapshot) = self.take_undelivered() {
                return Ok(snapshot);
            }
            next_version(&mut self.receiver).await?;
        }
    }

    /// The newest snapshot as soon as one satisfies `predicate`: the present one, delivered before or not, or a later
    /// one. A snapshot that was already replaced when it could be looked at may be missed.
    ///
    /// # Errors
    /// [`Closed`], if the source is closed and its last snapshot does not satisfy `predicate`.
    ///
    /// # Cancel safety
    /// Nothing is lost: the snapshots that `predicate` refused do not count as delivered.
    pub async fn wait_for(
        &mut self,
        mut predicate: impl FnMut(&Snapshot) -> bool,
    ) -> Result<Snapshot, Closed> {
        loop {
            let snapshot = self.receiver.borrow_and_update().clone();
            if predicate(&snapshot) {
                self.delivered = Some(snapshot.clone());
                return Ok(snapshot);
            }
            next_version(&mut self.receiver).await?;
        }
    }

    /// The newest snapshot as soon as the source has answered at all: ready, absent or stale, but not pending.
    ///
    /// # Errors
    /// [`Closed`], if the source is closed without having answered.
    ///
    /// # Cancel safety
    /// Nothing is lost, as in [`wait_for`](Self::wait_for).
    pub async fn answer(&mut self) -> Result<Snapshot, Closed> {
        self.wait_for(|snapshot| snapshot.state().is_answered()).await
    }

    /// Whether the source is closed. The newest snapshot may still be undelivered.
    pub fn is_closed(&self) -> bool {
        self.receiver.has_changed().is_err()
    }

    /// Keeps `thing` alive for as long as this watch or a clone of it, and anything it already kept as well: a source
    /// handle, say, of a caller who wants to hold nothing but the watch.
    #[must_use]
    pub fn keeping(mut self, thing: impl Any + Send + Sync) -> Self {
        self.keepalive = Some(match self.keepalive.take() {
            None => Arc::new(thing),
            Some(before) => Arc::new((before, thing)),
        });
        self
    }

    /// The error of this watch's source, for those who know that it is closed.
    pub(crate) fn closed(&self) -> Closed {
        Closed { source_name: self.receiver.borrow().source().clone() }
    }

    fn take_undelivered(&mut self) -> Option<Snapshot> {
        let snapshot = self.receiver.borrow_and_update().clone();
        if self.delivered.as_ref().is_some_and(|delivered| delivered.same_as(&snapshot)) {
            return None;
        }
        self.delivered = Some(snapshot.clone());
        Some(snapshot)
    }
}

/// Waits until there is something the receiver has not looked at.
async fn next_version(receiver: &mut Receiver<Snapshot>) -> Result<(), Closed> {
    let changed = receiver.changed().await;
    changed.map_err(|_| Closed { source_name: receiver.borrow().source().clone() })
}

impl Stream for Watch {
    type Item = Snapshot;

    /// Yields what [`changed`](Watch::changed) would return, and ends where it would fail. The two may be mixed.
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Snapshot>> {
        let watch = &mut *self;
        loop {
            if let Some(snapshot) = watch.take_undelivered() {
                watch.waiting = None;
                return Poll::Ready(Some(snapshot));
            }
            let waiting = watch.waiting.get_or_insert_with(|| {
                // A receiver of its own, with the same mark: the future lives in the struct without borrowing from it.
                let mut receiver = watch.receiver.clone();
                Box::pin(async move { next_version(&mut receiver).await })
            });
            let woken = ready!(waiting.as_mut().poll(context));
            watch.waiting = None;
            if woken.is_err() {
                return Poll::Ready(None);
            }
        }
    }
}

impl Clone for Watch {
    fn clone(&self) -> Self {
        Watch { keepalive: self.keepalive.clone(), ..Watch::new(self.receiver.clone()) }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("newest", &self.borrow()).finish_non_exhaustive()
    }
}
