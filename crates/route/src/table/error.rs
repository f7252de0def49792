//! Why a route cannot be compiled.

use super::Table;

/// A mistake in a route. All are whoever's wrote it to mend; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouteError {
    /// A route to a pool that is not there.
    #[error("no pool {pool:?}; there {}", known(pools))]
    NoPool {
        /// What the route asks for.
        pool: String,
        /// What there is.
        pools: Vec<String>,
    },
    /// Two pools of one name.
    #[error("there are two pools {pool:?}")]
    DuplicatePool {
        /// Their name.
        pool: String,
    },
    /// A failover without routes.
    #[error("a failover needs at least one route")]
    NobodyToAsk,
    /// A prefix without a byte, which every key has.
    #[error("a prefix is empty: the route for all other keys is the default")]
    EmptyPrefix,
    /// A prefix that no key can have.
    #[error("the prefix {prefix:?} is longer than the longest key, {} bytes", KEY_BYTES_MAX)]
    LongPrefix {
        /// Which.
        prefix: String,
    },
    /// Two routes for one prefix.
    #[error("two routes for the prefix {prefix:?}")]
    DuplicatePrefix {
        /// Which.
        prefix: String,
    },
    /// Routes within routes, too far down.
    #[error("routes are nested more than {} deep", Table::DEPTH_MAX)]
    TooDeep,
    /// Too many routes.
    #[error("there are more than {} routes", Table::ROUTES_MAX)]
    TooMany,
    /// Too many combinations of prefixes and failovers, each of which is a node.
    #[error("prefixes and failovers have more than 65,536 combinations: nest them less, or fewer")]
    TooManyNodes,
    /// More pools than can be numbered.
    #[error("there are more than 65,536 pools")]
    TooManyPools,
}

/// The longest key of the protocol.
pub(super) const KEY_BYTES_MAX: usize = 250;

fn known(pools: &[String]) -> String {
    match pools {
        [] => "are none".to_owned(),
        [one] => format!("is {one}"),
        many => format!("are {}", many.join(", ")),
    }
}
