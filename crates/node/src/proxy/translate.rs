//! Requests as servers get them, replies as clients get them.

use std::time::Duration;

use peerset_proto_memcache::reply::{MetaReply, MetaStatus, encode};
use peerset_proto_memcache::request::{Key, MetaFlags, MetaKey, Store};
use peerset_proto_memcache::{KEY_BYTES_MAX, Limits, MetaLine, Parsed, Reply, Request, base64, parse_reply};
use peerset_route::{Absent, Operation, shorten};

use super::pending::{Kind, Pending};

/// A single `get`, `gets`, `gat` or `gats` as `mg`: servers of before 1.6.20 answer each pipelined `get` with a system
/// call of its own, but meta commands in one. The reply names the key, so that nothing has to be kept to write
/// `VALUE`, and so that a reply to another request is noticed.
#[inline]
pub(super) fn meta_get(out: &mut Vec<u8>, prefix: &[u8], key: &[u8], cas: bool, touch: Option<i32>) {
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

/// One line for several keys, or what is added to such a line: `verb` is whether CAS values are wanted, and the exptime
/// of `gat`.
pub(super) fn multi_get<'k>(
    out: &mut Vec<u8>,
    prefix: &[u8],
    verb: Option<(bool, Option<i32>)>,
    keys: impl Iterator<Item = &'k [u8]>,
    lifetime: Option<Lifetime>,
) {
    match verb {
        None => {}
        Some((cas, None)) => out.extend_from_slice(if cas { b"gets" } else { b"get" }),
        Some((cas, Some(exptime))) => {
            out.extend_from_slice(if cas { b"gats " } else { b"gat " });
            number(out, shortened(exptime, lifetime));
        }
    }
    for key in keys {
        out.push(b' ');
        out.extend_from_slice(prefix);
        out.extend_from_slice(key);
    }
    out.extend_from_slice(LINE_END);
}

/// What ends a line.
pub(super) const LINE_END: &[u8] = b"\r\n";

/// The key that a request about one is about, as servers place it.
#[inline]
pub(super) fn key<'b>(request: &Request<'b>, room: &'b mut [u8; KEY_BYTES_MAX]) -> Option<&'b [u8]> {
    Some(match request {
        Request::Get(get) => get.keys.iter().next()?.as_bytes(),
        Request::Store(store) => store.key.as_bytes(),
        Request::Delete { key, .. } | Request::Touch { key, .. } => key.as_bytes(),
        Request::Arithmetic(count) => count.key.as_bytes(),
        Request::MetaGet(get) => get.key.decode(room),
        Request::MetaSet(set) => set.key.decode(room),
        Request::MetaDelete(delete) => delete.key.decode(room),
        Request::MetaArithmetic(count) => count.key.decode(room),
        Request::MetaDebug { key } => key.decode(room),
        _ => return None,
    })
}

/// What a request is to routes; none if it is about no key.
#[inline]
pub(super) fn operation(request: &Request<'_>) -> Option<Operation> {
    use peerset_proto_memcache::request::StoreVerb;
    Some(match request {
        Request::Get(get) if get.touch.is_some() => Operation::ReadAndTouch,
        Request::Get(_) | Request::MetaDebug { .. } => Operation::Read,
        Request::MetaGet(get) if get.ttl.is_some() => Operation::ReadAndTouch,
        Request::MetaGet(_) => Operation::Read,
        Request::Store(store) if store.verb == StoreVerb::Cas => Operation::CompareAndStore,
        Request::Store(_) => Operation::Store,
        Request::MetaSet(set) if set.cas.is_some() => Operation::CompareAndStore,
        Request::MetaSet(_) => Operation::Store,
        Request::Delete { .. } | Request::MetaDelete(_) => Operation::Delete,
        Request::Arithmetic(_) | Request::MetaArithmetic(_) => Operation::Arithmetic,
        Request::Touch { .. } => Operation::Touch,
        _ => return None,
    })
}

/// Whether the client wants no reply at all.
#[inline]
pub(super) fn is_noreply(request: &Request<'_>) -> bool {
    match request {
        Request::Store(store) => store.noreply,
        Request::Arithmetic(arithmetic) => arithmetic.noreply,
        Request::Delete { noreply, .. }
        | Request::Touch { noreply, .. }
        | Request::FlushAll { noreply, .. }
        | Request::Verbosity { noreply, .. } => *noreply,
        _ => false,
    }
}

/// Whether the reply to a request cannot be told from garbage: memcached writes the key of `me` as it is, line ends and
/// all.
pub(super) fn replies_raw(request: &Request<'_>) -> bool {
    let mut room = [0; KEY_BYTES_MAX];
    match request {
        Request::MetaDebug { key } => key.is_base64() && Key::new(key.decode(&mut room)).is_err(),
        _ => false,
    }
}

