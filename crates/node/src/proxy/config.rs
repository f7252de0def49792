//! What the proxy is to do: pools of servers, and which of them serves which key.
//!
//! ```toml
//! [proxy]                               # twins of the flags
//! listen = "127.0.0.1:11211"
//!
//! [pools.east]
//! discover = "file:/etc/peerset/east"   # a discovery URL, or a list of them: their union
//! placement = "twemproxy:hash=md5"
//! timeout = "1s"
//!
//! [pools.west]
//! discover = ["static:10.1.0.1:11211", "static:10.1.0.2:11211"]
//!
//! [routes]                              # not needed where there is one pool
//! prefix = { "session:" = { failover = ["east", "west"], expiry = "10s" }, "tmp:" = { null = true } }
//! default = "east"
//! ```
//!
//! [`pools`] has the settings of a pool, [`routes`] the actions of a route. The order of pools is that of the file.

use peerset_client_memcache::ServerConfig;
use peerset_cluster::{DiscoveryUrl, Item};
use peerset_discover_zookeeper::ZookeeperConfig;
use peerset_placement::{BuildError, Placement, Spec};
use peerset_route::{OwnerDown, PoolId, Route, RouteError, Table, server_of};

pub(crate) mod credentials;
mod pools;
mod routes;
#[cfg(test)]
mod tests;

use crate::cli::config_file::{Report, Section, Value};

/// Pools, at least one, and a route over them that compiles.
#[derive(Debug, Clone)]
pub(crate) struct ProxyConfig {
    /// No name twice.
    pub(crate) pools: Vec<PoolConfig>,
    pub(crate) route: Route,
    /// What is probably not meant, for people.
    pub(crate) warnings: Vec<String>,
}

/// One pool: where its servers are, and how they are treated.
#[derive(Debug, Clone)]
pub(crate) struct PoolConfig {
    pub(crate) name: String,
    /// The servers are the union of what these say; at least one.
    pub(crate) urls: Vec<DiscoveryUrl>,
    /// How the registries of these are asked, and as whom.
    pub(crate) zookeeper: ZookeeperConfig,
    pub(crate) spec: Spec,
    /// What is answered for a key whose owner is down.
    pub(crate) owner_down: OwnerDown,
    /// Whether servers that understand meta commands are sent them.
    pub(crate) meta: bool,
    /// Checked.
    pub(crate) server: ServerConfig,
    /// Another number where a password or a file of TLS is another, which `Debug` does not show.
    pub(crate) secrets: u64,
}

impl PoolConfig {
    /// A pool with nothing but defaults.
    pub(crate) fn new(name: &str, urls: Vec<DiscoveryUrl>) -> PoolConfig {
        PoolConfig {
            name: name.to_owned(),
            urls,
            zookeeper: ZookeeperConfig::default(),
            spec: Spec::default(),
            owner_down: OwnerDown::default(),
            meta: true,
            server: ServerConfig::default(),
            secrets: 0,
        }
    }
}

impl PoolConfig {
    /// Whether servers that the URLs themselves list go with the placement. Who is drained takes no part in it.
    pub(crate) fn check_placement(&self) -> Result<(), BuildError> {
        let mut servers = Vec::new();
        for url in &self.urls {
            let DiscoveryUrl::Static(list) = url else { return Ok(()) };
            let members = list.items.iter().map(Item::member);
            servers.extend(
                members.filter(|member| member.weight.value() > 0.0).map(|member| server_of(&member)),
            );
        }
        Placement::build(&self.spec, &servers).map(drop)
    }
}

impl ProxyConfig {
    /// All keys to one pool, as the flags have it.
    pub(crate) fn single(pool: PoolConfig) -> ProxyConfig {
        let route = Route::shard(&pool.name);
        ProxyConfig { pools: vec![pool], route, warnings: Vec::new() }
    }

    /// The route as a table whose [`PoolId`]s are places in [`pools`](Self::pools).
    pub(crate) fn table(&self) -> Result<Table, RouteError> {
        let names: Vec<&str> = self.pools.iter().map(|pool| pool.name.as_str()).collect();
        Table::compile(&self.route, &names)
    }

    /// Reads the tables `[pools]` and `[routes]`; none if there is neither, or if something is wrong.
    pub(crate) fn read(
        pools: Option<&Value<'_>>,
        routes: Option<&Value<'_>>,
        report: &mut Report,
    ) -> Option<Self> {
        let named = match (pools, routes) {
            (None, None) => return None,
            (None, Some(routes)) => {
                report.mistake(routes.span(), "there are routes and no pools").hint(NO_POOLS);
                return None;
            }
            (Some(pools), _) => Section::of(pools, report)?.entries(),
        };
        if named.is_empty() {
            report.mistake(pools?.span(), "there are no pools").hint(NO_POOLS);
            return None;
        }
        let places: Vec<_> = named.iter().map(|(name, _)| (&**name.get_ref(), name.span())).collect();
        let pools: Vec<_> = named.iter().filter_map(|(name, pool)| pools::read(name, pool, report)).collect();
        let route = routes::read(routes, &places, report)?;
        let config = ProxyConfig { pools, route, warnings: Vec::new() };
        if report.has_mistakes() {
            return None;
        }
        match config.table() {
            Ok(table) => {
                for (at, (name, place)) in (0..).zip(places) {
                    if !table.uses(PoolId(at)) {
                        report
                            .warning(place, format!("no key ever comes to the pool {name}"))
                            .hint("name it in a route, or take it out");
                    }
                }
                Some(config)
            }
            Err(error) => {
                report.mistake(routes.map_or(0..0, toml::Spanned::span), error.to_string());
                None
            }
        }
    }
}

const NO_POOLS: &str = "write [pools.NAME] and below it discover = \"static:HOST:PORT,…\"";
