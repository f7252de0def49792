//! The task that keeps a session: connects, says how it stands, and begins a new one when the old one is over.

use std::time::Duration;

use peerset_cluster::Endpoint;
use tokio::sync::watch;
use zookeeper_client::{Client, Error, SessionInfo, SessionState};

use super::Link;
use super::diagnosis::{PATIENCE, diagnose};
use crate::ZookeeperConfig;
use crate::backoff::Backoff;

/// The longest that a server may be silent before another is tried. Of a shorter session, the client library's two
/// fifths.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// How a session with `servers` stands before anything was heard of them.
pub(super) fn connecting(servers: &[Endpoint]) -> Link {
    Link::new(&format!("no connection yet; trying {}", list(servers)))
}

/// Keeps a session with `servers` for as long as somebody has a receiver of `links`, then closes it.
pub(super) async fn keep(servers: Vec<Endpoint>, config: ZookeeperConfig, links: watch::Sender<Link>) {
    let mut keeper = Keeper { hosts: list(&servers), servers, config, links: &links, is_down: false };
    // Dropping the client closes its session.
    tokio::select! {
        () = keeper.run() => {}
        () = links.closed() => {}
    }
}

struct Keeper<'l> {
    servers: Vec<Endpoint>,
    /// As the client wants them: `H1:P1,H2:P2`.
    hosts: String,
    config: ZookeeperConfig,
    links: &'l watch::Sender<Link>,
    /// Whether the log says at the moment that there is no connection.
    is_down: bool,
}

impl Keeper<'_> {
    async fn run(&mut self) {
        // What the servers granted, once they have: they may cut what was asked for.
        let mut session_timeout = self.config.session_timeout;
        let mut backoff = Backoff::new(self.config.longest_wait(session_timeout));
        let mut session = None;
        loop {
            match self.connect(session.clone(), session_timeout).await {
                Ok(client) => {
                    session = Some(client.session().clone());
                    session_timeout = client.session_timeout();
                    backoff = Backoff::new(self.config.longest_wait(session_timeout));
                    self.links.send_modify(Link::count_client);
                    self.attend(client).await;
                }
                // Only the ensemble's own word ends a session; its members are gone by then, since closing it was
                // committed before any session that is begun from now on.
                Err(Error::SessionExpired) if session.is_some() => {
                    tracing::warn!(
                        servers = self.hosts,
                        "the ZooKeeper session expired; beginning a new one"
                    );
                    session = None;
                }
                Err(error) => {
                    if error == Error::AuthFailed {
                        session = None;
                    }
                    let pause = backoff.wait();
                    // Finding the reason out may hold the next attempt up no longer than a pause would.
                    let why = self.explain(&error, PATIENCE.min(backoff.max())).await;
                    self.down(&why);
                    pause.await;
                }
            }
        }
    }

    /// Tries every server once.
    async fn connect(
        &self,
        session: Option<SessionInfo>,
        session_timeout: Duration,
    ) -> Result<Client, Error> {
        let mut connector = Client::connector()
            .with_session_timeout(self.config.session_timeout)
            .with_connection_timeout((session_timeout * 2 / 5).min(SILENCE_MAX))
            .with_fail_eagerly();
        for credentials in &self.config.credentials {
            connector = connector.with_auth(&credentials.scheme, &credentials.secret);
        }
        if let Some(session) = session {
            connector = connector.with_session(session);
        }
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.config.tls {
            return connector.with_tls(tls.options()?).secure_connect(&self.hosts).await;
        }
        connector.connect(&self.hosts).await
    }

    /// Says how the session stands until the client gives it up: because it is over, or because the client could not
    /// tell for longer than the session would last.
    async fn attend(&mut self, client: Client) {
        let mut states = client.state_watcher();
        let mut state = client.state();
        loop {
            match state {
                SessionState::SyncConnected | SessionState::ConnectedReadOnly => self.up(&client),
                SessionState::Disconnected => self.down("the connection was lost"),
                SessionState::AuthFailed => return self.down(&self.refusal()),
                SessionState::Expired | SessionState::Closed => return self.down("the session is in doubt"),
            }
            state = states.changed().await;
        }
    }

    /// Why there is no connection, in words for people, found out with so much patience.
    async fn explain(&self, error: &Error, patience: Duration) -> String {
        match error {
            Error::NoHosts | Error::Timeout => diagnose(&self.servers, &self.config, patience).await,
            Error::AuthFailed => self.refusal(),
            error => error.to_string(),
        }
    }

    fn refusal(&self) -> String {
        if self.config.credentials.is_empty() {
            return "authentication failed: the ensemble wants credentials, and none are given".into();
        }
        let schemes: Vec<_> = self.config.credentials.iter().map(|one| one.scheme.as_str()).collect();
        let schemes = schemes.join(" or ");
        format!(
            "authentication failed: the ensemble does not know the scheme {schemes}, or refuses what came with it"
        )
    }

    fn up(&mut self, client: &Client) {
        let (servers, session) = (&self.hosts, client.session_id());
        match std::mem::take(&mut self.is_down) {
            true => tracing::info!(servers, %session, "ZooKeeper is back"),
            false => tracing::debug!(servers, %session, "connected to ZooKeeper"),
        }
        self.links.send_modify(|link| link.set_up(client));
    }

    fn down(&mut self, why: &str) {
        // Every further attempt that fails changes the reason and is worth no line of its own.
        if !std::mem::replace(&mut self.is_down, true) {
            tracing::warn!(servers = self.hosts, why, "no connection to ZooKeeper; still trying");
        }
        let trouble = format!("no connection to any of {}: {why}", self.hosts);
        self.links.send_if_modified(|link| {
            let was_up = link.up().is_some();
            link.set_down(&trouble);
            was_up
        });
    }
}

fn list(servers: &[Endpoint]) -> String {
    servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Credentials;

    #[test]
    fn a_refusal_says_what_was_refused() {
        fn check(credentials: Vec<Credentials>, expected: &str) {
            let config = ZookeeperConfig { credentials, ..ZookeeperConfig::default() };
            let links = watch::Sender::new(connecting(&[]));
            let keeper =
                Keeper { servers: Vec::new(), hosts: String::new(), config, links: &links, is_down: false };
            assert_eq!(keeper.refusal(), format!("authentication failed: the ensemble {expected}"));
        }
        check(Vec::new(), "wants credentials, and none are given");
        let two = vec![Credentials::digest("user", "secret"), Credentials::new("ip", "")];
        check(two, "does not know the scheme digest or ip, or refuses what came with it");
    }
}