/// Whether a reply would have to repeat a key that is no text. memcached 1.6.18 repeats the key of an item that `mg` made
/// on a miss as it is, so servers are not asked to; [`restore_key`] does it in their place.
pub(super) fn hides_key(request: &Request<'_>) -> bool {
    let Some((key, flags)) = meta_key(request) else { return false };
    let mut room = [0; KEY_BYTES_MAX];
    key.is_base64()
        && flags.iter().any(|flag| flag.letter == b'k')
        && Key::new(key.decode(&mut room)).is_err()
}

/// Puts the key that was [hidden](hides_key) into a reply, where the request wanted it.
pub(super) fn restore_key(request: &Request<'_>, reply: &mut Vec<u8>, limits: &Limits) {
    let Some((key, flags)) = meta_key(request) else { return };
    let Ok(Parsed::Complete { value: Reply::Meta(meta), .. }) = parse_reply(reply, limits) else { return };
    let (mut out, mut room) = (Vec::with_capacity(reply.len() + KEY_BYTES_MAX + 4), [0; KEY_BYTES_MAX]);
    let mut line = match meta.value {
        Some(value) => MetaLine::reply_value(&mut out, value),
        None => MetaLine::reply(&mut out, meta.status),
    };
    let mut rest = meta.flags.iter().peekable();
    for wanted in flags {
        if wanted.letter == b'k' {
            line = line.key(key.decode(&mut room), key.is_base64());
        } else if let Some(flag) = rest.next_if(|flag| flag.letter == wanted.letter) {
            line = line.copy(flag);
        }
    }
    for flag in rest {
        line = line.copy(flag);
    }
    line.end();
    *reply = out;
}

/// Whether items may become stale by this request, so that reading one as `mg` would take what only one reader gets.
pub(super) fn marks_stale(request: &Request<'_>) -> bool {
    match request {
        Request::MetaSet(set) => set.invalidate,
        Request::MetaDelete(delete) => delete.invalidate,
        _ => false,
    }
}

