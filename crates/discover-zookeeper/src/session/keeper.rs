//! The task that keeps a session: connects, says how it stands, and begins a new one when the old one is over.

use peerset_cluster::Endpoint;
use tokio::sync::watch;
use zookeeper_client::{Client, Error, SessionInfo, SessionState};

use super::Link;
use crate::ZookeeperConfig;
use crate::backoff::Backoff;

/// Keeps a session with `servers` for as long as somebody has a receiver of `links`, then closes it.
pub(super) async fn keep(servers: Vec<Endpoint>, config: ZookeeperConfig, links: watch::Sender<Link>) {
    let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
    let keeper = Keeper { servers: servers.join(","), config, links };
    // Dropping the client closes its session.
    tokio::select! {
        () = keeper.run() => {}
        () = keeper.links.closed() => {}
    }
}

struct Keeper {
    /// As the client wants them: `H1:P1,H2:P2`.
    servers: String,
    config: ZookeeperConfig,
    links: watch::Sender<Link>,
}

impl Keeper {
    async fn run(&self) {
        let mut backoff = Backoff::new(self.config.retry_max);
        let mut session = None;
        loop {
            match self.connect(session.clone()).await {
                Ok(client) => {
                    backoff.reset();
                    session = Some(client.session().clone());
                    self.attend(client).await;
                }
                // Only the ensemble's own word ends a session; its members are gone by then, since closing it was
                // committed before any session that is begun from now on.
                Err(Error::SessionExpired) if session.is_some() => {
                    tracing::warn!(servers = self.servers, "ZooKeeper session expired; beginning a new one");
                    session = None;
                }
                Err(error) => {
                    if error == Error::AuthFailed {
                        session = None;
                    }
                    self.down(&error.to_string());
                    backoff.wait().await;
                }
            }
        }
    }

    /// Tries every server once.
    async fn connect(&self, session: Option<SessionInfo>) -> Result<Client, Error> {
        let mut connector =
            Client::connector().with_session_timeout(self.config.session_timeout).with_fail_eagerly();
        for credentials in &self.config.credentials {
            connector = connector.with_auth(&credentials.scheme, &credentials.secret);
        }
        if let Some(session) = session {
            connector = connector.with_session(session);
        }
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.config.tls {
            return connector.with_tls(tls.options()?).secure_connect(&self.servers).await;
        }
        connector.connect(&self.servers).await
    }

    /// Says how the session stands until the client gives it up: because it is over, or because the client could not
    /// tell for longer than the session would last.
    async fn attend(&self, client: Client) {
        let mut states = client.state_watcher();
        let mut state = client.state();
        loop {
            match state {
                SessionState::SyncConnected | SessionState::ConnectedReadOnly => self.up(&client),
                SessionState::Disconnected => self.down("the connection was lost"),
                SessionState::AuthFailed => return self.down("the credentials were refused"),
                SessionState::Expired | SessionState::Closed => return self.down("the session is in doubt"),
            }
            state = states.changed().await;
        }
    }

    fn up(&self, client: &Client) {
        tracing::debug!(servers = self.servers, session = %client.session_id(), "connected to ZooKeeper");
        self.links.send_modify(|link| {
            if link.trouble().is_some() {
                tracing::info!(servers = self.servers, session = %client.session_id(), "ZooKeeper is back");
            }
            link.set_up(client);
        });
    }

    fn down(&self, why: &str) {
        let trouble = format!("no connection to any of {}: {why}", self.servers);
        self.links.send_if_modified(|link| {
            let was_up = link.up().is_some();
            // Every further attempt that fails changes the reason and is worth no line of its own.
            if was_up || link.trouble().is_none() {
                tracing::warn!(servers = self.servers, why, "no connection to ZooKeeper; trying on");
            }
            link.set_down(&trouble);
            was_up
        });
    }
}
