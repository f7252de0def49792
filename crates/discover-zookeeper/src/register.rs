//! The task that sees to one registration, for as long as its membership lives.

use std::time::Duration;

use peerset_cluster::{DriverError, Intent, MemberId, Wish};
use tokio::sync::watch;

use crate::backoff::Backoff;
use crate::follow::Turn;
use crate::session::{Link, next_up};
use crate::{Access, ServersetPath, ZookeeperConfig};

mod error;
mod znode;

pub use error::RegistrationError;
use znode::Znode;

/// Makes the ensemble agree with what the holder of a membership wants, again after every lost session.
pub(crate) struct Registrar {
    /// The longest wait between two attempts.
    retry_max: Duration,
    links: watch::Receiver<Link>,
    znode: Znode,
}

/// What has come of a wish.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It was never carried out, and whoever waits for it hears of a refusal.
    Open,
    Done,
    /// It was carried out once, was lost, and is refused now, as by a changed ACL. It is tried again.
    RefusedSince,
}

/// The shortest wait before a registration that is refused again is tried again: somebody has to change something first.
const REFUSED_MIN: Duration = Duration::from_secs(1);

/// Why an agreement has to be looked at again.
enum Event {
    Wish(Wish),
    /// The znode or its session is gone.
    Lost,
    /// The session goes on over another connection, which watches nothing yet.
    Reconnected,
}

impl Registrar {
    pub(crate) fn new(
        id: MemberId,
        config: &ZookeeperConfig,
        access: Access,
        path: ServersetPath,
        links: watch::Receiver<Link>,
    ) -> Self {
        let znode = Znode::new(id, path, access, config.member_bytes_max);
        Registrar { retry_max: config.longest_wait(config.session_timeout), links, znode }
    }

    /// Carries out wishes until the last one, or until the set is closed, and then takes the znode away.
    pub(crate) async fn run(mut self, intent: Intent, turn: Turn, mut closing: watch::Receiver<bool>) {
        let turn = tokio::select! {
            turn = turn.come() => turn,
            () = closed(&mut closing) => return,
        };
        tokio::select! {
            biased;
            // The intent ends here too, which tells who waits that the source is closed.
            () = closed(&mut closing) => {}
            () = self.carry_out(intent) => {}
        }
        self.leave().await;
        drop(turn);
    }

    /// Returns when the holder is gone.
    async fn carry_out(&mut self, mut intent: Intent) {
        let mut backoff = Backoff::new(self.retry_max);
        let mut wish = intent.next().await;
        let mut outcome = Outcome::Open;
        loop {
            if wish == Wish::Dropped {
                return;
            }
            let agreed = tokio::select! {
                biased;
                newer = intent.next() => {
                    (wish, outcome) = (newer, Outcome::Open);
                    continue;
                }
                agreed = self.agree(&wish) => agreed,
            };
            match agreed {
                Ok(()) => {
                    backoff.reset();
                    outcome = Outcome::Done;
                    intent.done();
                }
                Err(error) if error.is_final() => {
                    if outcome == Outcome::Done {
                        // Nobody waits for it who would be told.
                        tracing::error!(member = %intent.id(), %error, "ZooKeeper refused to register the member again; still trying");
                        outcome = Outcome::RefusedSince;
                    } else {
                        tracing::debug!(member = %intent.id(), %error, "a registration was refused");
                    }
                    intent.refuse(DriverError::new(error));
                    tokio::select! {
                        newer = intent.next() => (wish, outcome) = (newer, Outcome::Open),
                        () = backoff.wait_at_least(REFUSED_MIN), if outcome != Outcome::Open => {}
                    }
                    continue;
                }
                Err(error) => {
                    tracing::debug!(member = %intent.id(), %error, "a registration failed; trying again");
                    intent.failing(DriverError::new(error));
                    tokio::select! {
                        newer = intent.next() => (wish, outcome) = (newer, Outcome::Open),
                        () = backoff.wait() => {}
                    }
                    continue;
                }
            }
            let event = tokio::select! {
                biased;
                newer = intent.next() => Event::Wish(newer),
                event = self.lost() => event,
            };
            match event {
                Event::Wish(newer) => (wish, outcome) = (newer, Outcome::Open),
                Event::Lost => {
                    tracing::warn!(member = %intent.id(), "a registration was lost; registering again");
                }
                Event::Reconnected => {}
            }
        }
    }

    /// Makes the znode as wished, once there is a connection.
    ///
    /// # Cancel safety
    /// What was under way is in doubt then, and the next attempt looks before it writes.
    async fn agree(&mut self, wish: &Wish) -> Result<(), RegistrationError> {
        if self.znode.is_none() && !matches!(wish, Wish::Registered(_)) {
            return Ok(());
        }
        let Some(up) = next_up(&mut self.links).await else { return std::future::pending().await };
        match wish {
            Wish::Registered(member) => self.znode.put(&up, member).await,
            Wish::Deregistered | Wish::Dropped => self.znode.take_away(&up).await,
        }
    }

    /// Returns when what was agreed may no longer be so; never if there is nothing to lose.
    async fn lost(&mut self) -> Event {
        let Some(before) = self.znode.up().cloned() else { return std::future::pending().await };
        let mut links = self.links.clone();
        let another = async {
            let link = links.wait_for(|link| link.up().is_some() && !link.is(&before)).await;
            // An error is the end of the session's keeper, with its runtime.
            link.is_ok_and(|link| link.session() == Some(before.session))
        };
        tokio::select! {
            same_session = another => if same_session { Event::Reconnected } else { Event::Lost },
            () = self.znode.gone() => Event::Lost,
        }
    }

    /// Takes the znode away, however long that takes, unless that is refused: then the end of the session does it, which
    /// more attempts would only put off.
    async fn leave(&mut self) {
        let mut backoff = Backoff::new(self.retry_max);
        while let Err(error) = self.agree(&Wish::Deregistered).await {
            if error.is_final() {
                tracing::warn!(%error, "ZooKeeper refused to delete the member; it goes with its session");
                return;
            }
            backoff.wait().await;
        }
    }
}

/// Returns when the set is closed or its last handle gone.
async fn closed(closing: &mut watch::Receiver<bool>) {
    let _ = closing.wait_for(|closing| *closing).await;
}
