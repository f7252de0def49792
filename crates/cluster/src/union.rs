//! Several sources as one.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use futures_core::Stream;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::{Discover, Limits, Publisher, Revision, Snapshot, SourceName, Watch, channel};

mod merge;

use merge::merge;

/// One set made of several sources, each of which keeps its own last good set.
///
/// Sources come in an order of precedence, the first one first.
///
/// **Members.** All of every source, with two exceptions. An endpoint that an earlier source also has appears once, as
/// that source describes it: servers that move from one registry to another are in both for a while, and are not to
/// get twice their share. An id that an earlier source uses for *another* endpoint becomes `SOURCE/ID`, so that two
/// registries which number their members alike do not hide each other's.
///
/// **Order.** Every member of an earlier source has a smaller [`position`](crate::Member::position) than those of a later
/// one, whose positions are moved up by a fixed distance, so that no source's growth changes the members of another.
///
/// **State.** A source that fails does not stop the others:
///
/// | sources | union |
/// |---|---|
/// | at least one stale | stale since the earliest loss: part of the set may be out of date |
/// | else at least one ready | ready, even if others are still pending: waiting for them could be for ever |
/// | else at least one pending | pending |
/// | all absent | absent |
///
/// [`parts`](Self::parts) tells the sources apart. A closed source counts as lost; the union ends with the last one.
///
/// - **Cost**: a change of any source merges all, O(members log members); members are shared, but for those that get another position or id.
/// - Clones are handles to the same union. Closing it leaves its sources open.
///
/// ```
/// use std::sync::Arc;
/// use peerset_cluster::{Discover, MemoryCluster, StaticSource, Union};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let old = Arc::new(StaticSource::parse("a:1,b:1")?);
/// let new = Arc::new(StaticSource::parse("b:1,c:1")?);
/// let union = Union::new("both", vec![old, new])?;
/// assert_eq!(union.watch().borrow().len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct Union {
    view: Watch,
    sources: Arc<[Arc<dyn Discover>]>,
    task: Arc<Task>,
}

/// Why there is no union.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnionError {
    /// An empty list would be pending for ever.
    #[error("a union needs at least one source")]
    NoSources,
    /// Merging happens in the background.
    #[error("a union must be made inside a tokio runtime")]
    NoRuntime,
}

/// Ends the merging when the last handle is gone.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Union {
    /// Unites `sources`, the first one first in precedence, under the source name `name`, with default limits. The
    /// first snapshot already holds what they say now.
    ///
    /// # Errors
    /// There is no source, or no tokio runtime.
    pub fn new(name: &str, sources: Vec<Arc<dyn Discover>>) -> Result<Self, UnionError> {
        Self::with_limits(name, sources, Limits::default())
    }

    /// The same with limits for the united set.
    ///
    /// # Errors
    /// There is no source, or no tokio runtime.
    pub fn with_limits(
        name: &str,
        sources: Vec<Arc<dyn Discover>>,
        limits: Limits,
    ) -> Result<Self, UnionError> {
        if sources.is_empty() {
            return Err(UnionError::NoSources);
        }
        let runtime = Handle::try_current().map_err(|_| UnionError::NoRuntime)?;
        let (publisher, view) = channel(SourceName::new(name), limits);
        let mut parts: Vec<Part> = sources.iter().map(|source| Part::new(source.watch())).collect();
        publish(&publisher, &parts, Revision(1));
        let task = runtime.spawn(async move {
            let mut revision = 1;
            while news(&mut parts).await {
                revision += 1;
                publish(&publisher, &parts, Revision(revision));
            }
        });
        Ok(Union { view, sources: sources.into(), task: Arc::new(Task(task.abort_handle())) })
    }

    /// What each source says now, in their order.
    pub fn parts(&self) -> Vec<Snapshot> {
        self.sources.iter().map(|source| source.watch().borrow()).collect()
    }
}

impl Discover for Union {
    fn source(&self) -> SourceName {
        self.view.borrow().source().clone()
    }

    fn watch(&self) -> Watch {
        self.view.clone()
    }

    fn close(&self) {
        self.task.0.abort();
    }
}

/// One source, as the merging task sees it.
struct Part {
    watch: Watch,
    newest: Snapshot,
    open: bool,
}

impl Part {
    fn new(watch: Watch) -> Self {
        Part { newest: watch.borrow(), watch, open: true }
    }
}

/// Waits until a source says something new, and takes in what all of them say. False once all are closed.
async fn news(parts: &mut [Part]) -> bool {
    poll_fn(|context| {
        let mut any = false;
        for part in parts.iter_mut().filter(|part| part.open) {
            match Pin::new(&mut part.watch).poll_next(context) {
                Poll::Pending => continue,
                Poll::Ready(Some(snapshot)) => part.newest = snapshot,
                Poll::Ready(None) => {
                    part.open = false;
                    let lost = part.newest.lost(Instant::now().into_std());
                    part.newest = lost.unwrap_or_else(|| part.newest.clone());
                }
            }
            any = true;
        }
        match any {
            true => Poll::Ready(parts.iter().any(|part| part.open)),
            false => Poll::Pending,
        }
    })
    .await
}

fn publish(publisher: &Publisher, parts: &[Part], revision: Revision) {
    let (state, members) = merge(parts.iter().map(|part| &part.newest));
    publisher.replace(state, members, revision);
}

impl fmt::Debug for Union {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Union").field("newest", &self.view.borrow()).field("sources", &self.sources).finish()
    }
}
