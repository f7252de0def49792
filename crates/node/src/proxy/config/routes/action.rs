//! What one route says: a pool's name, or a table with its action.

use peerset_proto_memcache::KEY_BYTES_MAX;
use peerset_route::{EXPIRY_DEFAULT, Failover, On, Prefixes, Route};
use toml::de::DeValue;

use super::{ACTIONS, BESIDE, DEFAULT, Reader, words};
use crate::cli::config_file::{Report, Section, Value, a, parsed, text, unknown};
use crate::cli::units::Period;

/// How deep tables, lists and names may stand in each other. It bounds the reading; what is read has a limit of its own,
/// [`Table::DEPTH_MAX`](peerset_route::Table::DEPTH_MAX).
const DEPTH_MAX: usize = 64;

/// Longer texts than this are for a log, not for a reply.
const ERROR_BYTES_MAX: usize = 200;

impl<'d> Reader<'d> {
    /// A route wherever one can stand.
    pub(super) fn route(&mut self, value: &'d Value<'d>, report: &mut Report) -> Option<Route> {
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
    pub(super) fn action(&mut self, section: &Section<'d>, report: &mut Report) -> Option<Route> {
        let mut actions = section.entries();
        actions.retain(|(key, _)| ACTIONS.contains(&&**key.get_ref()));
        // Without prefixes, the route for all other keys is the route for all keys.
        if actions.is_empty() {
            actions = section.entries();
            actions.retain(|(key, _)| **key.get_ref() == *DEFAULT);
        }
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
            if let Some(beside) = section.get(word).filter(|_| *owner != action && *word != action) {
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
            DEFAULT => self.route(value, report),
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
        let default = match section.get(DEFAULT) {
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
