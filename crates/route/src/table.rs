//! A route compiled to numbered nodes, which whoever carries requests steps through.
//!
//! What happens after each outcome is settled while compiling: a node knows which node follows a failure and which a
//! miss, so that between two steps a request is a number. Where a failover within a failover could have seen a miss or
//! not, and that changes how it goes on, there is a node for each case.

use std::time::Duration;

mod compile;
mod error;
mod prefixes;
#[cfg(test)]
mod tests;

pub use error::RouteError;

use crate::{Operation, Outcome, Route};
use prefixes::PrefixTable;

/// A compiled [`Route`]. Immutable and without reference to its pools but their numbers.
///
/// - **Use**: ask as [`first`](Self::first) says; tell [`next`](Self::next) the [`Outcome`] and ask as it says, until it
///   says nothing more. The answer is then the best there was, by [`Outcome::beats`].
/// - **Cost**: a step is an index into an array; with prefixes a binary search over them before it. Nothing is allocated.
/// - **Size**: 32 bytes for each route that asks, as many again for each prefix, and the prefixes' bytes.
#[derive(Debug, Clone)]
pub struct Table {
    nodes: Box<[Node]>,
    start: NodeId,
    choices: Box<[PrefixTable]>,
    texts: Box<[String]>,
    labels: Box<[String]>,
    pools: Box<[String]>,
    used: Box<[bool]>,
    route: Route,
}

/// A place in a [`Table`], meaningless in another one: keep the table with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeId(u16);

impl NodeId {
    /// Its number among the nodes of its table.
    #[inline]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A pool by its place in the list that the table was compiled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolId(pub u16);

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'t> {
    /// Where this is: give it to [`Table::next`].
    pub at: NodeId,
    /// Whom to ask.
    pub ask: Ask<'t>,
    /// The longest that what is stored there may live ([`shorten`](crate::shorten)); none for as long as it likes.
    pub expiry: Option<Duration>,
    /// Whether some outcome leads on, so that the request has to be kept until the answer is there.
    pub retries: bool,
}

/// Whom to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask<'t> {
    /// The server of this pool that owns the key.
    Pool(PoolId),
    /// Nobody: answer as an empty server that stores nothing ([`Operation::absent`]).
    Absent,
    /// Nobody: answer `SERVER_ERROR` and this text.
    Error(&'t str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Ask {
        target: Target,
        then: Then,
        expiry: Option<Duration>,
    },
    /// Which of the tables of prefixes says how it goes on.
    Choose(u16),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Pool(PoolId),
    Absent,
    /// Which of the texts.
    Error(u16),
}

/// Where it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Then {
    failed: Option<NodeId>,
    miss: Option<NodeId>,
}

impl Table {
    /// The deepest nesting of routes.
    pub const DEPTH_MAX: usize = 16;
    /// The most routes, nested ones counted.
    pub const ROUTES_MAX: usize = 10_000;

    /// Compiles a route over pools of these names. The order gives them their [`PoolId`]s.
    ///
    /// # Errors
    /// The first mistake in the route: a pool that is not in the list, a failover between nobody, a prefix that is empty,
    /// repeated or longer than any key, or more nesting, routes or combinations than there may be.
    pub fn compile(route: &Route, pools: &[impl AsRef<str>]) -> Result<Table, RouteError> {
        compile::compile(route, pools.iter().map(|pool| pool.as_ref().to_owned()).collect())
    }

    /// Whom to ask first.
    #[inline]
    pub fn first(&self, operation: Operation, key: &[u8]) -> Step<'_> {
        self.step(self.start, operation, key)
    }

    /// Whom to ask after the one at `at`; none if its answer was good enough or nobody is left.
    ///
    /// A step of another table has no meaning here: it gives none, or one that is as good as any.
    #[inline]
    pub fn next(&self, at: NodeId, operation: Operation, key: &[u8], outcome: Outcome) -> Option<Step<'_>> {
        if !outcome.may_lead_on(operation) {
            return None;
        }
        let then = self.then(at);
        let next = match outcome {
            Outcome::Failed => then.failed?,
            Outcome::Miss => then.miss?,
            Outcome::Done => return None,
        };
        Some(self.step(next, operation, key))
    }

    /// Whether some outcome leads on from there ([`Step::retries`]).
    #[inline]
    pub fn can_continue(&self, at: NodeId, operation: Operation) -> bool {
        let then = self.then(at);
        then.failed.is_some() && Outcome::Failed.may_lead_on(operation)
            || then.miss.is_some() && Outcome::Miss.may_lead_on(operation)
    }

    /// Who is asked for a key, in order, while everybody fails.
    pub fn while_all_fail<'t>(
        &'t self,
        operation: Operation,
        key: &'t [u8],
    ) -> impl Iterator<Item = Step<'t>> {
        let next = move |step: &Step<'t>| self.next(step.at, operation, key, Outcome::Failed);
        std::iter::successors(Some(self.first(operation, key)), next)
    }

    /// The names of all pools, each in the place of its [`PoolId`].
    pub fn pools(&self) -> &[String] {
        &self.pools
    }

    /// The name of the pool a step asks; none if it asks nobody.
    pub fn pool_of(&self, step: Step<'_>) -> Option<&str> {
        match step.ask {
            Ask::Pool(pool) => self.pools.get(usize::from(pool.0)).map(String::as_str),
            Ask::Absent | Ask::Error(_) => None,
        }
    }

    /// Whether any key can come to this pool.
    pub fn uses(&self, pool: PoolId) -> bool {
        self.used.get(usize::from(pool.0)).is_some_and(|used| *used)
    }

    /// How many nodes there are: [`NodeId::index`] is below it.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are no nodes, which is never so.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// A name for each node, for counting what comes to it: where it stands and whom it asks, as in `user: shard a` or
    /// `stand-in 1 shard b`. Empty for nodes at which no step is; several nodes may share one.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The route this was compiled from.
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// The route as lines for people: one for each prefix, and one for all other keys.
    pub fn explain(&self) -> Vec<String> {
        self.route.explain()
    }

    #[inline]
    fn step(&self, from: NodeId, operation: Operation, key: &[u8]) -> Step<'_> {
        let mut at = from;
        loop {
            match self.nodes[usize::from(at.0)] {
                Node::Choose(choice) => at = self.choices[usize::from(choice)].node_of(key),
                Node::Ask { target, expiry, .. } => {
                    let ask = match target {
                        Target::Pool(pool) => Ask::Pool(pool),
                        Target::Absent => Ask::Absent,
                        Target::Error(text) => Ask::Error(&self.texts[usize::from(text)]),
                    };
                    return Step { at, ask, expiry, retries: self.can_continue(at, operation) };
                }
            }
        }
    }

    #[inline]
    fn then(&self, at: NodeId) -> Then {
        match self.nodes.get(usize::from(at.0)) {
            Some(Node::Ask { then, .. }) => *then,
            Some(Node::Choose(_)) | None => Then::default(), // no step of this table is there
        }
    }
}

impl Ask<'_> {
    /// What comes of it without anybody being asked; none if a pool is asked.
    #[inline]
    pub fn known_outcome(self) -> Option<Outcome> {
        match self {
            Ask::Pool(_) => None,
            Ask::Absent => Some(Outcome::Miss),
            Ask::Error(_) => Some(Outcome::Failed),
        }
    }
}
