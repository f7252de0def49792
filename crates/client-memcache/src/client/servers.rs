//! The servers behind a client, one by one.

use std::sync::Arc;

use futures_util::future::join_all;
use peerset_cluster::Endpoint;

use super::Client;
use crate::Key;
use crate::counters::Counters;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::lane::{Answer, Status};
use crate::operation::{Flush, FlushAll, Stats, Version};
use crate::server::{Server, unexpected};

/// One of a client's servers, as it was when [`Client::servers`] was called; it stays connected while this is kept.
#[derive(Clone, Debug)]
pub struct ServerView(Arc<Server>);

impl Client {
    /// All servers there are now.
    pub fn servers(&self) -> Vec<ServerView> {
        self.place.servers().into_iter().map(ServerView).collect()
    }

    /// Where the key's owner listens; none if there is no server, or the route leads nowhere.
    pub fn locate(&self, key: Key<'_>) -> Option<Endpoint> {
        self.place.locate(key)
    }

    /// Connects to all servers. Not needed, since the first request does; good before taking traffic.
    ///
    /// # Errors
    /// The first server that is down; the others are connected all the same.
    ///
    /// # Cancel safety
    /// Connecting goes on.
    pub async fn connect(&self) -> Result<(), Error> {
        match self.deadline {
            None => self.place.connect().await,
            Some(limit) => Deadline::after(limit).bound(self.place.connect()).await,
        }
    }

    /// Forgets all items of all servers, at once or later; each server with what came of it.
    pub async fn flush_all(&self, when: Flush) -> Vec<(Endpoint, Result<(), Error>)> {
        self.each(|server| async move { server.flush_all(when).await }).await
    }

    /// The statistics of all servers, of one kind (`items`, `slabs`, `settings` …, a single word) or the general ones.
    pub async fn stats(&self, of: Option<Key<'_>>) -> Vec<(Endpoint, Result<Vec<(String, String)>, Error>)> {
        self.each(|server| async move { server.stats(of).await }).await
    }

    /// The versions of all servers.
    pub async fn version(&self) -> Vec<(Endpoint, Result<String, Error>)> {
        self.each(|server| async move { server.version().await }).await
    }

    /// Asks all servers at once.
    async fn each<T, F: Future<Output = Result<T, Error>>>(
        &self,
        ask: impl Fn(ServerView) -> F,
    ) -> Vec<(Endpoint, Result<T, Error>)> {
        let ask = &ask;
        let asked = self.servers().into_iter().map(|server| async move {
            let endpoint = server.endpoint().clone();
            let answer = match self.deadline {
                None => ask(server).await,
                Some(limit) => Deadline::after(limit).bound(ask(server)).await,
            };
            (endpoint, answer)
        });
        join_all(asked).await
    }
}

impl ServerView {
    /// Where it listens.
    pub fn endpoint(&self) -> &Endpoint {
        self.0.endpoint()
    }

    /// Whether it is ejected: not asked until a probe succeeds.
    pub fn is_down(&self) -> bool {
        self.0.is_down()
    }

    /// How many requests wait for a reply or a connection.
    pub fn waiting(&self) -> usize {
        self.0.waiting()
    }

    /// What happened with it so far.
    pub fn counters(&self) -> Counters {
        self.0.counters()
    }

    /// Its version.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn version(&self) -> Result<String, Error> {
        match self.0.ask(Version).await? {
            Answer::Version(version) => Ok(version),
            other => Err(unexpected(&self.0, other)),
        }
    }

    /// Its statistics, of one kind or the general ones, in its order. `reset` gives none.
    ///
    /// # Errors
    /// As [`Client::get`]; and [`Error::Key`] if the kind is a [binary key](Key::binary), which is no word.
    pub async fn stats(&self, of: Option<Key<'_>>) -> Result<Vec<(String, String)>, Error> {
        match self.0.ask(Stats { of }).await? {
            Answer::Stats(stats) => Ok(stats),
            Answer::Status(Status::Done) => Ok(Vec::new()),
            other => Err(unexpected(&self.0, other)),
        }
    }

    /// Forgets all its items, at once or later.
    ///
    /// # Errors
    /// As [`Client::set`].
    pub async fn flush_all(&self, when: Flush) -> Result<(), Error> {
        match self.0.ask(FlushAll { when }).await? {
            Answer::Status(Status::Done) => Ok(()),
            other => Err(unexpected(&self.0, other)),
        }
    }
}
