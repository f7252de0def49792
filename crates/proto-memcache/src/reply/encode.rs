//! Replies to bytes: what a server appends to its output. Nothing is allocated but the room in `out`.
//!
//! Meta replies are written with [`MetaLine`], errors taken from
//! [`RequestError::reply`](crate::RequestError::reply).

use super::{Config, ConfigNode, MetaReply, Reply, Value};
use crate::{MetaLine, digits};

/// `STORED`
pub const STORED: &[u8] = b"STORED\r\n";
/// `NOT_STORED`
pub const NOT_STORED: &[u8] = b"NOT_STORED\r\n";
/// `EXISTS`
pub const EXISTS: &[u8] = b"EXISTS\r\n";
/// `NOT_FOUND`
pub const NOT_FOUND: &[u8] = b"NOT_FOUND\r\n";
/// `DELETED`
pub const DELETED: &[u8] = b"DELETED\r\n";
/// `TOUCHED`
pub const TOUCHED: &[u8] = b"TOUCHED\r\n";
/// `OK`
pub const OK: &[u8] = b"OK\r\n";
/// `END`
pub const END: &[u8] = b"END\r\n";
/// `RESET`
pub const RESET: &[u8] = b"RESET\r\n";
/// `MN`
pub const META_NOOP: &[u8] = b"MN\r\n";
/// `EN`, as `me` has it. `mg` returns flags with it, see [`MetaLine`].
pub const META_MISS: &[u8] = b"EN\r\n";
/// `ERROR`
pub const ERROR: &[u8] = b"ERROR\r\n";
/// To `shutdown`, as a memcached without `-A` says it.
pub const SHUTDOWN_REFUSED: &[u8] = b"ERROR: shutdown not enabled\r\n";
/// To `incr`, `decr` and `ma` on what is no number.
pub const NON_NUMERIC: &[u8] = b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n";
/// To a store for which there is no room.
pub const OUT_OF_MEMORY: &[u8] = b"SERVER_ERROR out of memory storing object\r\n";
/// To connections over the limit, before they are closed.
pub const TOO_MANY_CONNECTIONS: &[u8] = b"ERROR Too many open connections\r\n";

/// Appends `VALUE` and the value.
#[inline]
pub fn value(out: &mut Vec<u8>, value: &Value<'_>) {
    value_header(out, value.key.as_bytes(), value.flags, value.value.len(), value.cas);
    out.extend_from_slice(value.value);
    out.extend_from_slice(b"\r\n");
}

