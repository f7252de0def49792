//! Replies as clients get them.

use peerset_proto_memcache::reply::{MetaReply, MetaStatus, encode};
use peerset_proto_memcache::request::{Key, MetaKey};
use peerset_proto_memcache::{KEY_BYTES_MAX, Limits, MetaLine, Parsed, Reply, Request, parse_reply};
use peerset_route::{Absent, Operation};

use super::about::meta_key;
use super::number;
use crate::proxy::pending::{Kind, Pending};

/// Writes a reply as the client is to see it.
#[inline]
pub(in crate::proxy) fn reply(pending: &Pending, reply: &Reply<'_>, bytes: &[u8], out: &mut Vec<u8>) {
    match (pending.kind, reply) {
        (Kind::Hit { cas }, Reply::Meta(meta)) => hit(meta, bytes, cas, usize::from(pending.prefix), out),
        (Kind::Read { .. }, Reply::Value(_)) => value(bytes, usize::from(pending.prefix), out),
        (Kind::QuietHit, Reply::Meta(MetaReply { status: MetaStatus::Miss, .. })) => {}
        (_, Reply::Meta(meta)) if pending.prefix > 0 => {
            without_prefix(meta, usize::from(pending.prefix), out);
        }
        (_, Reply::MetaDebug { key, text }) if pending.prefix > 0 => {
            let key = key.as_bytes().get(usize::from(pending.prefix)..).unwrap_or_default();
            out.extend_from_slice(&[b"ME ", key, b" ", *text, b"\r\n"].concat());
        }
        _ => out.extend_from_slice(bytes),
    }
}

/// A value that came among others, as the only one.
#[inline]
fn value(bytes: &[u8], prefix: usize, out: &mut Vec<u8>) {
    const VALUE: &[u8] = b"VALUE ";
    out.reserve(bytes.len() + encode::END.len());
    if prefix == 0 {
        out.extend_from_slice(bytes);
    } else {
        out.extend_from_slice(VALUE);
        out.extend_from_slice(bytes.get(VALUE.len() + prefix..).unwrap_or_default());
    }
    out.extend_from_slice(encode::END);
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

/// Puts the key that was [hidden](super::hides_key) into a reply, where the request wanted it.
pub(in crate::proxy) fn restore_key(request: &Request<'_>, reply: &mut Vec<u8>, limits: &Limits) {
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

/// Answers for a server that is not asked: it is empty, and stores nothing.
pub(in crate::proxy) fn absent(request: &Request<'_>, operation: Operation, out: &mut Vec<u8>) {
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
pub(in crate::proxy) fn absent_line(operation: Operation) -> &'static [u8] {
    match operation.absent() {
        Absent::Miss => encode::END,
        Absent::NotStored => encode::NOT_STORED,
        Absent::NotFound => encode::NOT_FOUND,
    }
}
