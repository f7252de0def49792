//! How a placement can be set.

use crate::{Chars, Hash};

/// Settings of a placement; `None` is the default. A kind has only those that [`Kind::options`](crate::Kind::options) names, and building
/// refuses the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Options {
    /// `hash=NAME`: what a key is hashed with; one of [`Kind::hashes`](crate::Kind::hashes).
    pub hash: Option<Hash>,
    /// `chars=signed|unsigned`: how C reads bytes of 0x80 and above; signed, as on x86, by default.
    pub chars: Option<Chars>,
    /// `distribution=ketama|modula` of twemproxy.
    pub distribution: Option<Distribution>,
    /// `omode=default|ketama|twemproxy|evcache` of memcached's proxy, `format=spymemcached|libmemcached` of
    /// spymemcached: how labels are written.
    pub labels: Option<Labels>,
    /// `weighted=true|false` of libmemcached's spy: ketama's points whatever the weights are.
    pub weighted: Option<bool>,
    /// `keys=str|bytes` of pymemcache: how the application passes keys, which are hashed as Python shows them.
    pub keys: Option<PythonKeys>,
    /// `tag={}`: where a key holds the first byte and later the second, only what is between them is hashed.
    pub tag: Option<[u8; 2]>,
    /// `stop=|#|` of memcached's proxy: a key is hashed up to this text.
    pub stop: Option<String>,
    /// `seed=TEXT`: a text whose XXH3 seeds the hash of keys.
    pub seed: Option<String>,
    /// `salt=TEXT` of mcrouter: is appended to the key.
    pub salt: Option<String>,
    /// `points=N` of each server.
    pub points: Option<u32>,
    /// `table=N` slots of Maglev, a prime.
    pub table: Option<u32>,
}

/// What twemproxy does with a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Distribution {
    /// Finds it on a ring.
    Ketama,
    /// Divides it by the sum of weights.
    Modula,
}

/// How a ring's labels are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Labels {
    /// `addr:port`, hashed with XXH3.
    Default,
    /// `addr:port`.
    Ketama,
    /// `addr`, with the port unless that is 11211.
    Twemproxy,
    /// `addr/addr:port`.
    Evcache,
    /// `host/ip:port`.
    Spymemcached,
    /// `host`, with the port unless that is 11211.
    Libmemcached,
}

/// How a Python program passes keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PythonKeys {
    /// As text.
    Str,
    /// As bytes, which are hashed as `b'…'`.
    Bytes,
}
