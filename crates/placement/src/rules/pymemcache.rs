//! pymemcache's `HashClient`: rendezvous hashing of texts.
//!
//! A server's score is murmur3 in 32 bits, seed 0, of `host:port-key`, or of the path of a unix socket in place of
//! `host:port`. Python hashes characters there, of which it takes the lower eight bits, and counts characters. Keys are
//! meant to be given as text; with `keys=bytes` they are hashed as Python shows bytes, `b'…'`, and land elsewhere.
//!
//! - **Shape**: the server's text and 8 bytes of murmur3's state after it.
//! - **Cost**: O(servers) a lookup, about 10 ns each.
//! - **Balance**: as even as the hash; only keys of servers that come or go move.
//! - **Ties**: the greatest text.
//! - **Source**: pymemcache 4.0 `client/rendezvous.py`, `client/murmur3.py`, `client/hash.py`.

use crate::hash::{murmur3_absorb, murmur3_of_bytes};
use crate::owners::Owners;
use crate::{PythonKeys, Server, Spec};
use std::borrow::Cow;

#[derive(Clone, Debug)]
pub(crate) struct Pymemcache {
    nodes: Box<[Node]>,
    keys: PythonKeys,
}

/// A server whose text is hashed as far as that goes without a key.
#[derive(Clone, Debug)]
struct Node {
    text: Box<str>,
    state: u32,
    /// The characters that make no whole word.
    rest: Box<[u8]>,
    length: u32,
}

impl Pymemcache {
    /// For at least one server.
    pub(super) fn new(spec: &Spec, servers: &[Server]) -> Pymemcache {
        let nodes = servers.iter().map(|server| Node::new(server.endpoint())).collect();
        Pymemcache { nodes, keys: spec.options.keys.unwrap_or(PythonKeys::Str) }
    }

    pub(crate) fn owner(&self, key: &[u8]) -> usize {
        let key = self.characters(key);
        // `max` takes the last of equals, and only servers of the same text are equal.
        let scores = self.nodes.iter().map(|node| (node.score(&key), &node.text)).zip(0..);
        scores.max_by(|(a, _), (b, _)| a.cmp(b)).map_or(0, |(_, server)| server)
    }

    pub(crate) fn owners(&self, key: &[u8], owners: &mut Owners) {
        let key = self.characters(key);
        let mut ranked: Vec<_> =
            self.nodes.iter().map(|node| (node.score(&key), &node.text)).zip(0..).collect();
        ranked.sort_by(|a, b| b.cmp(a));
        for (_, server) in ranked {
            owners.add(server);
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let texts: usize = self.nodes.iter().map(|node| node.text.len() + node.rest.len()).sum();
        size_of_val(&*self.nodes) + texts
    }

    /// What Python hashes of a key: the lower eight bits of each character.
    fn characters<'k>(&self, key: &'k [u8]) -> Cow<'k, [u8]> {
        match self.keys {
            PythonKeys::Bytes => Cow::Owned(repr(key)),
            PythonKeys::Str if key.is_ascii() => Cow::Borrowed(key),
            PythonKeys::Str => Cow::Owned(lower_bits(key)),
        }
    }
}

impl Node {
    fn new(text: String) -> Node {
        let hashed = lower_bits(format!("{text}-").as_bytes());
        let words = hashed.chunks_exact(4);
        let rest = words.remainder().into();
        Node { state: words.fold(0, murmur3_absorb), rest, length: hashed.len() as u32, text: text.into() }
    }

    fn score(&self, key: &[u8]) -> u32 {
        let bytes = self.rest.iter().chain(key).copied();
        murmur3_of_bytes(bytes, self.length + key.len() as u32, self.state)
    }
}

/// Bytes that are not UTF-8 stay as they are, as with Python's `surrogateescape`.
fn lower_bits(text: &[u8]) -> Vec<u8> {
    let chunks = text.utf8_chunks();
    chunks
        .flat_map(|chunk| chunk.valid().chars().map(|c| c as u8).chain(chunk.invalid().iter().copied()))
        .collect()
}

/// How Python shows bytes.
fn repr(bytes: &[u8]) -> Vec<u8> {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { b'"' } else { b'\'' };
    let mut shown = vec![b'b', quote];
    for &byte in bytes {
        match byte {
            b'\t' => shown.extend(b"\\t"),
            b'\n' => shown.extend(b"\\n"),
            b'\r' => shown.extend(b"\\r"),
            b'\\' => shown.extend(b"\\\\"),
            _ if byte == quote => shown.extend([b'\\', byte]),
            b' '..=b'~' => shown.push(byte),
            _ => shown.extend(format!("\\x{byte:02x}").bytes()),
        }
    }
    shown.push(quote);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_as_python_shows_them() {
        let check =
            |bytes: &[u8], expected: &str| assert_eq!(String::from_utf8(repr(bytes)).unwrap(), expected);
        check(b"key", "b'key'");
        check(b"it's", "b\"it's\"");
        check(b"'\"\\", "b'\\'\"\\\\'");
        check(b"\t\n\r\x00\x7f\xff", "b'\\t\\n\\r\\x00\\x7f\\xff'");
    }

    #[test]
    fn characters_lose_their_upper_bits() {
        assert_eq!(lower_bits("a€é".as_bytes()), [b'a', 0xac, 0xe9]);
        assert_eq!(lower_bits(b"a\xff\x80b"), [b'a', 0xff, 0x80, b'b']);
    }

    #[test]
    fn a_server_hashed_ahead_scores_the_same() {
        for text in ["a", "ab", "abc", "abcd", "host:11211"] {
            let node = Node::new(text.to_owned());
            for key in ["", "k", "key:42"] {
                let whole = format!("{text}-{key}");
                assert_eq!(
                    node.score(key.as_bytes()),
                    crate::hash::murmur3_32(whole.as_bytes(), 0),
                    "{whole}"
                );
            }
        }
    }
}
