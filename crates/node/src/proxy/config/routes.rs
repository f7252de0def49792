//! The table `[routes]`.
//!
//! A route is a text, which is a pool's name, or a table with one action:
//!
//! | action | does | beside it |
//! |---|---|---|
//! | `shard = "POOL"` | asks the server of this pool that owns the key | |
//! | `failover = [ROUTE, …]` | asks one after the other | `on = "error"` (default) or `"miss"`; `expiry = "10s"`, `"0"` for none |
//! | `prefix = { "user:" = ROUTE, … }` | the longest prefix of the key decides | `default = ROUTE` for all other keys |
//! | `default = ROUTE`, without `prefix` | the same as `ROUTE` | |
//! | `null = true` | stores nothing, finds nothing | |
//! | `error = "TEXT"` | answers `SERVER_ERROR TEXT` | |
//! | `route = "NAME"` | goes on at the route `[routes.NAME]` | |
//!
//! The action for all keys stands in `[routes]` itself or in `[routes.main]`. Any other table in `[routes]` is a route of
//! that name, for use in several places. Without `[routes]`, all keys go to the one pool there is.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use peerset_route::{Route, Table};
use toml::de::DeValue;

use crate::cli::config_file::{Report, Section, Value, text, unknown};

mod action;

const ACTIONS: &[&str] = &["shard", "failover", "prefix", "null", "error", "route"];

/// What may stand beside an action, and beside which.
const BESIDE: &[(&str, &str)] = &[("on", "failover"), ("expiry", "failover"), (DEFAULT, "prefix")];

/// Stands beside `prefix`, or alone.
const DEFAULT: &str = "default";

const MAIN: &str = "main";

/// The route for all keys; `pools` are the names of all pools, those with mistakes too, and where they stand.
pub(super) fn read(
    routes: Option<&Value<'_>>,
    pools: &[(&str, Range<usize>)],
    report: &mut Report,
) -> Option<Route> {
    let names = pools.iter().map(|(name, _)| *name).collect();
    let Some(routes) = routes else {
        return match pools {
            [(only, _)] => Some(Route::shard(*only)),
            several => {
                let (_, at) = several.first()?;
                report
                    .mistake(at.clone(), "there are several pools and no [routes] to say which of them has a key")
                    .hint("write [routes] and below it shard = \"POOL\", failover = [\"POOL\", …] or prefix = { … }");
                None
            }
        };
    };
    let section = Section::of(routes, report)?;
    let mut reader = Reader::new(names, &section, report);
    reader.all(&section, report)
}

/// Reads routes that may name each other.
struct Reader<'d> {
    pools: Vec<&'d str>,
    named: HashMap<&'d str, (Range<usize>, &'d Value<'d>)>,
    /// Those that have been read; none if something is wrong with one.
    done: HashMap<&'d str, Option<Route>>,
    /// The names on the way to what is being read.
    way: Vec<&'d str>,
    used: HashSet<&'d str>,
    depth: usize,
    /// Routes so far, those that stand for a name counted each time.
    count: usize,
}

impl<'d> Reader<'d> {
    fn new(pools: Vec<&'d str>, section: &Section<'d>, report: &mut Report) -> Self {
        let mut named = HashMap::new();
        for (key, value) in section.entries() {
            let name = &**key.get_ref();
            if is_word(name) {
                continue;
            }
            match value.get_ref() {
                DeValue::Table(_) => drop(named.insert(name, (key.span(), value))),
                _ => unknown("action", key.span(), name, ACTIONS, report),
            }
        }
        let (done, used) = (HashMap::new(), HashSet::new());
        Reader { pools, named, done, way: Vec::new(), used, depth: 0, count: 0 }
    }

    /// The main route, after all others, so that no mistake stays hidden in one that nobody uses.
    fn all(&mut self, section: &Section<'d>, report: &mut Report) -> Option<Route> {
        let mut names: Vec<(&'d str, Range<usize>)> =
            self.named.iter().map(|(name, (at, _))| (*name, at.clone())).collect();
        names.sort_by_key(|(_, at)| at.start);
        for (name, _) in &names {
            self.read_named(name, report);
        }
        let own = section.entries().into_iter().find(|(key, _)| is_word(key.get_ref()));
        let main = match (own, self.named.get(MAIN)) {
            (Some(_), None) => self.action(section, report),
            (None, Some(_)) => self.done.get(MAIN).cloned().flatten(),
            (Some((key, _)), Some(_)) => {
                report
                    .mistake(key.span(), "the route for all keys stands both here and in [routes.main]")
                    .hint("keep one of the two");
                None
            }
            (None, None) => {
                report
                    .mistake(section.at.clone(), "there is no route for all keys")
                    .hint("write it below [routes] or [routes.main]: shard = \"POOL\", failover = […], prefix = { … }");
                None
            }
        };
        for (name, at) in names {
            if name != MAIN && !self.used.contains(name) {
                report
                    .warning(at, format!("no route refers to {name}"))
                    .hint(format!("write route = \"{name}\" where it should, or take it out"));
            }
        }
        main
    }

    /// The route that a name stands for.
    fn reference(&mut self, value: &'d Value<'d>, report: &mut Report) -> Option<Route> {
        let name = text(value, report)?;
        let Some((&name, _)) = self.named.get_key_value(name) else {
            let mut names: Vec<&str> = self.named.keys().copied().collect();
            names.sort_unstable();
            unknown("route", value.span(), name, &names, report);
            return None;
        };
        self.used.insert(name);
        if let Some(start) = self.way.iter().position(|way| *way == name) {
            let circle = [&self.way[start..], &[name]].concat().join(" -> ");
            report
                .mistake(value.span(), format!("routes go round in a circle: {circle}"))
                .hint("let one of them end at a pool");
            return None;
        }
        let route = self.read_named(name, report)?;
        self.count += size(&route);
        if self.count > Table::ROUTES_MAX {
            let what = format!("with all names written out there are more than {} routes", Table::ROUTES_MAX);
            report.mistake(value.span(), what).hint("name fewer routes inside named ones");
            return None;
        }
        Some(route)
    }

    /// The route of this name, read once.
    fn read_named(&mut self, name: &'d str, report: &mut Report) -> Option<Route> {
        if let Some(done) = self.done.get(name) {
            return done.clone();
        }
        let (_, value) = *self.named.get(name).as_ref()?;
        self.way.push(name);
        let route = self.route(value, report);
        self.way.pop();
        self.done.insert(name, route.clone());
        route
    }
}

/// All that can stand in a route.
fn words() -> impl Iterator<Item = &'static str> {
    ACTIONS.iter().copied().chain(BESIDE.iter().map(|(word, _)| *word))
}

fn is_word(name: &str) -> bool {
    words().any(|word| word == name)
}

fn size(route: &Route) -> usize {
    1 + route.parts().map(size).sum::<usize>()
}
