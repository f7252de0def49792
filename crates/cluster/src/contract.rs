//! What every backend must keep, as a test-suite that each of them runs.
//!
//! A backend's tests call [`check`] with a function that makes a fresh one, and say which laws were kept, so that a law
//! which could not be tried is a decision that a reviewer sees:
//!
//! ```
//! use peerset_cluster::contract::{self, Backend, Law};
//! use peerset_cluster::MemoryCluster;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
//! let report = contract::check(async || {
//!     let cluster = MemoryCluster::new("memory");
//!     let (losing, recovering) = (cluster.clone(), cluster.clone());
//!     Backend::new(cluster.clone())
//!         .registering(cluster)
//!         .losing(move || losing.lose(), move || recovering.recover())
//! })
//! .await;
//! assert_eq!(report.kept, Law::ALL);
//! # });
//! ```
//!
//! The laws use [`tokio::time`], so the suite may run under a paused clock.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::{BoxFuture, Discover, Member, Register};

mod hands;
mod laws;

use hands::Broken;

/// A backend under test: a fresh one for every law, with nobody in it, or whoever a fixed source has.
pub struct Backend {
    discover: Arc<dyn Discover>,
    register: Option<Arc<dyn Register>>,
    feed: Option<Feed>,
    outage: Option<Outage>,
    patience: Duration,
    held: Vec<Box<dyn Any>>,
}

type Feed = Box<dyn Fn(Vec<Member>) -> BoxFuture<'static, ()>>;

/// Makes the backend lose its source, and gives it back.
struct Outage {
    lose: Box<dyn Fn()>,
    recover: Box<dyn Fn()>,
}

impl Backend {
    /// A backend that can only be watched.
    pub fn new(discover: impl Discover + 'static) -> Self {
        Backend {
            discover: Arc::new(discover),
            register: None,
            feed: None,
            outage: None,
            patience: Duration::from_secs(10),
            held: Vec::new(),
        }
    }

    /// It also registers, in the same cluster that it watches.
    #[must_use]
    pub fn registering(mut self, register: impl Register + 'static) -> Self {
        self.register = Some(Arc::new(register));
        self
    }

    /// Its source can be given another set from outside, as by writing a file: `feed` returns when that is written, not
    /// when it is observed. Of the members only id and endpoint matter.
    #[must_use]
    pub fn feeding(mut self, feed: impl Fn(Vec<Member>) -> BoxFuture<'static, ()> + 'static) -> Self {
        self.feed = Some(Box::new(feed));
        self
    }

    /// It can lose its source and find it again, as by stopping and starting a server.
    #[must_use]
    pub fn losing(mut self, lose: impl Fn() + 'static, recover: impl Fn() + 'static) -> Self {
        self.outage = Some(Outage { lose: Box::new(lose), recover: Box::new(recover) });
        self
    }

    /// How long to wait for what must happen; 10 seconds unless told.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Keeps `thing`, a server or a folder, until the law has been tried.
    #[must_use]
    pub fn holding(mut self, thing: impl Any) -> Self {
        self.held.push(Box::new(thing));
        self
    }
}

/// One thing that every backend keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Law {
    /// A new watch yields its first snapshot at once, and the source answers in time.
    FirstSnapshot,
    /// Members are sorted by id, each once.
    Sorted,
    /// A slow reader gets the newest snapshot alone, and holds up neither the source nor a fast reader.
    Conflation,
    /// No two snapshots in a row are the same.
    NoRepeats,
    /// Watches that are dropped do not disturb others.
    DropWatch,
    /// Closing ends every watch, after its newest snapshot, and later watches too; closing again does nothing.
    Close,
    /// Register and deregister return once this process observes the result.
    Observed,
    /// Registering and deregistering twice is the same as once.
    Idempotent,
    /// The id stays through cycles.
    StableId,
    /// Data set while registered reaches watches; data set while not registered waits for the next time.
    DataChange,
    /// Two memberships do not disturb each other.
    Independent,
    /// Dropping a membership deregisters it.
    DropMembership,
    /// The id of a dropped membership can be used again at once, and the end of the old one does not touch the new one.
    ReusedId,
    /// Closing ends what waits for a registration, with an error.
    CloseWhileRegistering,
    /// Losing the source keeps the last good set, marked stale, until the source is back.
    LastGoodSet,
    /// A registration asked for while the source is lost is made when it is back.
    RegisterWhileLost,
}

/// What a backend must be able to do for a law to be tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Have its set changed, by feeding or registering.
    Change,
    Register,
    Outage,
}

impl Law {
    /// All of them.
    pub const ALL: [Law; 16] = [
        Law::FirstSnapshot,
        Law::Sorted,
        Law::Conflation,
        Law::NoRepeats,
        Law::DropWatch,
        Law::Close,
        Law::Observed,
        Law::Idempotent,
        Law::StableId,
        Law::DataChange,
        Law::Independent,
        Law::DropMembership,
        Law::ReusedId,
        Law::CloseWhileRegistering,
        Law::LastGoodSet,
        Law::RegisterWhileLost,
    ];

    fn needs(self) -> &'static [Need] {
        match self {
            Law::FirstSnapshot | Law::Sorted | Law::DropWatch | Law::Close => &[],
            Law::Conflation | Law::NoRepeats => &[Need::Change],
            Law::Observed | Law::Idempotent | Law::StableId | Law::DataChange | Law::Independent => {
                &[Need::Register]
            }
            Law::DropMembership | Law::ReusedId => &[Need::Register],
            Law::LastGoodSet => &[Need::Change, Need::Outage],
            Law::CloseWhileRegistering | Law::RegisterWhileLost => &[Need::Register, Need::Outage],
        }
    }
}

impl Need {
    /// Why a law is skipped, if `backend` cannot do this.
    fn lacking(self, backend: &Backend) -> Option<&'static str> {
        match self {
            Need::Change if backend.feed.is_none() && backend.register.is_none() => {
                Some("its set cannot be changed")
            }
            Need::Register if backend.register.is_none() => Some("it does not register"),
            Need::Outage if backend.outage.is_none() => Some("it cannot lose its source"),
            _ => None,
        }
    }
}

/// Which laws were tried and kept, and which could not be tried.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use = "say which laws must have been kept: a law that was skipped is not an error here"]
pub struct Report {
    /// Tried and kept, in the order of [`Law::ALL`].
    pub kept: Vec<Law>,
    /// Not tried, and why.
    pub skipped: Vec<(Law, &'static str)>,
}

/// Tries every law that the backend can show, on a fresh backend each.
///
/// # Panics
/// If a law is broken, with all that are broken, and what was expected and seen.
///
/// # Cancel safety
/// Nothing is kept between calls; a dropped check leaves the backend of the law under trial to be dropped.
pub async fn check(make: impl AsyncFn() -> Backend) -> Report {
    let mut report = Report::default();
    let mut broken = Vec::new();
    for law in Law::ALL {
        let backend = make().await;
        if let Some(why) = law.needs().iter().find_map(|need| need.lacking(&backend)) {
            report.skipped.push((law, why));
            continue;
        }
        match laws::try_law(law, &backend).await {
            Ok(()) => report.kept.push(law),
            Err(Broken(why)) => broken.push(format!("  {law:?}: {why}")),
        }
    }
    assert!(
        broken.is_empty(),
        "{} of the watch contract broken:\n{}\n{report}",
        broken.len(),
        broken.join("\n")
    );
    report
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kept: {:?}", self.kept)?;
        self.skipped.iter().try_for_each(|(law, why)| write!(f, "\nskipped: {law:?}, since {why}"))
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("discover", &self.discover).finish_non_exhaustive()
    }
}
