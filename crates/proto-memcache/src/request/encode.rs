//! Requests to bytes.

use super::{Administration, Direction, Get, Key, MetaFlags, MetaKey, Request, Store, StoreVerb};
use crate::digits;

impl Request<'_> {
    /// Appends the request, value and all, as a client sends it. Parsing gives the same request again.
    ///
    /// Meta commands are written from their flags as they came; their typed fields are the flags' meaning and are not
    /// looked at. To make one, or to change flags on the way, use [`MetaLine`](crate::MetaLine).
    pub fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Request::Get(Get { keys, cas, touch }) => {
                get_command(out, cas, touch);
                word(out, keys.as_words().as_bytes());
                line_end(out);
            }
            Request::Store(ref store) => store.encode(out),
            Request::Delete { key, noreply } => {
                out.extend_from_slice(b"delete");
                word(out, key.as_bytes());
                end(out, noreply);
            }
            Request::Arithmetic(arithmetic) => {
                out.extend_from_slice(match arithmetic.direction {
                    Direction::Increment => b"incr",
                    Direction::Decrement => b"decr",
                });
                word(out, arithmetic.key.as_bytes());
                number(out, arithmetic.delta);
                end(out, arithmetic.noreply);
            }
            Request::Touch { key, exptime, noreply } => {
                out.extend_from_slice(b"touch");
                word(out, key.as_bytes());
                signed(out, exptime);
                end(out, noreply);
            }
            Request::MetaGet(get) => meta(out, b"mg", get.key, get.flags),
            Request::MetaDelete(delete) => meta(out, b"md", delete.key, delete.flags),
            Request::MetaArithmetic(arithmetic) => meta(out, b"ma", arithmetic.key, arithmetic.flags),
            Request::MetaSet(set) => {
                out.extend_from_slice(b"ms");
                word(out, set.key.raw().as_bytes());
                number(out, set.value.len() as u64);
                word(out, set.flags.as_words().as_bytes());
                line_end(out);
                out.extend_from_slice(set.value);
                line_end(out);
            }
            Request::MetaNoop => out.extend_from_slice(b"mn\r\n"),
            Request::MetaDebug { key } => {
                out.extend_from_slice(b"me");
                word(out, key.raw().as_bytes());
                out.extend_from_slice(if key.is_base64() { b" b\r\n" } else { b"\r\n" });
            }
            Request::FlushAll { delay, noreply } => {
                out.extend_from_slice(b"flush_all");
                signed(out, delay);
                end(out, noreply);
            }
            Request::Verbosity { level, noreply } => {
                out.extend_from_slice(b"verbosity");
                number(out, u64::from(level));
                end(out, noreply);
            }
            Request::Version => out.extend_from_slice(b"version\r\n"),
            Request::Stats { arguments } => {
                out.extend_from_slice(b"stats");
                word(out, arguments.as_bytes());
                line_end(out);
            }
            Request::Quit => out.extend_from_slice(b"quit\r\n"),
            Request::Shutdown => out.extend_from_slice(b"shutdown\r\n"),
            Request::ConfigGet { name } => {
                out.extend_from_slice(b"config get");
                word(out, name.as_bytes());
                line_end(out);
            }
            // `noreply` is among the arguments.
            Request::Administer { command, arguments, noreply: _ } => {
                out.extend_from_slice(command.word());
                word(out, arguments.as_bytes());
                line_end(out);
            }
        }
    }
}

/// Appends one `get`, or `gets` with `cas`, or `gat` or `gats` with an exptime to `touch`, for many keys.
///
/// No keys at all make a line that a server answers with an error, or for `gat` with `END`.
pub fn multi_get<'k>(
    out: &mut Vec<u8>,
    keys: impl IntoIterator<Item = Key<'k>>,
    cas: bool,
    touch: Option<i32>,
) {
    get_command(out, cas, touch);
    for key in keys {
        word(out, key.as_bytes());
    }
    line_end(out);
}

impl Store<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(match self.verb {
            StoreVerb::Set => b"set".as_slice(),
            StoreVerb::Add => b"add",
            StoreVerb::Replace => b"replace",
            StoreVerb::Append => b"append",
            StoreVerb::Prepend => b"prepend",
            StoreVerb::Cas => b"cas",
        });
        word(out, self.key.as_bytes());
        number(out, u64::from(self.flags));
        signed(out, self.exptime);
        number(out, self.value.len() as u64);
        if self.verb == StoreVerb::Cas {
            number(out, self.cas);
        }
        end(out, self.noreply);
        out.extend_from_slice(self.value);
        line_end(out);
    }
}

impl Administration {
    fn word(self) -> &'static [u8] {
        match self {
            Administration::CacheMemlimit => b"cache_memlimit",
            Administration::Lru => b"lru",
            Administration::LruCrawler => b"lru_crawler",
            Administration::Slabs => b"slabs",
            Administration::Watch => b"watch",
            Administration::Extstore => b"extstore",
            Administration::RefreshCerts => b"refresh_certs",
        }
    }
}

fn get_command(out: &mut Vec<u8>, cas: bool, touch: Option<i32>) {
    match touch {
        None => out.extend_from_slice(if cas { b"gets" } else { b"get" }),
        Some(exptime) => {
            out.extend_from_slice(if cas { b"gats" } else { b"gat" });
            signed(out, exptime);
        }
    }
}

fn meta(out: &mut Vec<u8>, command: &[u8; 2], key: MetaKey<'_>, flags: MetaFlags<'_>) {
    out.extend_from_slice(command);
    word(out, key.raw().as_bytes());
    word(out, flags.as_words().as_bytes());
    line_end(out);
}

fn word(out: &mut Vec<u8>, word: &[u8]) {
    if !word.is_empty() {
        out.push(b' ');
        out.extend_from_slice(word);
    }
}

fn number(out: &mut Vec<u8>, number: u64) {
    out.push(b' ');
    digits::push(out, number);
}

fn signed(out: &mut Vec<u8>, number: i32) {
    out.push(b' ');
    digits::push_signed(out, i64::from(number));
}

fn end(out: &mut Vec<u8>, noreply: bool) {
    out.extend_from_slice(if noreply { b" noreply\r\n" } else { b"\r\n" });
}

fn line_end(out: &mut Vec<u8>) {
    out.extend_from_slice(b"\r\n");
}