/// Appends the line of a `VALUE` whose bytes, and the `\r\n` behind them, the caller appends.
#[inline]
pub fn value_header(out: &mut Vec<u8>, key: &[u8], flags: u32, value_bytes: usize, cas: Option<u64>) {
    out.extend_from_slice(b"VALUE ");
    out.extend_from_slice(key);
    out.push(b' ');
    digits::push(out, u64::from(flags));
    out.push(b' ');
    digits::push(out, value_bytes as u64);
    if let Some(cas) = cas {
        out.push(b' ');
        digits::push(out, cas);
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends a line with a number, the reply to `incr` and `decr`.
#[inline]
pub fn number(out: &mut Vec<u8>, number: u64) {
    digits::push(out, number);
    out.extend_from_slice(b"\r\n");
}

/// Appends a `STAT` line. The value may be anything without a line end.
pub fn stat(out: &mut Vec<u8>, name: &str, value: &str) {
    line(out, &[b"STAT ", name.as_bytes(), b" ", value.as_bytes()]);
}

/// Appends a `STAT` line with a number.
pub fn stat_number(out: &mut Vec<u8>, name: &str, value: u64) {
    out.extend_from_slice(b"STAT ");
    out.extend_from_slice(name.as_bytes());
    out.push(b' ');
    number(out, value);
}

/// Appends a `VERSION` line.
pub fn version(out: &mut Vec<u8>, version: &str) {
    line(out, &[b"VERSION ", version.as_bytes()]);
}

/// Appends a `CLIENT_ERROR` line.
pub fn client_error(out: &mut Vec<u8>, text: &str) {
    line(out, &[b"CLIENT_ERROR ", text.as_bytes()]);
}

/// Appends a `SERVER_ERROR` line.
pub fn server_error(out: &mut Vec<u8>, text: &str) {
    line(out, &[b"SERVER_ERROR ", text.as_bytes()]);
}

/// Appends the `CONFIG` reply to `config get NAME`, `END` included. Allocates, since its length comes first.
pub fn config<'n>(
    out: &mut Vec<u8>,
    name: &[u8],
    version: u64,
    nodes: impl IntoIterator<Item = ConfigNode<'n>>,
) {
    let mut payload = Vec::new();
    digits::push(&mut payload, version);
    for (at, node) in nodes.into_iter().enumerate() {
        payload.push(if at == 0 { b'\n' } else { b' ' });
        for part in [node.host.as_bytes(), b"|", node.ip.as_bytes(), b"|"] {
            payload.extend_from_slice(part);
        }
        digits::push(&mut payload, u64::from(node.port));
    }
    let has_nodes = payload.contains(&b'\n');
    payload.extend_from_slice(if has_nodes { b"\n" } else { b"\n\n" });
    config_payload(out, name, 0, &payload);
}

fn config_payload(out: &mut Vec<u8>, name: &[u8], flags: u32, payload: &[u8]) {
    out.extend_from_slice(b"CONFIG ");
    out.extend_from_slice(name);
    out.push(b' ');
    digits::push(out, u64::from(flags));
    out.push(b' ');
    digits::push(out, payload.len() as u64);
    line(out, &[]);
    line(out, &[payload]);
    out.extend_from_slice(END);
}

fn line(out: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        out.extend_from_slice(part);
    }
    out.extend_from_slice(b"\r\n");
}

impl Reply<'_> {
    /// Appends the reply as a server sends it. Parsing gives the same reply again.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Reply::Value(ref found) => value(out, found),
            Reply::End => out.extend_from_slice(END),
            Reply::Stored => out.extend_from_slice(STORED),
            Reply::NotStored => out.extend_from_slice(NOT_STORED),
            Reply::Exists => out.extend_from_slice(EXISTS),
            Reply::NotFound => out.extend_from_slice(NOT_FOUND),
            Reply::Deleted => out.extend_from_slice(DELETED),
            Reply::Touched => out.extend_from_slice(TOUCHED),
            Reply::Ok => out.extend_from_slice(OK),
            Reply::Reset => out.extend_from_slice(RESET),
            Reply::Number(new) => number(out, new),
            Reply::Meta(MetaReply { value: Some(value), flags, .. }) => {
                // By two steps, since the line borrows the value as long as the buffer.
                MetaLine::reply_value_header(out, value.len()).copy_all(flags).end();
                line(out, &[value]);
            }
            Reply::Meta(MetaReply { status, value: None, flags }) => {
                MetaLine::reply(out, status).copy_all(flags).end();
            }
            Reply::MetaNoop => out.extend_from_slice(META_NOOP),
            Reply::MetaDebug { key, text } => line(out, &[b"ME ", key.as_bytes(), b" ", text]),
            Reply::Stat { name, value } => line(out, &[b"STAT ", name, b" ", value]),
            Reply::Version(text) => line(out, &[b"VERSION ", text]),
            Reply::Config(Config { name, flags, payload }) => {
                config_payload(out, name.as_bytes(), flags, payload);
            }
            Reply::Error(text) => line(out, &[b"ERROR", text]),
            Reply::ClientError(text) => line(out, &[b"CLIENT_ERROR ", text]),
            Reply::ServerError(text) => line(out, &[b"SERVER_ERROR ", text]),
            Reply::Refused { word, text } => line(out, &[word, b" ", text.as_bytes()]),
        }
    }
}
