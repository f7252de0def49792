//! What the keeper of a session tells everybody who uses it.

use std::sync::Arc;

use tokio::sync::watch;
use zookeeper_client::{Client, Error};

/// How the session stands.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    client: Option<Client>,
    /// Counts clients: each resumes or begins a session and then keeps it over any number of connections.
    clients: u64,
    /// Counts connections, so that one that was lost and found again between two looks is noticed.
    ups: u64,
    session: Option<i64>,
    trouble: Option<Arc<str>>,
}

/// A connection that was up when it was taken.
#[derive(Debug, Clone)]
pub(crate) struct Up {
    pub(crate) client: Client,
    pub(crate) session: i64,
    /// Which client of this session's keeper it is; never 0.
    pub(crate) client_number: u64,
    ups: u64,
}

impl Link {
    /// Before the first connection; `trouble` says that it is being made.
    pub(super) fn new(trouble: &str) -> Self {
        Link { client: None, clients: 0, ups: 0, session: None, trouble: Some(trouble.into()) }
    }

    /// The session as it is connected now.
    pub(crate) fn up(&self) -> Option<Up> {
        let (client, session) = (self.client.clone()?, self.session?);
        Some(Up { client, session, client_number: self.clients, ups: self.ups })
    }

    /// Whether `up` is still the same connection.
    pub(crate) fn is(&self, up: &Up) -> bool {
        self.client.is_some() && self.ups == up.ups
    }

    /// Its number, once there was a connection.
    pub(crate) fn session(&self) -> Option<i64> {
        self.session
    }

    /// Why it is down.
    pub(crate) fn trouble(&self) -> Option<Arc<str>> {
        self.trouble.clone()
    }

    /// A client has begun or resumed the session.
    pub(super) fn count_client(&mut self) {
        self.clients += 1;
    }

    pub(super) fn set_up(&mut self, client: &Client) {
        let (session, ups) = (Some(client.session_id().0), self.ups + 1);
        *self = Link { client: Some(client.clone()), clients: self.clients, ups, session, trouble: None };
    }

    /// Drops the client, so that the session can end when everybody has let go.
    pub(super) fn set_down(&mut self, trouble: &str) {
        self.client = None;
        self.trouble = Some(trouble.into());
    }
}

/// Waits for a connection; none if the session's keeper is gone, with its runtime.
///
/// # Cancel safety
/// It only waits.
pub(crate) async fn next_up(links: &mut watch::Receiver<Link>) -> Option<Up> {
    links.wait_for(|link| link.up().is_some()).await.ok()?.up()
}

/// Waits until `up` is no longer the connection.
pub(crate) async fn no_longer(links: &mut watch::Receiver<Link>, up: &Up) {
    // An error means that the keeper is gone, which is as good as lost.
    let _ = links.wait_for(|link| !link.is(up)).await;
}

/// Whether a request failed with its connection or session, rather than by an answer to it. A request often hears of the
/// loss before the keeper has.
pub(crate) fn is_loss(error: &Error) -> bool {
    matches!(
        error,
        Error::ConnectionLoss
            | Error::SessionExpired
            | Error::SessionMoved
            | Error::ClientClosed
            | Error::AuthFailed
            | Error::NoHosts
            | Error::Timeout
            | Error::UnexpectedError(_)
            | Error::Custom(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a lost connection did to a request is no word of the ensemble on the set.
    #[test]
    fn a_loss_is_no_answer() {
        let losses = [
            Error::ConnectionLoss,
            Error::SessionExpired,
            Error::ClientClosed,
            Error::Timeout,
            Error::UnexpectedError("a reply to nothing".into()),
        ];
        assert!(losses.iter().all(is_loss), "{losses:?}");
        let answers = [Error::NoAuth, Error::NoNode, Error::Throttled, Error::MarshallingError];
        assert!(!answers.iter().any(is_loss), "{answers:?}");
    }
}
