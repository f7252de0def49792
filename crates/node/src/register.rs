//! `peerset register`: puts a server that knows nothing of registries into one, for as long as it works.
//!
//! ```text
//!  check ──passes, fails──► Checked ──wish──► Membership ──► registry
//!    │ every second                                             │
//!    └──► the server                    presence, for the log ◄─┘ Watch
//! ```

pub(crate) mod check;
mod presence;

use std::time::Duration;

use peerset_cluster::{
    Discover, DiscoveryUrl, Endpoint, Member, Membership, Register, RegisterError, SourceName, State, Watch,
};
use peerset_discover_zookeeper::{CheckConfig, Checked, Health, ServersetConfig, ZookeeperConfig};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::field::debug;

use crate::daemon::Stop;
use crate::source;
use check::Check;

/// How long a refused registration waits: whoever has to allow it is a person.
const REFUSED_PAUSE: Duration = Duration::from_secs(10);

/// How long the end waits for a registry that does not answer; what is left there goes with the session.
const CLOSE_LIMIT: Duration = Duration::from_secs(3);

/// Whom to register, where, and while what.
#[derive(Debug, Clone)]
pub(crate) struct RegisterSettings {
    pub(crate) url: DiscoveryUrl,
    pub(crate) member: Member,
    pub(crate) check: Check,
    /// Where the check looks.
    pub(crate) target: Endpoint,
    pub(crate) rhythm: CheckConfig,
    pub(crate) session: ZookeeperConfig,
    pub(crate) set: ServersetConfig,
}

/// A membership, and what decides over it.
enum Registration {
    Always(Membership),
    WhileHealthy(Checked),
}

/// Registers until SIGTERM or SIGINT, then deregisters.
pub(crate) fn run(settings: &RegisterSettings) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(register(settings));
    // Does not wait for a check that was under way.
    runtime.shutdown_background();
    result
}

async fn register(settings: &RegisterSettings) -> anyhow::Result<()> {
    let mut stop = Stop::listen()?;
    let set = source::open_to_register(&settings.url, settings.session.clone(), settings.set.clone())?;
    let membership = set.create_membership(settings.member.clone()).await?;
    let (check, every) = (&settings.check, (settings.check != Check::None).then_some(settings.rhythm.every));
    tracing::info!(member = %membership.id(), set = %settings.url, %check, every = every.map(debug), "keeping a registration");
    let registration = Registration::start(membership, settings);
    let (member, health) = (registration.membership(), registration.health());
    tokio::select! {
        () = stop.signalled() => {}
        closed = insist(member, health) => closed?,
        () = presence::report(set.watch(), member.id()) => {}
    }
    let (source, shown) = (set.source(), set.watch());
    tokio::select! {
        biased;
        () = stop.signalled() => tracing::warn!(%source, "ended by a second signal before all was deregistered"),
        () = registration.end(&source, &shown) => {}
    }
    Ok(())
}

impl Registration {
    fn start(membership: Membership, settings: &RegisterSettings) -> Registration {
        if settings.check == Check::None {
            return Registration::Always(membership);
        }
        let (check, target) = (settings.check.clone(), settings.target.clone());
        let run = move || {
            let (check, target) = (check.clone(), target.clone());
            async move { check.run(&target).await }
        };
        Registration::WhileHealthy(Checked::start(membership, settings.rhythm.clone(), run))
    }

    fn membership(&self) -> &Membership {
        match self {
            Registration::Always(membership) => membership,
            Registration::WhileHealthy(checked) => checked.membership(),
        }
    }

    /// What decides whether it is to be registered: without a check that it is.
    fn health(&self) -> watch::Receiver<Health> {
        match self {
            Registration::Always(_) => watch::channel(Health::Passing).1,
            Registration::WhileHealthy(checked) => checked.health(),
        }
    }

    /// Deregisters, if the registry can be reached at all.
    async fn end(self, source: &SourceName, shown: &Watch) {
        if shown.borrow().state() == State::Pending {
            tracing::info!(%source, "ended; the registry was never reached");
            return;
        }
        let member = self.membership().id().clone();
        let deregistered = timeout(CLOSE_LIMIT, async {
            match self {
                Registration::Always(membership) => membership.deregister().await,
                Registration::WhileHealthy(checked) => checked.close().await,
            }
        });
        match deregistered.await {
            Ok(Ok(())) => tracing::info!(%member, "deregistered; ended"),
            Ok(Err(error)) => {
                tracing::warn!(%member, error = &error as &dyn std::error::Error, "not deregistered")
            }
            Err(_) => tracing::warn!(
                %member, %source,
                "the registry does not answer; if the member is there, it goes when the session times out"
            ),
        }
    }
}

/// Registers whenever that is to be, and again after a refusal. Ends when the source is closed.
///
/// A [`Checked`] makes the same wish at the same moment, since on this one thread nothing happens between its verdict
/// and our look at it; asking again is what a refusal needs, and what tells of it.
async fn insist(membership: &Membership, mut health: watch::Receiver<Health>) -> Result<(), RegisterError> {
    loop {
        let wanted = health.wait_for(|health| *health == Health::Passing).await.is_ok();
        if !wanted {
            return std::future::pending().await;
        }
        match membership.register().await {
            Ok(()) | Err(RegisterError::Superseded { .. }) => {
                if health.changed().await.is_err() {
                    return std::future::pending().await;
                }
            }
            Err(error @ RegisterError::Closed(_)) => return Err(error),
            Err(error) => {
                // The driver has logged why.
                tracing::debug!(error = &error as &dyn std::error::Error, "asking again later");
                sleep(REFUSED_PAUSE).await;
            }
        }
    }
}
