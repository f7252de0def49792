//! Whom a client's requests go to.

use std::sync::Arc;

use peerset_cluster::Endpoint;

use crate::Key;
use crate::client::{Failed, Many};
use crate::error::Error;
use crate::operation::{Keys, Operation, Part};
use crate::routes::Routes;
use crate::server::Server;
use crate::shards::Shards;

/// What is behind a client.
#[derive(Debug)]
pub(crate) enum Place {
    Pool(Pool),
    Routes(Routes),
}

/// What a route can lead to.
#[derive(Debug, Clone)]
pub(crate) enum Pool {
    One(Arc<Server>),
    Shards(Arc<Shards>),
}

impl Place {
    #[inline]
    pub(crate) async fn ask<O: Operation>(&self, operation: O) -> Result<O::Answer, Error> {
        match self {
            Place::Pool(Pool::One(server)) => server.answer(operation).await,
            Place::Pool(Pool::Shards(shards)) => shards.ask(operation).await,
            Place::Routes(routes) => routes.ask(operation).await,
        }
    }

    pub(crate) async fn get_many(&self, keys: Keys<'_>) -> Many {
        if keys.keys.is_empty() {
            return Many::default();
        }
        let picks: Vec<usize> = (0..keys.keys.len()).collect();
        let part = match self {
            Place::Pool(pool) => {
                let part = pool.get_many(keys, &picks).await;
                pool.settle(keys, part).await
            }
            Place::Routes(routes) => routes.get_many(keys, picks).await,
        };
        let mut many = Many { found: vec![None; keys.keys.len()], failures: Vec::new() };
        for found in part.found {
            let pick = found.pick as usize;
            many.found[pick] = Some(found.into());
        }
        many.failures.extend(part.failures.into_iter().map(|(keys, error)| Failed { keys, error }));
        many
    }

    /// All servers there are now, those of several pools one after another.
    pub(crate) fn servers(&self) -> Vec<Arc<Server>> {
        match self {
            Place::Pool(pool) => pool.servers(),
            Place::Routes(routes) => routes.pools().iter().flat_map(Pool::servers).collect(),
        }
    }

    pub(crate) fn locate(&self, key: Key<'_>) -> Option<Endpoint> {
        match self {
            Place::Pool(pool) => pool.locate(key),
            Place::Routes(routes) => routes.locate(key),
        }
    }

    /// Waits until every server has been connected to, or is known to be down.
    pub(crate) async fn connect(&self) -> Result<(), Error> {
        match self {
            Place::Pool(pool) => pool.connect().await,
            Place::Routes(routes) => {
                let pools = routes.pools().iter().map(Pool::connect);
                futures_util::future::join_all(pools).await.into_iter().collect()
            }
        }
    }
}

impl Pool {
    /// Asks the owner of the key and nobody else.
    pub(crate) async fn ask_owner<O: Operation>(&self, operation: O) -> Result<O::Answer, Error> {
        match self {
            Pool::One(server) => server.answer(operation).await,
            Pool::Shards(shards) => shards.ask_owner(operation).await,
        }
    }

    /// What is answered if the owner failed and no route leads on.
    pub(crate) async fn without_owner<O: Operation>(
        &self,
        operation: O,
        error: Error,
    ) -> Result<O::Answer, Error> {
        match self {
            Pool::One(_) => Err(error),
            Pool::Shards(shards) => shards.without_owner(operation, error).await,
        }
    }

    /// Asks the owners of the keys and nobody else.
    pub(crate) async fn get_many(&self, keys: Keys<'_>, picks: &[usize]) -> Part {
        match self {
            Pool::One(server) => keys.ask(server, picks).await,
            Pool::Shards(shards) => shards.get_many(keys, picks).await,
        }
    }

    /// What is answered for keys whose owners failed.
    pub(crate) async fn settle(&self, keys: Keys<'_>, part: Part) -> Part {
        match self {
            Pool::One(_) => part,
            Pool::Shards(shards) => shards.settle(keys, part).await,
        }
    }

    pub(crate) fn locate(&self, key: Key<'_>) -> Option<Endpoint> {
        match self {
            Pool::One(server) => Some(server.endpoint().clone()),
            Pool::Shards(shards) => shards.locate(key),
        }
    }

    fn servers(&self) -> Vec<Arc<Server>> {
        match self {
            Pool::One(server) => vec![server.clone()],
            Pool::Shards(shards) => shards.servers(),
        }
    }

    async fn connect(&self) -> Result<(), Error> {
        match self {
            Pool::One(server) => server.connect().await,
            Pool::Shards(shards) => shards.connect().await,
        }
    }
}
