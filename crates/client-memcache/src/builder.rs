//! Making clients.

use std::sync::Arc;

use peerset_cluster::{Endpoint, Watch};
use peerset_placement::Spec;
use peerset_route::{FleetError, OwnerDown, Route, RouteError, Table};
use tokio::runtime::Handle;

use crate::client::Client;
use crate::config::{ConfigError, ServerConfig};
use crate::place::{Place, Pool};
use crate::routes::Routes;
use crate::server::Server;
use crate::shards::Shards;

/// Why there is no client. Nothing was started.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A setting that makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Called outside a tokio runtime, which is needed to drive connections.
    #[error("there is no tokio runtime here")]
    NoRuntime,
    /// The placement cannot take the members there are.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// A mistake in the route.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// A route over routes: nest the routes in place of their clients.
    #[error("pool {name:?} is itself behind a route")]
    NestedClient {
        /// Which.
        name: String,
    },
}

impl Client {
    /// A client of one server. Connections are made with the first requests.
    ///
    /// # Errors
    /// A setting that makes no sense, or no tokio runtime here.
    pub fn server(endpoint: &Endpoint, config: ServerConfig) -> Result<Client, BuildError> {
        config.check()?;
        let server = Server::new(endpoint, &Arc::new(config), &runtime()?);
        Ok(Client::of(Place::Pool(Pool::One(Arc::new(server)))))
    }

    /// A client of a pool of servers of which each has its share of the keys.
    ///
    /// Members are followed for as long as the source lives. A watch keeps no source alive unless it is
    /// [told to](Watch::keeping); when one ends, that is logged, and the last members stay.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use peerset_client_memcache::{Client, Key};
    /// use peerset_cluster::{Discover, StaticSource};
    ///
    /// let source = StaticSource::parse("10.0.0.1:11211,10.0.0.2:11211")?;
    /// let watch = source.watch().keeping(source); // a source ends with its last handle, which is now the client's
    /// let client = Client::sharded(watch).placement("ketama".parse()?).build()?;
    /// let item = client.get(Key::new("user:42")?).await?;
    /// # Ok(()) }
    /// ```
    pub fn sharded(watch: Watch) -> ShardedBuilder {
        ShardedBuilder {
            watch,
            spec: Spec::default(),
            config: ServerConfig::default(),
            owner_down: OwnerDown::default(),
        }
    }

    /// A client of several pools behind a route: each pool a client by its name in the route.
    ///
    /// ```no_run
    /// # fn example(east: peerset_client_memcache::Client, west: peerset_client_memcache::Client)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// use peerset_client_memcache::Client;
    /// use peerset_route::Route;
    ///
    /// let route = Route::failover([Route::shard("east"), Route::shard("west")]);
    /// let client = Client::routed(&route, [("east", east), ("west", west)])?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// A mistake in the route, or a pool that is itself behind a route.
    pub fn routed<'n>(
        route: &Route,
        pools: impl IntoIterator<Item = (&'n str, Client)>,
    ) -> Result<Client, BuildError> {
        let (names, clients): (Vec<&str>, Vec<Client>) = pools.into_iter().unzip();
        let table = Table::compile(route, &names)?;
        let pools = names.iter().zip(&clients).map(|(name, client)| match &*client.place {
            Place::Pool(pool) => Ok(pool.clone()),
            Place::Routes(_) => Err(BuildError::NestedClient { name: (*name).to_owned() }),
        });
        Ok(Client::of(Place::Routes(Routes::new(table, pools.collect::<Result<_, _>>()?))))
    }
}

/// Settings of a sharded client.
#[derive(Debug)]
#[must_use = "`build` makes the client"]
pub struct ShardedBuilder {
    watch: Watch,
    spec: Spec,
    config: ServerConfig,
    owner_down: OwnerDown,
}

impl ShardedBuilder {
    /// Who owns which key. Clients of other makes find the same items if it is theirs.
    pub fn placement(self, spec: Spec) -> ShardedBuilder {
        ShardedBuilder { spec, ..self }
    }

    /// How each server is treated.
    pub fn config(self, config: ServerConfig) -> ShardedBuilder {
        ShardedBuilder { config, ..self }
    }

    /// What is answered for keys whose owner is down.
    pub fn owner_down(self, owner_down: OwnerDown) -> ShardedBuilder {
        ShardedBuilder { owner_down, ..self }
    }

    /// Makes the client. It follows the watch from now on: when members come, they are connected to before they take
    /// traffic; when they go, requests in flight finish.
    ///
    /// While the source has not answered, or says that there is nobody, requests fail at once with
    /// [`Error::NoServers`](crate::Error::NoServers); [`Client::connect`] waits for the answer.
    ///
    /// # Errors
    /// A setting that makes no sense, a placement that cannot take the members there are now, or no tokio runtime here.
    pub fn build(self) -> Result<Client, BuildError> {
        self.config.check()?;
        let config = Arc::new(self.config);
        let shards = Shards::new(self.watch, self.spec, config, self.owner_down, &runtime()?)?;
        Ok(Client::of(Place::Pool(Pool::Shards(Arc::new(shards)))))
    }
}

fn runtime() -> Result<Handle, BuildError> {
    Handle::try_current().map_err(|_| BuildError::NoRuntime)
}
