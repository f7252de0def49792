//! Registered while it works: a check every second that puts a member into the set and takes it out.

use std::error::Error;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use peerset_cluster::{BoxFuture, Member, Membership, RegisterError};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

/// A membership that is registered while a check passes: the ping function of go.serversets, for processes that are
/// watched from outside or that know for themselves whether they can serve.
///
/// It checks at once and then at every interval; a check that fails deregisters, one that passes registers, and every
/// transition is logged once. A check that takes longer than its limit has failed; it is dropped, so that checks never
/// pile up. One that panics has failed too, and is called again. Whether the ensemble can be reached has no part in it:
/// the wish is kept, and carried out when it can be.
///
/// **Drop** stops the checks and deregisters in the background; [`close`](Self::close) waits for it.
///
/// ```no_run
/// use peerset_cluster::{DiscoveryUrl, Member, Register};
/// use peerset_discover_zookeeper::{CheckConfig, Checked, Serverset, ServersetConfig, ZookeeperConfig};
/// use tokio::net::TcpStream;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let url: DiscoveryUrl = "serverset://zk1:2181,zk2:2181/prod/cache".parse()?;
/// let set = Serverset::from_url(&url, ZookeeperConfig::default(), ServersetConfig::default())?;
/// let membership = set.create_membership(Member::at("10.0.0.1:11211".parse()?)).await?;
///
/// let ping = || async { TcpStream::connect("127.0.0.1:11211").await.map(drop) };
/// let checked = Checked::start(membership, CheckConfig::default(), ping);
/// // …
/// checked.close().await?;
/// # Ok(()) }
/// ```
pub struct Checked {
    membership: Arc<Membership>,
    health: watch::Receiver<Health>,
    task: JoinHandle<()>,
}

/// How often to check, and how patiently.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckConfig {
    /// From the start of one check to the start of the next; 1 s as in go.serversets.
    pub every: Duration,
    /// How long one check may take. Longer than `every` is allowed; checks never overlap.
    pub limit: Duration,
}

impl Default for CheckConfig {
    fn default() -> Self {
        CheckConfig { every: Duration::from_secs(1), limit: Duration::from_secs(1) }
    }
}

/// What the last check said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Health {
    /// No check has ended yet; not registered.
    #[default]
    Unchecked,
    /// Registered, or on the way.
    Passing,
    /// Not registered, or on the way out.
    Failing {
        /// What the check said.
        reason: String,
    },
}

impl Checked {
    /// Begins to check. `check` is called for every check, and its future dropped if it takes too long.
    ///
    /// # Panics
    /// Outside a tokio runtime; having a membership, one is inside.
    pub fn start<C, F, E>(membership: Membership, config: CheckConfig, check: C) -> Self
    where
        C: FnMut() -> F + Send + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display + 'static,
    {
        let membership = Arc::new(membership);
        let (reports, health) = watch::channel(Health::default());
        let checking = run(membership.clone(), config, check, reports);
        let task = tokio::spawn(checking);
        Checked { membership, health, task }
    }

    /// The member as it is, or would be, registered.
    pub fn member(&self) -> Member {
        self.membership.member()
    }

    /// The membership, to change the member or to see why a registration fails. Registering and deregistering are for
    /// the check to decide.
    pub fn membership(&self) -> &Membership {
        &self.membership
    }

    /// What the last check said; the receiver wakes on transitions.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }

    /// Stops checking, deregisters, and returns once that is observed. A check that is being polled at the moment is
    /// waited for up to its next await.
    ///
    /// # Errors
    /// As for [`Membership::deregister`].
    ///
    /// # Cancel safety
    /// The checks have stopped; the rest goes on in the background.
    pub async fn close(mut self) -> Result<(), RegisterError> {
        self.task.abort();
        // On another thread a check may just be passing, and would register again behind our back.
        let _ = (&mut self.task).await;
        self.membership.deregister().await
    }
}

impl Drop for Checked {
    fn drop(&mut self) {
        // With the task goes the other handle to the membership.
        self.task.abort();
    }
}

