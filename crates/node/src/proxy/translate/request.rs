//! Requests as servers get them.

use std::time::Duration;

use peerset_proto_memcache::request::{MetaFlags, MetaKey, Store};
use peerset_proto_memcache::{KEY_BYTES_MAX, Request, base64};
use peerset_route::shorten;

use super::about::{hides_key, meta_key};
use super::number;
use crate::proxy::pending::Kind;

/// A single `get`, `gets`, `gat` or `gats` as `mg`: servers of before 1.6.20 answer each pipelined `get` with a system
/// call of its own, but meta commands in one. The reply names the key, so that nothing has to be kept to write
/// `VALUE`, and so that a reply to another request is noticed.
#[inline]
pub(in crate::proxy) fn meta_get(
    out: &mut Vec<u8>,
    prefix: &[u8],
    key: &[u8],
    cas: bool,
    touch: Option<i32>,
) {
    out.extend_from_slice(b"mg ");
    out.extend_from_slice(prefix);
    out.extend_from_slice(key);
    out.extend_from_slice(if cas { b" k f c v".as_slice() } else { b" k f v" });
    if let Some(exptime) = touch {
        out.extend_from_slice(b" T");
        number(out, i64::from(exptime));
    }
    out.extend_from_slice(b"\r\n");
}

/// What begins the line of a `gat` or, with `cas`, `gats`: [keys] follow, and the [end](LINE_END).
pub(in crate::proxy) fn get_and_touch(
    out: &mut Vec<u8>,
    cas: bool,
    exptime: i32,
    lifetime: Option<Lifetime>,
) {
    out.extend_from_slice(if cas { b"gats " } else { b"gat " });
    number(out, shortened(exptime, lifetime));
}

/// Keys of a line, with a space before each.
#[inline]
pub(in crate::proxy) fn keys<'k>(out: &mut Vec<u8>, prefix: &[u8], keys: impl Iterator<Item = &'k [u8]>) {
    for key in keys {
        out.push(b' ');
        out.extend_from_slice(prefix);
        out.extend_from_slice(key);
    }
}

/// What ends a line.
pub(in crate::proxy) const LINE_END: &[u8] = b"\r\n";

/// How long what is stored may live, if it may not live as long as it says.
#[derive(Debug, Clone, Copy)]
pub(in crate::proxy) struct Lifetime {
    pub(in crate::proxy) most: Duration,
    /// In unix seconds.
    pub(in crate::proxy) now: u32,
}

impl Lifetime {
    fn of(self, exptime: i32) -> i32 {
        i32::try_from(shorten(i64::from(exptime), self.most, i64::from(self.now))).unwrap_or(i32::MAX)
    }
}

fn shortened(exptime: i32, lifetime: Option<Lifetime>) -> i32 {
    lifetime.map_or(exptime, |lifetime| lifetime.of(exptime))
}

/// Writes a request about one key for a server, without `noreply`: the order of replies is all that matches them to
/// requests. Gives what kind of reply it will be.
#[inline]
pub(in crate::proxy) fn write(
    request: &Request<'_>,
    lifetime: Option<Lifetime>,
    prefix: &[u8],
    out: &mut Vec<u8>,
) -> Kind {
    let start = out.len();
    let kind = write_plain(request, lifetime, out);
    if !prefix.is_empty() {
        put_before_key(prefix, request, start, out);
    }
    kind
}

/// Puts a prefix before the key of the request that begins at `start`: its second word.
fn put_before_key(prefix: &[u8], request: &Request<'_>, start: usize, out: &mut Vec<u8>) {
    let Some(space) = out[start..].iter().position(|&byte| byte == b' ') else { return };
    let at = start + space + 1;
    let encoded = match meta_key(request) {
        Some((key, _)) if key.is_base64() => key,
        _ => {
            out.splice(at..at, prefix.iter().copied());
            return;
        }
    };
    let mut room = [0; KEY_BYTES_MAX];
    let mut whole = Vec::new();
    base64::encode(&[prefix, encoded.decode(&mut room)].concat(), &mut whole);
    out.splice(at..at + encoded.raw().as_bytes().len(), whole);
}

