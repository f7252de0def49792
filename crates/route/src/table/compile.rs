//! From a route to nodes, from the last to the first: each is made knowing what comes after it.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::error::KEY_BYTES_MAX;
use super::{Node, NodeId, PoolId, PrefixTable, RouteError, Table, Target, Then};
use crate::Route;
use crate::route::{Failover, On, Prefixes};

pub(super) fn compile(route: &Route, pools: Vec<String>) -> Result<Table, RouteError> {
    measure(route, 1, &mut 0)?;
    let mut compiler = Compiler::new(&pools)?;
    let start = compiler.route(route, Then::default(), None)?;
    let Compiler { nodes, choices, texts, labels, .. } = compiler;
    let mut used = vec![false; pools.len()];
    for node in &nodes {
        if let Node::Ask { target: Target::Pool(pool), .. } = node {
            used[usize::from(pool.0)] = true;
        }
    }
    Ok(Table {
        nodes: nodes.into(),
        start,
        choices: choices.into(),
        texts: texts.into(),
        labels: labels.into(),
        pools: pools.into(),
        used: used.into(),
        route: route.clone(),
    })
}

/// Bounds the recursion of all that follows.
fn measure(route: &Route, depth: usize, count: &mut usize) -> Result<(), RouteError> {
    *count += 1;
    if depth > Table::DEPTH_MAX {
        return Err(RouteError::TooDeep);
    }
    if *count > Table::ROUTES_MAX {
        return Err(RouteError::TooMany);
    }
    route.parts().try_for_each(|part| measure(part, depth + 1, count))
}

struct Compiler<'r> {
    pools: HashMap<&'r str, PoolId>,
    names: &'r [String],
    nodes: Vec<Node>,
    choices: Vec<PrefixTable>,
    texts: Vec<String>,
    /// For each node, where it stands in the route and whom it asks.
    labels: Vec<String>,
    /// Where the compiler is in the route.
    path: Vec<String>,
    /// What a route, by its address, was compiled to when the same came after it.
    made: HashMap<(*const Route, Then, Option<Duration>), NodeId>,
}

impl<'r> Compiler<'r> {
    fn new(names: &'r [String]) -> Result<Self, RouteError> {
        let mut pools = HashMap::with_capacity(names.len());
        for (at, name) in names.iter().enumerate() {
            let id = u16::try_from(at).map_err(|_| RouteError::TooManyPools)?;
            if pools.insert(name.as_str(), PoolId(id)).is_some() {
                return Err(RouteError::DuplicatePool { pool: name.clone() });
            }
        }
        let made = HashMap::new();
        Ok(Compiler {
            pools,
            names,
            nodes: Vec::new(),
            choices: Vec::new(),
            texts: Vec::new(),
            labels: Vec::new(),
            path: Vec::new(),
            made,
        })
    }

    /// The node at which the route begins, if `then` is what follows it.
    fn route(
        &mut self,
        route: &'r Route,
        then: Then,
        expiry: Option<Duration>,
    ) -> Result<NodeId, RouteError> {
        let what = (std::ptr::from_ref(route), then, expiry);
        if let Some(node) = self.made.get(&what) {
            return Ok(*node);
        }
        let node = match route {
            Route::Shard(pool) => {
                let target = Target::Pool(self.pool(pool)?);
                self.push(Node::Ask { target, then, expiry })?
            }
            Route::Null => self.push(Node::Ask { target: Target::Absent, then, expiry })?,
            Route::Error(text) => {
                let target = Target::Error(number(self.texts.len())?);
                self.texts.push(text.clone());
                self.push(Node::Ask { target, then, expiry })?
            }
            Route::Failover(failover) => self.failover(failover, then, expiry)?,
            Route::Prefix(prefixes) => self.prefixes(prefixes, then, expiry)?,
        };
        self.made.insert(what, node);
        Ok(node)
    }

    /// Routes from the last to the first, each twice where it matters to what follows whether there was a miss before.
    fn failover(
        &mut self,
        failover: &'r Failover,
        then: Then,
        expiry: Option<Duration>,
    ) -> Result<NodeId, RouteError> {
        let stand_in_expiry = match (expiry, failover.expiry) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        // Where it goes on if the best answer so far is a failure or a miss; behind the last, what follows the whole.
        let mut rest = then;
        for (at, route) in failover.routes.iter().enumerate().rev() {
            let expiry = if at == 0 { expiry } else { stand_in_expiry };
            self.path.push(if at == 0 { String::new() } else { format!("stand-in {at}") });
            let miss = match failover.on {
                On::Error => then.miss,
                On::Miss => rest.miss,
            };
            let best_failed = self.route(route, Then { failed: rest.failed, miss }, expiry)?;
            let best_miss = match failover.on {
                // Nothing goes on after a miss, so none has been before.
                On::Error => None,
                On::Miss if at == 0 => None,
                On::Miss => Some(self.route(route, Then { failed: rest.miss, miss }, expiry)?),
            };
            self.path.pop();
            rest = Then { failed: Some(best_failed), miss: best_miss };
        }
        rest.failed.filter(|_| !failover.routes.is_empty()).ok_or(RouteError::NobodyToAsk)
    }

    fn prefixes(
        &mut self,
        prefixes: &'r Prefixes,
        then: Then,
        expiry: Option<Duration>,
    ) -> Result<NodeId, RouteError> {
        let mut seen = HashSet::new();
        let mut nodes = Vec::with_capacity(prefixes.routes.len());
        for (prefix, route) in &prefixes.routes {
            let shown = || prefix.escape_ascii().to_string();
            match prefix.len() {
                0 => return Err(RouteError::EmptyPrefix),
                1..=KEY_BYTES_MAX if !seen.insert(prefix) => {
                    return Err(RouteError::DuplicatePrefix { prefix: shown() });
                }
                1..=KEY_BYTES_MAX => {
                    self.path.push(shown());
                    nodes.push((prefix.as_slice().into(), self.route(route, then, expiry)?));
                    self.path.pop();
                }
                _ => return Err(RouteError::LongPrefix { prefix: shown() }),
            }
        }
        let default = self.route(&prefixes.default, then, expiry)?;
        let choice = number(self.choices.len())?;
        self.choices.push(PrefixTable::new(nodes, default));
        self.push(Node::Choose(choice))
    }

    fn pool(&self, pool: &str) -> Result<PoolId, RouteError> {
        let missing = || RouteError::NoPool { pool: pool.to_owned(), pools: self.names.to_vec() };
        self.pools.get(pool).copied().ok_or_else(missing)
    }

    fn push(&mut self, node: Node) -> Result<NodeId, RouteError> {
        let id = NodeId(number(self.nodes.len())?);
        let asked = match node {
            Node::Ask { target: Target::Pool(PoolId(at)), .. } => {
                format!("shard {}", self.names[usize::from(at)])
            }
            Node::Ask { target: Target::Absent, .. } => "null".to_owned(),
            Node::Ask { target: Target::Error(_), .. } => "error".to_owned(),
            Node::Choose(_) => String::new(),
        };
        let place = self.path.iter().filter(|part| !part.is_empty()).map(|part| format!("{part} "));
        self.labels.push(match node {
            Node::Choose(_) => String::new(),
            Node::Ask { .. } => place.chain([asked]).collect(),
        });
        self.nodes.push(node);
        Ok(id)
    }
}

fn number(at: usize) -> Result<u16, RouteError> {
    u16::try_from(at).map_err(|_| RouteError::TooManyNodes)
}
