//! Requests: what a client asks, borrowed from the bytes it sent.
//!
//! A [`Request`] is made by [`parse_request`](crate::parse_request), or by hand in a client; [`Request::encode`]
//! writes it. Everything in it has been checked, so whoever executes it needs no test of its own but one: memcached
//! counts an item's header when it judges a value's size, and only the store knows its own header.

mod encode;
mod error;
mod key;
pub mod meta;
mod words;

pub use encode::multi_get;
pub use error::{Fault, Recovery, RequestError};
pub use key::{Key, KeyError, MetaKey};
pub use meta::{MetaArithmetic, MetaDelete, MetaFlag, MetaFlags, MetaGet, MetaSet, SetMode};
pub use words::{WordIter, Words};

/// One request.
///
/// - **Shape**: at most 120 bytes, `Copy`, no allocation; slices point into the buffer it was parsed from.
/// - **Numbers** are what memcached makes of the digits: exptimes, flags and lengths wrap to 32 bits.
/// - **Source**: `protocol.txt` of memcached 1.6.18 and, for `E`, `x` and `C` on `mg`, of the versions after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request<'b> {
    /// `get`, `gets`, `gat`, `gats` and the ancient `bget`.
    Get(Get<'b>),
    /// `set`, `add`, `replace`, `append`, `prepend`, `cas`.
    Store(Store<'b>),
    /// `delete`.
    Delete {
        /// Whose item goes.
        key: Key<'b>,
        /// No reply wanted.
        noreply: bool,
    },
    /// `incr` and `decr`.
    Arithmetic(Arithmetic<'b>),
    /// `touch`.
    Touch {
        /// Whose item is touched.
        key: Key<'b>,
        /// See [`Store::exptime`].
        exptime: i32,
        /// No reply wanted.
        noreply: bool,
    },
    /// `mg`.
    MetaGet(MetaGet<'b>),
    /// `ms`.
    MetaSet(MetaSet<'b>),
    /// `md`.
    MetaDelete(MetaDelete<'b>),
    /// `ma`.
    MetaArithmetic(MetaArithmetic<'b>),
    /// `mn`: answered with `MN` behind the replies to all that came before.
    MetaNoop,
    /// `me`: a line about an item for people.
    MetaDebug {
        /// Which item.
        key: MetaKey<'b>,
    },
    /// `flush_all [exptime] [noreply]`.
    FlushAll {
        /// 0 or negative: now. Else the moment, as an exptime: relative up to 30 days, absolute beyond.
        delay: i32,
        /// No reply wanted.
        noreply: bool,
    },
    /// `verbosity LEVEL [noreply]`.
    Verbosity {
        /// memcached caps it at 2.
        level: u32,
        /// No reply wanted.
        noreply: bool,
    },
    /// `version`, whatever follows it.
    Version,
    /// `stats [ARGUMENT…]`.
    Stats {
        /// Everything after `stats`.
        arguments: Words<'b>,
    },
    /// `quit`, whatever follows it: close without a reply, but after the replies to what came before.
    Quit,
    /// `shutdown`, whatever follows it. memcached answers `ERROR: shutdown not enabled` unless started with `-A`.
    Shutdown,
    /// `config get NAME`, of ElastiCache. Plain memcached answers `ERROR`.
    ConfigGet {
        /// `cluster`, as a rule.
        name: Key<'b>,
    },
    /// A command about memcached's own memory management. None has a meaning for another store: answer `ERROR`, or
    /// `OK` where doing nothing does what was asked.
    Administer {
        /// Which.
        command: Administration,
        /// Everything after the command, unchecked.
        arguments: Words<'b>,
        /// No reply wanted, where memcached heeds it.
        noreply: bool,
    },
}

/// `get`, `gets`, `gat` and `gats`: up to thousands of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Get<'b> {
    /// At least one key; none only in `gat EXPTIME`, which memcached answers with `END`.
    pub keys: Keys<'b>,
    /// Replies carry the CAS: `gets` and `gats`.
    pub cas: bool,
    /// The new exptime of what is found: `gat` and `gats`. See [`Store::exptime`].
    pub touch: Option<i32>,
}

/// The keys of a [`Get`]: split when iterated, lengths already checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Keys<'b>(Words<'b>);

impl<'b> Keys<'b> {
    /// A single key.
    pub fn one(key: Key<'b>) -> Keys<'b> {
        Keys(Words::of_line(key.as_bytes()))
    }

    #[inline]
    pub(crate) fn of_line(words: Words<'b>) -> Keys<'b> {
        Keys(words)
    }

    /// The keys from first to last, repeated ones too.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = Key<'b>> + Clone + use<'b> {
        self.0.iter().map(Key::of_line)
    }

    /// The keys as they stand in the line, one or more spaces between them.
    pub fn as_words(&self) -> Words<'b> {
        self.0
    }
}

impl std::fmt::Debug for Keys<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// `set`, `add`, `replace`, `append`, `prepend` and `cas`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Store<'b> {
    /// Which of the six.
    pub verb: StoreVerb,
    /// Whose item is stored.
    pub key: Key<'b>,
    /// The client's own number, returned with the value.
    pub flags: u32,
    /// Seconds. 0: never; negative: already expired; up to 30 days: from now; beyond: since 1970.
    pub exptime: i32,
    /// Any bytes.
    pub value: &'b [u8],
    /// What the item's CAS has to be. 0 unless the verb is [`StoreVerb::Cas`].
    pub cas: u64,
    /// No reply wanted.
    pub noreply: bool,
}

/// When a classic store takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreVerb {
    /// Always.
    Set,
    /// If there is no such item.
    Add,
    /// If there is such an item.
    Replace,
    /// Behind the value there is; flags and exptime stay.
    Append,
    /// Before the value there is; flags and exptime stay.
    Prepend,
    /// If the item's CAS is the one given.
    Cas,
}

/// `incr` and `decr`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arithmetic<'b> {
    /// Which of the two.
    pub direction: Direction,
    /// Whose item is counted.
    pub key: Key<'b>,
    /// By how much.
    pub delta: u64,
    /// No reply wanted.
    pub noreply: bool,
}

/// Which way a counter moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Up, wrapping at 2^64.
    Increment,
    /// Down, stopping at 0.
    Decrement,
}

/// The commands of 1.6.18 about its own slabs, queues and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Administration {
    /// `cache_memlimit MEGABYTES`
    CacheMemlimit,
    /// `lru tune|mode|temp_ttl …`
    Lru,
    /// `lru_crawler enable|disable|sleep|tocrawl|crawl|metadump …`
    LruCrawler,
    /// `slabs reassign|automove …`
    Slabs,
    /// `watch fetchers|mutations|…`
    Watch,
    /// `extstore SETTING VALUE`
    Extstore,
    /// `refresh_certs`
    RefreshCerts,
}
