//! `peerset register`: puts a server that knows nothing of registries into one, for as long as it works.
//!
//! ```text
//!  check ──passes, fails──► Checked ──wish──► Membership ──► registry
//!    │ every second                                             │
//!    └──► the server                    presence, for the log ◄─┘ Watch
//! ```

pub(crate) mod check;
mod kept;
mod presence;

use std::error::Error;
use std::time::Duration;

use peerset_cluster::{Discover, DiscoveryUrl, Endpoint, Member, Register, State};
use peerset_discover_zookeeper::{CheckConfig, Serverset, ServersetConfig};
use tokio::time::timeout;

use crate::daemon::{self, Stop};
use crate::source::{self, Look};
use check::Check;
use kept::Kept;

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
    pub(crate) look: Look,
    pub(crate) set: ServersetConfig,
}

/// Registers until SIGTERM or SIGINT, then deregisters.
pub(crate) fn run(settings: &RegisterSettings) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let result = register(settings).await;
        daemon::settle().await;
        result
    });
    // Does not wait for a check that was under way.
    runtime.shutdown_background();
    result
}

async fn register(settings: &RegisterSettings) -> anyhow::Result<()> {
    let RegisterSettings { url, member, check, .. } = settings;
    let mut stop = Stop::listen()?;
    let set = source::open_to_register(url, &settings.look, settings.set.clone())?;
    let membership = set.create_membership(member.clone()).await?;
    tracing::info!(member = %member.id, set = %url, %check, "keeping a registration");
    let kept = Kept::start(membership, settings);
    tokio::select! {
        () = stop.signalled() => {}
        () = presence::report(set.watch(), url, &member.id) => {}
    }
    let pending = set.watch().borrow().state() == State::Pending;
    if pending && let Some(trouble) = source::no_connection(url, &settings.look) {
        tracing::info!(member = %member.id, trouble, "ended; it was never registered");
        return Ok(());
    }
    // One that is under way may be there before this process sees it.
    let registered = kept.is_registering() || set.watch().borrow().get(&member.id).is_some();
    tokio::select! {
        biased;
        () = stop.signalled() => tracing::warn!("ended by a second signal before all was deregistered"),
        () = end(kept, &set, settings, registered) => {}
    }
    Ok(())
}

async fn end(kept: Kept, set: &Serverset, settings: &RegisterSettings, registered: bool) {
    let member = &settings.member.id;
    match timeout(CLOSE_LIMIT, kept.close()).await {
        Ok(Ok(())) if registered => tracing::info!(%member, "deregistered; ended"),
        Ok(Ok(())) => tracing::info!(%member, "ended; it was not registered"),
        Ok(Err(error)) => tracing::warn!(%member, error = &error as &dyn Error, "ended; not deregistered"),
        Err(_) => tracing::warn!(
            %member,
            trouble = source::trouble(set),
            "ended; the registry has not confirmed it: if the member is there, it goes when the session times out"
        ),
    }
}
