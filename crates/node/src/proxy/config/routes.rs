//! The table `[routes]`.
//!
//! A route is a text, which is a pool's name, or a table with one action:
//!
//! | action | does | beside it |
//! |---|---|---|
//! | `shard = "POOL"` | asks the server of this pool that owns the key | |
//! | `failover = [ROUTE, …]` | asks one after the other | `on = "error"` (default) or `"miss"`; `expiry = "10s"`, `"0"` for none |
//! | `prefix = { "user:" = ROUTE, … }` | the longest prefix of the key decides | `default = ROUTE` for all other keys |
//! | `null = true` | stores nothing, finds nothing | |
//! | `error = "TEXT"` | answers `SERVER_ERROR TEXT` | |
//! | `route = "NAME"` | goes on at the route `[routes.NAME]` | |
//!
//! The action for all keys stands in `[routes]` itself or in `[routes.main]`. Any other table in `[routes]` is a route of
//! that name, for use in several places. Without `[routes]`, all keys go to the one pool there is.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use peerset_route::{EXPIRY_DEFAULT, Failover, On, Prefixes, Route, Table};
use toml::de::DeValue;

use crate::cli::config_file::{Report, Section, Value, a, parsed, text, unknown};
use crate::cli::units::Period;

const ACTIONS: &[&str] = &["shard", "failover", "prefix", "null", "error", "route"];

/// What may stand beside an action, and beside which.
const BESIDE: &[(&str, &str)] = &[("on", "failover"), ("expiry", "failover"), ("default", "prefix")];

const MAIN: &str = "main";

/// How deep tables, lists and names may stand in each other. It bounds the reading; what is read has a limit of its own,
/// [`Table::DEPTH_MAX`].
const DEPTH_MAX: usize = 64;

