//! Routes in one line, and in several.

use std::fmt;
use std::time::Duration;

use super::{Failover, On, Prefixes, Route};

impl fmt::Display for Route {
    /// The whole route in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Route::Shard(pool) => write!(f, "shard {pool}"),
            Route::Failover(failover) => failover.fmt(f),
            Route::Prefix(prefixes) => prefixes.fmt(f),
            Route::Null => f.write_str("null"),
            Route::Error(text) => write!(f, "error {text:?}"),
        }
    }
}

impl fmt::Display for Failover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failover(")?;
        for (at, route) in self.routes.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{route}")?;
        }
        if let Some(expiry) = self.expiry.filter(|_| self.routes.len() > 1) {
            write!(f, " for {}", Short(expiry))?;
        }
        write!(f, " on {})", self.on)
    }
}

impl fmt::Display for Prefixes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("prefix(")?;
        for (prefix, route) in &self.routes {
            write!(f, "{} -> {route}, ", prefix.escape_ascii())?;
        }
        write!(f, "else -> {})", self.default)
    }
}

impl fmt::Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            On::Error => "error",
            On::Miss => "miss",
        })
    }
}

/// A time in the unit that people would take: `10s`, `1500ms`.
struct Short(Duration);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.subsec_nanos() {
            0 => write!(f, "{}s", self.0.as_secs()),
            _ => write!(f, "{}ms", self.0.as_millis()),
        }
    }
}

impl Route {
    /// The route as lines for people: one for each prefix, in the order in which they are given, and the rest in one line.
    ///
    /// ```
    /// use peerset_route::Route;
    ///
    /// let route = Route::prefix([("user:", Route::shard("a"))], Route::Null);
    /// assert_eq!(route.explain(), ["prefix user: -> shard a", "other keys -> null"]);
    /// ```
    pub fn explain(&self) -> Vec<String> {
        match self {
            Route::Prefix(prefixes) => {
                let named = prefixes
                    .routes
                    .iter()
                    .map(|(prefix, route)| (format!("prefix {}", prefix.escape_ascii()), route));
                let other = [("other keys".to_owned(), &*prefixes.default)];
                named.chain(other).flat_map(|(keys, route)| under(&keys, route)).collect()
            }
            other => vec![format!("all keys -> {other}")],
        }
    }
}

/// Prefixes inside prefixes are lines of their own, further in.
fn under(keys: &str, route: &Route) -> Vec<String> {
    match route {
        Route::Prefix(_) => {
            let inner = route.explain().into_iter().map(|line| format!("  {line}"));
            [format!("{keys} ->")].into_iter().chain(inner).collect()
        }
        other => vec![format!("{keys} -> {other}")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_explained() {
        #[track_caller]
        fn check(route: &Route, expected: &[&str]) {
            assert_eq!(route.explain(), expected);
        }
        let both = Route::failover([Route::shard("east"), Route::shard("west")]);
        check(&both, &["all keys -> failover(shard east, shard west for 10s on error)"]);
        let cold = Route::Failover(Failover {
            routes: vec![Route::shard("a"), Route::Error("gone".into())],
            on: On::Miss,
            expiry: Some(Duration::from_millis(1500)),
        });
        let inner = Route::prefix([("user:x:", cold)], Route::Null);
        check(
            &Route::prefix([("tmp:", Route::Null), ("user:", inner)], both),
            &[
                "prefix tmp: -> null",
                "prefix user: ->",
                "  prefix user:x: -> failover(shard a, error \"gone\" for 1500ms on miss)",
                "  other keys -> null",
                "other keys -> failover(shard east, shard west for 10s on error)",
            ],
        );
    }
}