async fn run<C, F, E>(
    membership: Arc<Membership>,
    config: CheckConfig,
    mut check: C,
    reports: watch::Sender<Health>,
) where
    C: FnMut() -> F,
    F: Future<Output = Result<(), E>>,
    E: fmt::Display,
{
    let mut ticks = interval_at(Instant::now(), config.every.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Carrying a wish out may take as long as the registry is away, so it is waited for between checks.
    let mut wish: Option<BoxFuture<'_, Result<(), RegisterError>>> = None;
    let mut refused = false;
    loop {
        tokio::select! {
            biased;
            Some(outcome) = async { Some(wish.as_mut()?.await) } => {
                wish = None;
                refused = is_refused(&membership, outcome, refused);
                continue;
            }
            _ = ticks.tick() => {}
        }
        // A panic is the check's own affair, and must not leave the member registered with nobody to look after it.
        let checked = AssertUnwindSafe(async { check().await }).catch_unwind();
        let health = match timeout(config.limit, checked).await {
            Ok(Ok(Ok(()))) => Health::Passing,
            Ok(Ok(Err(error))) => Health::Failing { reason: error.to_string() },
            Ok(Err(_)) => Health::Failing { reason: "the check panicked".into() },
            Err(_) => Health::Failing { reason: format!("no answer within {:?}", config.limit) },
        };
        let passing = health == Health::Passing;
        note(&membership, &reports, health);
        let stands = passing == membership.is_wanted() && !refused;
        wish = match passing {
            _ if stands => wish,
            true => Some(Box::pin(membership.register())),
            false => Some(Box::pin(membership.deregister())),
        };
    }
}

/// Whether the registry refused the wish for good, or does not show the member, so that it must be asked again; logged
/// once.
fn is_refused(membership: &Membership, outcome: Result<(), RegisterError>, before: bool) -> bool {
    let Err(error @ (RegisterError::Refused { .. } | RegisterError::LeftOut { .. })) = outcome else {
        return false;
    };
    if !before {
        let reason = error.source().map(ToString::to_string);
        tracing::error!(member = %membership.id(), %error, reason, "not registered as wished; asking again with every check");
    }
    true
}

/// Keeps what the check said, and logs it if it is another verdict than before.
fn note(membership: &Membership, reports: &watch::Sender<Health>, health: Health) {
    let member = membership.id();
    let transition = std::mem::discriminant(&health) != std::mem::discriminant(&*reports.borrow());
    match &health {
        _ if !transition => {}
        Health::Passing => tracing::info!(%member, "the check passes; registering"),
        Health::Failing { reason } => tracing::warn!(%member, reason, "the check fails; deregistering"),
        Health::Unchecked => {}
    }
    reports.send_if_modified(|kept| {
        *kept = health;
        transition
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use peerset_cluster::{Discover, Limits, MemoryCluster, Register, Snapshot};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    async fn membership(cluster: &MemoryCluster) -> Membership {
        cluster.create_membership(Member::at("a:1".parse().unwrap())).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn the_member_follows_the_check() {
        let cluster = MemoryCluster::new("memory");
        let answer = Arc::new(Mutex::new(Err("down")));
        let says = answer.clone();
        let ping = move || std::future::ready(*says.lock().unwrap());
        let checked = Checked::start(membership(&cluster).await, CheckConfig::default(), ping);
        let (mut watch, mut health) = (cluster.watch(), checked.health());
        let down = Health::Failing { reason: "down".into() };
        assert_eq!(*health.wait_for(|health| *health != Health::Unchecked).await.unwrap(), down);
        assert!(watch.borrow().is_empty());
        for _ in 0..2 {
            *answer.lock().unwrap() = Ok(());
            watch.wait_for(|snapshot| snapshot.len() == 1).await.unwrap();
            *answer.lock().unwrap() = Err("down");
            watch.wait_for(Snapshot::is_empty).await.unwrap();
        }
        *answer.lock().unwrap() = Ok(());
        watch.wait_for(|snapshot| snapshot.len() == 1).await.unwrap();
        checked.close().await.unwrap();
        assert!(cluster.watch().borrow().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_hangs_fails_and_is_dropped() {
        let cluster = MemoryCluster::new("memory");
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        let ping = move || {
            let first = counted.fetch_add(1, Ordering::Relaxed) == 0;
            async move { if first { Ok::<(), &str>(()) } else { std::future::pending().await } }
        };
        let checked = Checked::start(membership(&cluster).await, CheckConfig::default(), ping);
        let mut watch = cluster.watch();
        watch.wait_for(|snapshot| snapshot.len() == 1).await.unwrap();
        watch.wait_for(Snapshot::is_empty).await.unwrap();
        let reason = "no answer within 1s".to_owned();
        assert_eq!(*checked.health().borrow(), Health::Failing { reason });
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_panics_fails_and_is_called_again() {
        let cluster = MemoryCluster::new("memory");
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        let ping = move || {
            let call = counted.fetch_add(1, Ordering::Relaxed);
            assert_ne!(call, 1, "before there is a future");
            async move {
                assert_ne!(call, 3, "in the future");
                Ok::<(), &str>(())
            }
        };
        let checked = Checked::start(membership(&cluster).await, CheckConfig::default(), ping);
        let mut watch = cluster.watch();
        for _ in 0..2 {
            watch.wait_for(|snapshot| snapshot.len() == 1).await.unwrap();
            watch.wait_for(Snapshot::is_empty).await.unwrap();
            assert_eq!(*checked.health().borrow(), Health::Failing { reason: "the check panicked".into() });
        }
        watch.wait_for(|snapshot| snapshot.len() == 1).await.unwrap();
        checked.close().await.unwrap();
        assert!(cluster.watch().borrow().is_empty());
    }

    /// On two threads, at the moment at which a check passes.
    #[test]
    fn nothing_is_registered_behind_the_back_of_close() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
        runtime.unwrap().block_on(async {
            let cluster = MemoryCluster::new("memory");
            let (entering, entered) = std::sync::mpsc::sync_channel(1);
            let (leave, leaving) = std::sync::mpsc::sync_channel(1);
            let ends = Mutex::new((entering, leaving));
            let ping = move || {
                let ends = ends.lock().unwrap();
                ends.0.send(()).unwrap();
                let _ = ends.1.recv(); // blocks its thread, so that the task is being polled when it is aborted
                std::future::ready(Ok::<(), &str>(()))
            };
            let checked = Checked::start(membership(&cluster).await, CheckConfig::default(), ping);
            entered.recv().unwrap();
            let mut close = std::pin::pin!(checked.close());
            assert!((&mut close).now_or_never().is_none(), "the check is under way");
            leave.send(()).unwrap();
            close.await.unwrap();
            assert!(cluster.watch().borrow().is_empty());
        });
    }

    #[tokio::test(start_paused = true)]
    async fn the_wish_outlives_an_outage_and_the_checks_go_on() {
        let cluster = MemoryCluster::new("memory");
        cluster.lose();
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        let ping = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Ok::<(), &str>(()))
        };
        let checked = Checked::start(membership(&cluster).await, CheckConfig::default(), ping);
        tokio::time::sleep(Duration::from_secs(10)).await; // of paused time
        assert!(calls.load(Ordering::Relaxed) >= 10);
        cluster.recover();
        let mut watch = cluster.watch();
        watch.wait_for(|snapshot| snapshot.len() == 1).await.unwrap();
        drop(checked);
        watch.wait_for(Snapshot::is_empty).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_registry_refused_is_asked_for_again() {
        let mut limits = Limits::default();
        limits.members_max = 1;
        let cluster = MemoryCluster::with_limits("memory", limits);
        let other = cluster.create_membership(Member::at("b:1".parse().unwrap())).await.unwrap();
        other.register().await.unwrap();
        let ping = || std::future::ready(Ok::<(), &str>(()));
        let checked = Checked::start(membership(&cluster).await, CheckConfig::default(), ping);
        tokio::time::sleep(Duration::from_secs(3)).await; // of paused time
        assert_eq!(*checked.health().borrow(), Health::Passing);
        assert!(cluster.watch().borrow().get(checked.membership().id()).is_none());
        drop(other);
        let there = |snapshot: &Snapshot| snapshot.get(checked.membership().id()).is_some();
        cluster.watch().wait_for(there).await.unwrap();
    }
}
