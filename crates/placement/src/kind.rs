//! Which placements there are, by name.

mod catalogue;

use crate::nearest::nearest;
use crate::{Hash, ParseError};
use std::fmt;
use std::str::FromStr;

/// A placement by name. The page that each names says exactly what it does with a server and a key; [`Kind::users`],
/// [`Kind::rule`] and [`Kind::options`] say it in a line, for people at a terminal.
///
/// Where a rule says *points*, a server's points are hashes of its label with a number, and a key belongs to the first
/// point at or after its own hash. "MD5 ×4" means that each label's MD5 gives four points, its little-endian words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// libmemcached's weighted ketama: [`rules::libmemcached`](crate::rules::libmemcached).
    Ketama,
    /// libmemcached's unweighted consistent hashing: [`rules::libmemcached`](crate::rules::libmemcached).
    Libmemcached,
    /// libmemcached's default, the hash modulo the number of servers: [`rules::modulo`](crate::rules::modulo).
    LibmemcachedModula,
    /// libmemcached's `KETAMA_SPY`: [`rules::libmemcached`](crate::rules::libmemcached).
    KetamaSpy,
    /// twemproxy's `ketama` and `modula`: [`rules::twemproxy`](crate::rules::twemproxy).
    Twemproxy,
    /// mcset of go.serversets: [`rules::mcset`](crate::rules::mcset).
    Mcset,
    /// golang/groupcache: [`rules::groupcache`](crate::rules::groupcache).
    Groupcache,
    /// groupcache-go version 3, and mailgun's version 2: [`rules::groupcache`](crate::rules::groupcache).
    GroupcacheV3,
    /// stathat/consistent: [`rules::stathat`](crate::rules::stathat).
    Stathat,
    /// bradfitz/gomemcache: [`rules::modulo`](crate::rules::modulo).
    Gomemcache,
    /// pymemcache's `HashClient`: [`rules::pymemcache`](crate::rules::pymemcache).
    Pymemcache,
    /// spymemcached's `KetamaNodeLocator`: [`rules::spymemcached`](crate::rules::spymemcached).
    Spymemcached,
    /// spymemcached's default, `ArrayModNodeLocator`: [`rules::modulo`](crate::rules::modulo).
    SpymemcachedMod,
    /// Netflix EVCache: [`rules::spymemcached`](crate::rules::spymemcached).
    Evcache,
    /// memcached's own proxy, jump hash: [`rules::jump`](crate::rules::jump).
    MemcachedProxy,
    /// memcached's own proxy, `mcp.dist_ring_hash`: [`rules::memcached_proxy`](crate::rules::memcached_proxy).
    MemcachedProxyRing,
    /// Finagle's partitioning memcached client: [`rules::finagle`](crate::rules::finagle).
    Finagle,
    /// mcrouter's `Ch3`: [`rules::furc`](crate::rules::furc).
    McrouterCh3,
    /// mcrouter's `WeightedCh3`: [`rules::furc`](crate::rules::furc).
    McrouterWch3,
    /// mcrouter's `Rendezvous`: [`rules::rendezvous`](crate::rules::rendezvous).
    McrouterRendezvous,
    /// mcrouter's `WeightedRendezvous`: [`rules::rendezvous`](crate::rules::rendezvous).
    McrouterWeightedRendezvous,
    /// mcrouter's `Crc32`: [`rules::modulo`](crate::rules::modulo).
    McrouterCrc32,
    /// Jump consistent hash of XXH3: [`rules::jump`](crate::rules::jump).
    Jump,
    /// code-server's cluster ring: [`rules::code_server`](crate::rules::code_server).
    CodeServer,
    /// Google's Maglev, with weights: [`rules::maglev`](crate::rules::maglev).
    Maglev,
    /// Weighted rendezvous hashing, the default for new fleets: [`rules::rendezvous`](crate::rules::rendezvous).
    Rendezvous,
}

/// What [`Kind`] a placement has at its beginning: everything but its options.
struct Entry {
    kind: Kind,
    name: &'static str,
    users: &'static str,
    rule: &'static str,
    weights: Weights,
    options: &'static [&'static str],
    hashes: &'static [Hash],
    verified: &'static str,
}

/// What a placement makes of a server's weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Weights {
    /// Nothing: the original knows no weights.
    Ignored,
    /// A whole number; 0 counts as 1.
    WholeOrOne,
    /// A whole number of at least 1.
    Whole,
    /// From 0 to 1: the part of its keys that a server keeps.
    Fraction,
    /// Any number from 0, relative to the others'.
    Any,
}

impl Kind {
    /// What we advise to fleets that need not match anything. The crate's documentation says why.
    pub const DEFAULT: Kind = Kind::Rendezvous;

    /// All placements, in the order in which they are listed.
    pub fn all() -> impl ExactSizeIterator<Item = Kind> {
        catalogue::ENTRIES.iter().map(|entry| entry.kind)
    }

    /// The name users know it by: `ketama`, `twemproxy` …
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// Which clients and proxies place keys this way.
    pub fn users(self) -> &'static str {
        self.entry().users
    }

    /// The rule in one line.
    pub fn rule(self) -> &'static str {
        self.entry().rule
    }

    /// What becomes of weights.
    pub fn weights(self) -> Weights {
        self.entry().weights
    }

    /// The names of the options it has, for [`Spec`](crate::Spec).
    pub fn options(self) -> &'static [&'static str] {
        self.entry().options
    }

    /// The hash functions it can have; the first is its default. Empty where there is no choice.
    pub fn hashes(self) -> &'static [Hash] {
        self.entry().hashes
    }

    /// How this reproduction was checked.
    pub fn verified(self) -> &'static str {
        self.entry().verified
    }

    fn entry(self) -> &'static Entry {
        // The catalogue has an entry for each kind, which a test asserts, in the order of their declaration.
        &catalogue::ENTRIES[self as usize]
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Kind {
    type Err = ParseError;

    fn from_str(name: &str) -> Result<Kind, ParseError> {
        Kind::all().find(|kind| kind.name() == name).ok_or_else(|| ParseError::Kind {
            name: name.to_owned(),
            nearest: nearest(name, Kind::all(), |kind| kind.name()).unwrap_or(Kind::DEFAULT),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_in_order() {
        for (at, entry) in catalogue::ENTRIES.iter().enumerate() {
            assert_eq!(entry.kind as usize, at, "{}", entry.name);
            assert_eq!(entry.name.parse(), Ok(entry.kind));
            assert!(![entry.users, entry.rule, entry.verified].contains(&""), "{}", entry.name);
            assert_eq!(entry.options.contains(&"hash"), !entry.hashes.is_empty(), "{}", entry.name);
        }
        assert_eq!(Kind::Rendezvous as usize + 1, Kind::all().len());
    }

    #[test]
    fn a_wrong_name_suggests_the_nearest() {
        let check = |name: &str, expected: &str| {
            let error = name.parse::<Kind>().unwrap_err();
            assert_eq!(error.to_string(), format!("no placement {name:?}; did you mean {expected}?"));
        };
        check("ketma", "ketama");
        check("Twemproxy", "twemproxy");
        check("mcrouter", "mcrouter-ch3");
        check("libmemcached-modulo", "libmemcached-modula");
        check("", "jump");
    }
}
