//! What is to be done with a key, in words.

use std::time::Duration;

mod explain;

/// Which pools serve which keys, and what if they cannot. Routes nest at will, within the limits of
/// [`Table::compile`](crate::Table::compile).
///
/// Every route asks one server at a time and gives one answer. One that asks several at once, such as a mirror, would be
/// a variant here, a node in the table, and a step with several targets.
///
/// ```
/// use peerset_route::Route;
///
/// let route = Route::prefix([("tmp:", Route::Null)], Route::failover([Route::shard("a"), Route::shard("b")]));
/// assert_eq!(route.to_string(), "prefix(tmp: -> null, else -> failover(shard a, shard b for 10s on error))");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Route {
    /// The server of this pool that owns the key.
    Shard(String),
    /// One after the other until an answer is good enough.
    Failover(Failover),
    /// A route for each prefix of keys.
    Prefix(Prefixes),
    /// Nobody: the answer of an empty server that stores nothing ([`Operation::absent`](crate::Operation::absent)).
    Null,
    /// Nobody: `SERVER_ERROR` and this text.
    Error(String),
}

/// The parts of [`Route::Failover`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Failover {
    /// Whom to ask, in order; at least one.
    pub routes: Vec<Route>,
    /// When to ask the next one.
    pub on: On,
    /// The longest that what is stored on any but the first may live; none for as long as it likes. Short, because a
    /// stand-in hears of no change once the first is back, and answers with what it has when that goes away again.
    pub expiry: Option<Duration>,
}

/// When a failover goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum On {
    /// After a failure.
    #[default]
    Error,
    /// After a failure, and for reads after a miss too: where the first may be cold and the second warm.
    Miss,
}

/// The parts of [`Route::Prefix`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Prefixes {
    /// Prefixes of keys, none of them empty or twice; of those that match a key the longest counts, in whatever order they
    /// stand. The prefix stays part of the key.
    pub routes: Vec<(Vec<u8>, Route)>,
    /// For keys with none of these prefixes.
    pub default: Box<Route>,
}

/// How long what lands on a stand-in lives unless told otherwise.
pub const EXPIRY_DEFAULT: Duration = Duration::from_secs(10);

impl Default for Failover {
    /// Nobody, on error, for [`EXPIRY_DEFAULT`].
    fn default() -> Failover {
        Failover { routes: Vec::new(), on: On::Error, expiry: Some(EXPIRY_DEFAULT) }
    }
}

impl Route {
    /// The server of this pool that owns the key.
    pub fn shard(pool: impl Into<String>) -> Route {
        Route::Shard(pool.into())
    }

    /// One after the other on error, with the default expiry.
    pub fn failover(routes: impl IntoIterator<Item = Route>) -> Route {
        Route::Failover(Failover { routes: routes.into_iter().collect(), ..Failover::default() })
    }

    /// A route for each prefix, and one for all other keys.
    pub fn prefix<P: Into<Vec<u8>>>(routes: impl IntoIterator<Item = (P, Route)>, default: Route) -> Route {
        let routes = routes.into_iter().map(|(prefix, route)| (prefix.into(), route)).collect();
        Route::Prefix(Prefixes { routes, default: Box::new(default) })
    }

    /// The routes directly inside this one.
    pub fn parts(&self) -> impl Iterator<Item = &Route> {
        let (listed, prefixes): (&[Route], _) = match self {
            Route::Failover(failover) => (&failover.routes, None),
            Route::Prefix(prefixes) => (&[], Some(prefixes)),
            Route::Shard(_) | Route::Null | Route::Error(_) => (&[], None),
        };
        let prefixed = prefixes
            .into_iter()
            .flat_map(|prefixes| prefixes.routes.iter().map(|(_, route)| route).chain([&*prefixes.default]));
        listed.iter().chain(prefixed)
    }
}