/// How long what is stored may live, if it may not live as long as it says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lifetime {
    pub(super) most: Duration,
    /// In unix seconds.
    pub(super) now: u32,
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
pub(super) fn write(
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

/// Whether a key is too long for servers with so many bytes before it. What follows such a key could be taken for another
/// request.
pub(super) fn is_too_long(request: &Request<'_>, prefix: usize) -> bool {
    let mut room = [0; KEY_BYTES_MAX];
    let bytes = match (request, meta_key(request)) {
        (Request::Get(get), _) => get.keys.iter().map(|key| key.as_bytes().len()).max().unwrap_or(0) + prefix,
        (_, Some((key, _))) if key.is_base64() => (prefix + key.decode(&mut room).len()).div_ceil(3) * 4,
        _ => key(request, &mut room).map_or(0, <[u8]>::len) + prefix,
    };
    bytes > KEY_BYTES_MAX
}

fn meta_key<'b>(request: &Request<'b>) -> Option<(MetaKey<'b>, MetaFlags<'b>)> {
    Some(match request {
        Request::MetaGet(get) => (get.key, get.flags),
        Request::MetaSet(set) => (set.key, set.flags),
        Request::MetaDelete(delete) => (delete.key, delete.flags),
        Request::MetaArithmetic(count) => (count.key, count.flags),
        _ => return None,
    })
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

fn number(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Writes a reply as the client is to see it.
#[inline]
pub(super) fn reply(pending: &Pending, reply: &Reply<'_>, bytes: &[u8], out: &mut Vec<u8>) {
    match (pending.kind, reply) {
        (Kind::Hit { cas }, Reply::Meta(meta)) => hit(meta, bytes, cas, usize::from(pending.prefix), out),
        (Kind::QuietHit, Reply::Meta(MetaReply { status: MetaStatus::Miss, .. })) => {}
        (_, Reply::Meta(meta)) if pending.prefix > 0 => {
            without_prefix(meta, usize::from(pending.prefix), out);
        }
        _ => out.extend_from_slice(bytes),
    }
}

/// An `mg` reply as that of `get` or `gets`.
#[inline]
fn hit(meta: &MetaReply<'_>, bytes: &[u8], cas: bool, prefix: usize, out: &mut Vec<u8>) {
    let Some(value) = meta.value else { return out.extend_from_slice(encode::END) };
    let (mut key, mut encoded, mut flags, mut unique) = (&b""[..], false, &b"0"[..], &b"0"[..]);
    for flag in meta.flags {
        match flag.letter {
            b'k' => key = flag.token,
            b'b' => encoded = true,
            b'f' => flags = flag.token,
            b'c' => unique = flag.token,
            _ => {}
        }
    }
    // The block with its line ends stands in the reply as it is wanted.
    let block = &bytes[bytes.len() - value.len() - 4..];
    out.reserve(key.len() + block.len() + 64);
    out.extend_from_slice(b"VALUE ");
    let mut room = [0; KEY_BYTES_MAX];
    match encoded.then(|| Key::new(key).ok().and_then(MetaKey::encoded)).flatten() {
        Some(key) => out.extend_from_slice(key.decode(&mut room).get(prefix..).unwrap_or_default()),
        None => out.extend_from_slice(key.get(prefix..).unwrap_or_default()),
    }
    out.push(b' ');
    out.extend_from_slice(flags);
    out.push(b' ');
    number(out, value.len() as u64);
    if cas {
        out.push(b' ');
        out.extend_from_slice(unique);
    }
    out.extend_from_slice(block);
    out.extend_from_slice(encode::END);
}

/// A meta reply without what the pool puts before keys.
fn without_prefix(meta: &MetaReply<'_>, prefix: usize, out: &mut Vec<u8>) {
    let key = meta.key();
    let mut room = [0; KEY_BYTES_MAX];
    let mut line = match meta.value {
        Some(value) => MetaLine::reply_value(out, value),
        None => MetaLine::reply(out, meta.status),
    };
    for flag in meta.flags {
        line = match (flag.letter, key) {
            (b'k', Some(key)) => {
                line.key(key.decode(&mut room).get(prefix..).unwrap_or_default(), key.is_base64())
            }
            (b'b', Some(key)) if key.is_base64() => line,
            _ => line.copy(flag),
        };
    }
    line.end();
}

/// Answers for a server that is not asked: it is empty, and stores nothing.
pub(super) fn absent(request: &Request<'_>, operation: Operation, out: &mut Vec<u8>) {
    match request {
        Request::MetaGet(get) if get.quiet => return,
        Request::MetaDebug { .. } => return out.extend_from_slice(encode::META_MISS),
        _ => {}
    }
    let Some((key, flags)) = meta_key(request) else {
        return out.extend_from_slice(absent_line(operation));
    };
    let status = match operation.absent() {
        Absent::NotStored => MetaStatus::NotStored,
        Absent::NotFound => MetaStatus::NotFound,
        Absent::Miss => MetaStatus::Miss,
    };
    let mut room = [0; KEY_BYTES_MAX];
    let mut line = MetaLine::reply(out, status);
    for flag in flags {
        line = match flag.letter {
            b'O' => line.copy(flag),
            b'k' => line.key(key.decode(&mut room), key.is_base64()),
            _ => line,
        };
    }
    line.end();
}

/// The same in the words of the classic protocol.
pub(super) fn absent_line(operation: Operation) -> &'static [u8] {
    match operation.absent() {
        Absent::Miss => encode::END,
        Absent::NotStored => encode::NOT_STORED,
        Absent::NotFound => encode::NOT_FOUND,
    }
}

#[cfg(test)]
mod tests {
    use peerset_proto_memcache::parse_request;

    use super::*;

    fn request(line: &str) -> Request<'_> {
        match parse_request(line.as_bytes(), &Limits::default()) {
            Ok(Parsed::Complete { value, .. }) => value,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn check_sent(line: &str, seconds: Option<u64>, expected: &str) {
        let lifetime =
            seconds.map(|seconds| Lifetime { most: Duration::from_secs(seconds), now: 1_700_000_000 });
        let mut out = Vec::new();
        write(&request(line), lifetime, b"", &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn requests_are_passed_on_without_what_silences_them() {
        check_sent("set a 1 0 2 noreply\r\nhi\r\n", None, "set a 1 0 2\r\nhi\r\n");
        check_sent("delete a noreply\r\n", None, "delete a\r\n");
        check_sent("incr a 5 noreply\r\n", None, "incr a 5\r\n");
        check_sent("mg a v q k O7\r\n", None, "mg a v k O7\r\n");
        check_sent("md a q I T30\r\n", None, "md a q I T30\r\nmn\r\n");
        check_sent("ms a 2 q T0\r\nhi\r\n", None, "ms a 2 q T0\r\nhi\r\nmn\r\n");
        check_sent("mg AA== b k O7 v\r\n", None, "mg AA== b O7 v\r\n");
        check_sent("mg YQ== b k\r\n", None, "mg YQ== b k\r\n");
        check_sent("ma YQ== b\r\n", None, "ma YQ== b\r\n");
    }

    #[test]
    fn what_a_stand_in_stores_lives_short() {
        check_sent("set a 1 0 2\r\nhi\r\n", Some(10), "set a 1 10 2\r\nhi\r\n");
        check_sent("set a 1 5 2\r\nhi\r\n", Some(10), "set a 1 5 2\r\nhi\r\n");
        check_sent("set a 1 -1 2\r\nhi\r\n", Some(10), "set a 1 -1 2\r\nhi\r\n");
        check_sent("touch a 100\r\n", Some(10), "touch a 10\r\n");
        check_sent("ms a 2 F1\r\nhi\r\n", Some(10), "ms a 2 F1 T10\r\nhi\r\n");
        check_sent("ms a 2 T99 F1\r\nhi\r\n", Some(10), "ms a 2 T10 F1\r\nhi\r\n");
        check_sent("mg a v N60 R5\r\n", Some(10), "mg a v N10 R5\r\n");
        check_sent("delete a\r\n", Some(10), "delete a\r\n");
    }

    #[track_caller]
    fn check_reply(kind: Kind, from_server: &str, expected: &str) {
        let pending = Pending {
            to: super::super::pending::To::Nobody,
            kind,
            operation: Operation::Read,
            route: None,
            key: 0,
            prefix: 0,
            keys: 1,
            joined: false,
            since: std::time::Instant::now(),
        };
        let Ok(Parsed::Complete { value, consumed }) =
            parse_reply(from_server.as_bytes(), &Limits::default())
        else {
            panic!("{from_server:?} is a reply")
        };
        let mut out = Vec::new();
        reply(&pending, &value, &from_server.as_bytes()[..consumed], &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn hits_become_values() {
        let (get, gets) = (Kind::Hit { cas: false }, Kind::Hit { cas: true });
        check_reply(get, "VA 2 kab f7\r\nhi\r\n", "VALUE ab 7 2\r\nhi\r\nEND\r\n");
        check_reply(gets, "VA 0 kab f0 c99\r\n\r\n", "VALUE ab 0 0 99\r\n\r\nEND\r\n");
        check_reply(get, "VA 2 kYWI= b f7 W X\r\nhi\r\n", "VALUE ab 7 2\r\nhi\r\nEND\r\n");
        check_reply(get, "EN\r\n", "END\r\n");
        check_reply(get, "SERVER_ERROR out of memory\r\n", "SERVER_ERROR out of memory\r\n");
        check_reply(Kind::QuietHit, "EN\r\n", "");
        check_reply(Kind::Meta { echoes: false }, "EN\r\n", "EN\r\n");
    }

    #[test]
    fn prefixes_stand_before_keys() {
        #[track_caller]
        fn check(line: &str, expected: &str) {
            let mut out = b"earlier ".to_vec();
            write(&request(line), None, b"app:", &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("earlier {expected}"));
        }
        check("set a 1 0 2\r\nhi\r\n", "set app:a 1 0 2\r\nhi\r\n");
        check("touch a 9\r\n", "touch app:a 9\r\n");
        check("mg a v k O1\r\n", "mg app:a v k O1\r\n");
        check("md YQ== b q\r\n", "md YXBwOmE= b q\r\nmn\r\n");
        let (long, encoded) = ("k".repeat(247), format!("md {} b\r\n", "YWFh".repeat(62)));
        for line in [format!("delete {long}\r\n"), format!("get a {long} b\r\n")] {
            assert!(is_too_long(&request(&line), 4) && !is_too_long(&request(&line), 3));
        }
        assert!(is_too_long(&request(&encoded), 1));
    }

    #[test]
    fn hidden_keys_come_back_where_they_were_wanted() {
        let request = request("mg AA== b O7 k t v\r\n");
        assert!(hides_key(&request));
        for (from_server, expected) in [
            ("VA 2 O7 t-1 W\r\nhi\r\n", "VA 2 O7 kAA== b t-1 W\r\nhi\r\n"),
            ("EN O7\r\n", "EN O7 kAA== b\r\n"),
            ("SERVER_ERROR no\r\n", "SERVER_ERROR no\r\n"),
        ] {
            let mut reply = from_server.as_bytes().to_vec();
            restore_key(&request, &mut reply, &Limits::default());
            assert_eq!(String::from_utf8(reply).unwrap(), expected);
        }
    }

    #[track_caller]
    fn check_absent(line: &str, expected: &str) {
        let request = request(line);
        let mut out = Vec::new();
        absent(&request, operation(&request).unwrap(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_server_that_is_not_asked_is_empty_and_stores_nothing() {
        check_absent("get a\r\n", "END\r\n");
        check_absent("set a 0 0 1\r\nx\r\n", "NOT_STORED\r\n");
        check_absent("cas a 0 0 1 5\r\nx\r\n", "NOT_FOUND\r\n");
        check_absent("touch a 1\r\n", "NOT_FOUND\r\n");
        check_absent("mg a v\r\n", "EN\r\n");
        check_absent("mg a v O1 k\r\n", "EN O1 ka\r\n");
        check_absent("mg a v q\r\n", "");
        check_absent("ms YQ== 1 b k O1\r\nx\r\n", "NS kYQ== b O1\r\n");
        check_absent("md a q O1\r\n", "NF O1\r\n");
    }
}