#[inline]
fn write_plain(request: &Request<'_>, lifetime: Option<Lifetime>, out: &mut Vec<u8>) -> Kind {
    let hides_key = hides_key(request);
    match *request {
        Request::Store(store) => {
            let exptime = shortened(store.exptime, lifetime);
            Request::Store(Store { noreply: false, exptime, ..store }).encode(out);
            Kind::Line
        }
        Request::Delete { key, .. } => {
            Request::Delete { key, noreply: false }.encode(out);
            Kind::Line
        }
        Request::Touch { key, exptime, .. } => {
            Request::Touch { key, exptime: shortened(exptime, lifetime), noreply: false }.encode(out);
            Kind::Line
        }
        Request::Arithmetic(mut arithmetic) => {
            arithmetic.noreply = false;
            Request::Arithmetic(arithmetic).encode(out);
            Kind::Line
        }
        Request::MetaGet(get) => {
            let echoes = get.flags.iter().any(|flag| matches!(flag.letter, b'O' | b'k'));
            let kind = if get.quiet { Kind::QuietHit } else { Kind::Meta { echoes } };
            Meta { command: b"mg", key: get.key, value: None, flags: get.flags, hides_key }
                .write(lifetime, get.quiet, out);
            kind
        }
        Request::MetaSet(set) => {
            Meta { command: b"ms", key: set.key, value: Some(set.value), flags: set.flags, hides_key }
                .write(lifetime, false, out);
            quiet(out, set.quiet)
        }
        Request::MetaDelete(delete) => {
            Meta { command: b"md", key: delete.key, value: None, flags: delete.flags, hides_key }
                .write(lifetime, false, out);
            quiet(out, delete.quiet)
        }
        Request::MetaArithmetic(count) => {
            Meta { command: b"ma", key: count.key, value: None, flags: count.flags, hides_key }
                .write(lifetime, false, out);
            quiet(out, count.quiet)
        }
        ref other => {
            other.encode(out);
            Kind::Meta { echoes: false }
        }
    }
}

/// What a server is silent about when asked to be quiet differs between versions. It decides, and `mn` tells when it has.
fn quiet(out: &mut Vec<u8>, quiet: bool) -> Kind {
    if !quiet {
        return Kind::Meta { echoes: true };
    }
    out.extend_from_slice(b"mn\r\n");
    Kind::Quiet { replied: false }
}

/// A meta command to be passed on.
struct Meta<'b> {
    command: &'static [u8; 2],
    key: MetaKey<'b>,
    value: Option<&'b [u8]>,
    flags: MetaFlags<'b>,
    hides_key: bool,
}

impl Meta<'_> {
    /// With its exptimes shortened, and spoken aloud where `aloud`. The key is not asked for where it would be hidden.
    fn write(&self, lifetime: Option<Lifetime>, aloud: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(self.command);
        out.push(b' ');
        out.extend_from_slice(self.key.raw().as_bytes());
        if let Some(value) = self.value {
            out.push(b' ');
            number(out, value.len() as u64);
        }
        let mut lives = self.value.is_some();
        for flag in self.flags {
            if (aloud && flag.letter == b'q') || (flag.letter == b'k' && self.hides_key) {
                continue;
            }
            out.extend_from_slice(&[b' ', flag.letter]);
            let exptime = lifetime.filter(|_| matches!(flag.letter, b'T' | b'N')).and_then(|lifetime| {
                Some(lifetime.of(std::str::from_utf8(flag.token).ok()?.trim().parse().ok()?))
            });
            match exptime {
                Some(exptime) => number(out, i64::from(exptime)),
                None => out.extend_from_slice(flag.token),
            }
            lives &= flag.letter != b'T';
        }
        if let (true, Some(lifetime)) = (lives, lifetime) {
            out.extend_from_slice(b" T");
            number(out, i64::from(lifetime.of(0)));
        }
        out.extend_from_slice(b"\r\n");
        if let Some(value) = self.value {
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        }
    }
}
