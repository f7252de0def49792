//! The meta commands with their flags, typed and as they came.
//!
//! memcached takes every flag it knows on every meta command and ignores those without a meaning there; so does the
//! parser, and the structs hold the meaningful ones. Flags whose only effect is a word in the reply (`s`, `t`, `c`,
//! `f`, `k`, `O`, `h`, `l`) are not repeated as fields: the reply has to name them in the order of the request, so
//! whoever builds it walks [`MetaFlags`] anyway. `P` and `L` are for proxies and mean nothing here.

use super::words::{WordIter, Words};
use super::{Direction, MetaKey};

/// The longest opaque token of `O`, in bytes, without the letter.
pub const OPAQUE_BYTES_MAX: usize = 31;

/// `mg`: get, touch, query, and the anti-stampede flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetaGet<'b> {
    /// Which item.
    pub key: MetaKey<'b>,
    /// All flags in the order of the request.
    pub flags: MetaFlags<'b>,
    /// `v`: return the value (`VA`, not `HD`).
    pub value: bool,
    /// `q`: no reply to a miss (`EN`).
    pub quiet: bool,
    /// `u`: do not count as an access.
    pub no_bump: bool,
    /// `T`: the new exptime. See [`Store::exptime`](super::Store::exptime).
    pub ttl: Option<i32>,
    /// `N`: on a miss make an empty item with this exptime, and win it.
    pub vivify: Option<i32>,
    /// `R`: win if less time than this is left.
    pub recache: Option<i32>,
    /// `C`: leave the value away if the item's CAS is this one (later than 1.6.18, which ignores it).
    pub cas: Option<u64>,
    /// `E`: the CAS a vivified item gets (later than 1.6.18).
    pub cas_new: Option<u64>,
}

/// `ms`: store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetaSet<'b> {
    /// Which item.
    pub key: MetaKey<'b>,
    /// All flags in the order of the request.
    pub flags: MetaFlags<'b>,
    /// Any bytes.
    pub value: &'b [u8],
    /// `M`: what kind of store.
    pub mode: SetMode,
    /// `q`: no reply to success (`HD`).
    pub quiet: bool,
    /// `I`: together with `cas`, store marked stale if the item's CAS is greater than the one given.
    pub invalidate: bool,
    /// `F`: client flags, 0 if not given.
    pub client_flags: u32,
    /// `T`: exptime, 0 if not given.
    pub ttl: i32,
    /// `N`: in append and prepend, make the item on a miss, with this exptime (later than 1.6.18).
    pub vivify: Option<i32>,
    /// `C`: what the item's CAS has to be.
    pub cas: Option<u64>,
    /// `E`: the CAS the stored item gets (later than 1.6.18).
    pub cas_new: Option<u64>,
}

/// The mode of an `ms`. The letters are upper case only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetMode {
    /// `MS` or none: always (with a CAS: if it matches).
    Set,
    /// `ME`: if there is no such item.
    Add,
    /// `MR`: if there is such an item.
    Replace,
    /// `MA`: behind the value there is.
    Append,
    /// `MP`: before the value there is.
    Prepend,
}

/// `md`: delete, or mark stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetaDelete<'b> {
    /// Which item.
    pub key: MetaKey<'b>,
    /// All flags in the order of the request.
    pub flags: MetaFlags<'b>,
    /// `q`: no reply to success (`HD`).
    pub quiet: bool,
    /// `I`: mark stale, do not delete.
    pub invalidate: bool,
    /// `x`: empty the value and keep the item (later than 1.6.18).
    pub remove_value: bool,
    /// `T`: with `invalidate`, the new exptime.
    pub ttl: Option<i32>,
    /// `C`: what the item's CAS has to be.
    pub cas: Option<u64>,
    /// `E`: the CAS a kept item gets (later than 1.6.18).
    pub cas_new: Option<u64>,
}

/// `ma`: count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetaArithmetic<'b> {
    /// Which item.
    pub key: MetaKey<'b>,
    /// All flags in the order of the request.
    pub flags: MetaFlags<'b>,
    /// `M`: `I` or `+`, `D` or `-`; up if not given.
    pub direction: Direction,
    /// `q`: no reply to success.
    pub quiet: bool,
    /// `v`: return the new number (`VA`, not `HD`).
    pub value: bool,
    /// `D`: by how much, 1 if not given.
    pub delta: u64,
    /// `J`: what a vivified item holds, 0 if not given.
    pub initial: u64,
    /// `N`: on a miss make the item, with this exptime.
    pub vivify: Option<i32>,
    /// `T`: the new exptime.
    pub ttl: Option<i32>,
    /// `C`: what the item's CAS has to be. memcached 1.6.18 takes `C0` for none.
    pub cas: Option<u64>,
    /// `E`: the CAS the item gets (later than 1.6.18).
    pub cas_new: Option<u64>,
}

/// The flags of a meta command, in the order of the request. Each letter stands there once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct MetaFlags<'b>(Words<'b>);

impl<'b> MetaFlags<'b> {
    #[inline]
    pub(crate) fn of_line(words: Words<'b>) -> MetaFlags<'b> {
        MetaFlags(words)
    }

    /// The flags from first to last.
    #[inline]
    pub fn iter(&self) -> MetaFlagIter<'b> {
        MetaFlagIter(self.0.iter())
    }

    /// The flags as they stand in the line.
    pub fn as_words(&self) -> Words<'b> {
        self.0
    }
}

impl<'b> IntoIterator for MetaFlags<'b> {
    type Item = MetaFlag<'b>;
    type IntoIter = MetaFlagIter<'b>;
    fn into_iter(self) -> MetaFlagIter<'b> {
        self.iter()
    }
}

/// Iterator over [`MetaFlags`].
#[derive(Clone, Debug)]
pub struct MetaFlagIter<'b>(WordIter<'b>);

impl<'b> Iterator for MetaFlagIter<'b> {
    type Item = MetaFlag<'b>;

    #[inline]
    fn next(&mut self) -> Option<MetaFlag<'b>> {
        let word = self.0.next()?;
        // A word has at least one byte, so this is never `None` before the end.
        let (&letter, token) = word.split_first()?;
        Some(MetaFlag { letter, token })
    }
}

/// One flag, of a request or a reply: a letter and what directly follows it.
///
/// Made by parsing or by [`MetaFlag::new`], so it cannot end a line early.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetaFlag<'b> {
    /// Which flag.
    pub letter: u8,
    /// Its token, empty for a flag without one.
    pub token: &'b [u8],
}

impl<'b> MetaFlag<'b> {
    /// `None` if `letter` is none, or a space or control byte in `token` could end the word or the line.
    pub fn new(letter: u8, token: &'b [u8]) -> Option<MetaFlag<'b>> {
        let whole = letter.is_ascii_alphabetic() && token.iter().all(|&byte| byte > b' ' && byte != 0x7f);
        whole.then_some(MetaFlag { letter, token })
    }
}

impl std::fmt::Debug for MetaFlag<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.letter.escape_ascii(), self.token.escape_ascii())
    }
}