/// Longer texts than this are for a log, not for a reply.
const ERROR_BYTES_MAX: usize = 200;

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
                    .warning(at, format!("no route goes on at {name}"))
                    .hint(format!("write route = \"{name}\" where it should, or take it out"));
            }
        }
        main
    }

    /// A route wherever one can stand.
    fn route(&mut self, value: &'d Value<'d>, report: &mut Report) -> Option<Route> {
        self.depth += 1;
        let route = match value.get_ref() {
            _ if self.depth > DEPTH_MAX => {
                report.mistake(
                    value.span(),
                    format!("routes are nested more than {DEPTH_MAX} deep, names included"),
                );
                None
            }
            DeValue::String(_) => self.shard(value, report),
            DeValue::Table(table) => {
                let section = Section::new(table, value.span());
                let words: Vec<&str> = words().collect();
                section.refuse_unknown("action", &words, report);
                self.action(&section, report)
            }
            other => {
                report
                    .mistake(value.span(), format!("a route is a pool's name or a table, not {}", a(other)))
                    .hint("such as { shard = \"POOL\" }");
                None
            }
        };
        self.depth -= 1;
        route
    }

    /// The one action of a table.
    fn action(&mut self, section: &Section<'d>, report: &mut Report) -> Option<Route> {
        let mut actions = section.entries();
        actions.retain(|(key, _)| ACTIONS.contains(&&**key.get_ref()));
        let Some((action, value)) = actions.first().copied() else {
            report
                .mistake(section.at.clone(), "this route has no action")
                .hint(format!("write one of {}", ACTIONS.join(", ")));
            return None;
        };
        let action = &**action.get_ref();
        for (second, _) in &actions[1..] {
            report
                .mistake(
                    second.span(),
                    format!("two actions in one route, {action} and {}", second.get_ref()),
                )
                .hint("keep one of them, or nest one in the other");
        }
        for (word, owner) in BESIDE {
            if let Some(beside) = section.get(word).filter(|_| *owner != action) {
                report.mistake(
                    beside.span(),
                    format!("`{word}` belongs to {owner}, and this route is {action}"),
                );
            }
        }
        self.count += 1;
        match action {
            "shard" => self.shard(value, report),
            "failover" => self.failover(value, section, report),
            "prefix" => self.prefix(value, section, report),
            "null" => null(value, report),
            "error" => error(value, report),
            _ => self.reference(value, report),
        }
    }

    fn shard(&mut self, value: &'d Value<'d>, report: &mut Report) -> Option<Route> {
        let pool = text(value, report)?;
        if !self.pools.contains(&pool) {
            unknown("pool", value.span(), pool, &self.pools, report);
            return None;
        }
        Some(Route::shard(pool))
    }

    fn failover(
        &mut self,
        value: &'d Value<'d>,
        section: &Section<'d>,
        report: &mut Report,
    ) -> Option<Route> {
        let on = section.read("on", on, report);
        let expiry = section.read("expiry", parsed::<Period>, report);
        let DeValue::Array(values) = value.get_ref() else {
            let what = format!("failover has to be a list of routes, not {}", a(value.get_ref()));
            report.mistake(value.span(), what).hint("such as [\"east\", \"west\"]");
            return None;
        };
        if values.is_empty() {
            report.mistake(value.span(), "this failover has nobody to ask");
            return None;
        }
        // All are read before any is given up, for the sake of their mistakes.
        let routes: Vec<Option<Route>> = values.iter().map(|value| self.route(value, report)).collect();
        let expiry = expiry.map_or(EXPIRY_DEFAULT, |Period(expiry)| expiry);
        Some(Route::Failover(Failover {
            routes: routes.into_iter().collect::<Option<_>>()?,
            on: on.unwrap_or_default(),
            expiry: (!expiry.is_zero()).then_some(expiry),
        }))
    }

    fn prefix(&mut self, value: &'d Value<'d>, section: &Section<'d>, report: &mut Report) -> Option<Route> {
        let DeValue::Table(table) = value.get_ref() else {
            let what = format!("prefix has to be a table of routes, not {}", a(value.get_ref()));
            report
                .mistake(value.span(), what)
                .hint("such as { \"user:\" = \"east\", \"tmp:\" = { null = true } }");
            return None;
        };
        let mut routes = Vec::new();
        for (key, value) in Section::new(table, value.span()).entries() {
            let prefix = &**key.get_ref();
            match prefix.len() {
                0 => {
                    report.mistake(
                        key.span(),
                        "this prefix is empty: the route for all other keys is `default`",
                    );
                }
                1..=KEY_BYTES_MAX => {}
                _ => {
                    report.mistake(key.span(), format!("no key is longer than {KEY_BYTES_MAX} bytes"));
                }
            }
            if prefix.contains(|c: char| c.is_ascii_control() || c == ' ') {
                report.mistake(key.span(), "no key has spaces or control characters");
            }
            routes.push(self.route(value, report).map(|route| (prefix.as_bytes().to_vec(), route)));
        }
        let default = match section.get("default") {
            Some(default) => self.route(default, report),
            None => {
                report
                    .mistake(value.span(), "there is no route for keys with none of these prefixes")
                    .hint("write default = \"POOL\" beside prefix, or default = { null = true }");
                None
            }
        };
        let routes = routes.into_iter().collect::<Option<_>>()?;
        Some(Route::Prefix(Prefixes { routes, default: Box::new(default?) }))
    }

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

/// The longest key of the protocol.
const KEY_BYTES_MAX: usize = peerset_proto_memcache::KEY_BYTES_MAX;

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

fn on(value: &Value<'_>, report: &mut Report) -> Option<On> {
    match text(value, report)? {
        "error" => Some(On::Error),
        "miss" => Some(On::Miss),
        other => {
            report.mistake(value.span(), format!("this has to be \"error\" or \"miss\", not {other:?}"));
            None
        }
    }
}

fn null(value: &Value<'_>, report: &mut Report) -> Option<Route> {
    if value.get_ref().as_bool() != Some(true) {
        report.mistake(value.span(), "write null = true");
        return None;
    }
    Some(Route::Null)
}

fn error(value: &Value<'_>, report: &mut Report) -> Option<Route> {
    let text = text(value, report)?;
    if text.is_empty() || text.len() > ERROR_BYTES_MAX || text.contains(char::is_control) {
        report.mistake(value.span(), format!("an error is one line of 1 to {ERROR_BYTES_MAX} bytes"));
        return None;
    }
    Some(Route::Error(text.to_owned()))
}
