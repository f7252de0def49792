//! A member that is kept registered: while its check passes, or always if it has none.

use std::error::Error;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use peerset_cluster::{Membership, RegisterError};
use peerset_discover_zookeeper::Checked;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::RegisterSettings;
use super::check::{Check, Lookup};

/// What keeps it. Dropped, it deregisters in the background.
pub(super) enum Kept {
    Checked(Checked),
    Always(Always),
}

/// A membership that is wanted until the end.
pub(super) struct Always {
    membership: Arc<Membership>,
    task: AbortHandle,
}

impl Kept {
    /// Begins to check, or registers.
    pub(super) fn start(membership: Membership, settings: &RegisterSettings) -> Kept {
        if settings.check == Check::None {
            let membership = Arc::new(membership);
            let registering = register(membership.clone(), settings.rhythm.every);
            return Kept::Always(Always { membership, task: tokio::spawn(registering).abort_handle() });
        }
        let (check, target, lookup) = (settings.check.clone(), settings.target.clone(), Lookup::default());
        let run = move || {
            let (check, target, lookup) = (check.clone(), target.clone(), lookup.clone());
            async move { check.run(&target, &lookup).await }
        };
        Kept::Checked(Checked::start(membership, settings.rhythm.clone(), run))
    }

    /// Whether it is wanted in the registry, which has said nothing against it.
    pub(super) fn is_registering(&self) -> bool {
        let membership = match self {
            Kept::Checked(checked) => checked.membership(),
            Kept::Always(always) => &always.membership,
        };
        membership.is_wanted() && membership.trouble().is_none()
    }

    /// Deregisters, and returns once that is observed.
    pub(super) async fn close(self) -> Result<(), RegisterError> {
        match self {
            Kept::Checked(checked) => checked.close().await,
            Kept::Always(always) => {
                always.task.abort();
                always.membership.deregister().await
            }
        }
    }
}

impl Drop for Always {
    fn drop(&mut self) {
        // With the task goes the other handle to the membership.
        self.task.abort();
    }
}

/// Registers once; the membership itself comes back after lost sessions. A refusal is not the last word, since somebody
/// may grant what was missing.
async fn register(membership: Arc<Membership>, again: Duration) {
    let mut told = false;
    while let Err(error) = membership.register().await {
        if !mem::replace(&mut told, true) {
            let reason = error.source().map(ToString::to_string);
            tracing::error!(member = %membership.id(), %error, reason, "cannot register; still trying");
        }
        sleep(again).await;
    }
}
