//! Requests as bytes, and what their replies must be.

use anyhow::{Result, bail};

use super::data::{KeyNames, VALUE_BYTES, is_value_of, push_value};

/// Which commands are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `get` and `set`.
    Classic,
    /// `mg` with `v`, and `ms`.
    Meta,
    /// `get` of this many keys, and `set`.
    MultiGet(usize),
}

/// One part of the replies that are awaited. A request has one, except a multi-get: one for each key and an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    /// `VALUE …` and the value.
    Value(u32),
    /// `END` behind values.
    End,
    /// `STORED`.
    Stored,
    /// `VA 100` and the value.
    MetaValue(u32),
    /// `HD`.
    MetaDone,
}

const CLASSIC_HEAD_REST: &[u8] = b" 0 100\r\n";
const META_HEAD: &[u8] = b"VA 100\r\n";

impl Dialect {
    /// Appends a request to read keys that `next_key` chooses.
    pub(super) fn push_get(
        self,
        keys: &KeyNames,
        mut next_key: impl FnMut() -> u32,
        out: &mut Vec<u8>,
        awaited: &mut Vec<Awaited>,
    ) {
        if self == Dialect::Meta {
            let id = next_key();
            out.extend_from_slice(b"mg ");
            out.extend_from_slice(keys.name(id));
            out.extend_from_slice(b" v\r\n");
            return awaited.push(Awaited::MetaValue(id));
        }
        let count = if let Dialect::MultiGet(count) = self { count } else { 1 };
        out.extend_from_slice(b"get");
        for _ in 0..count {
            let id = next_key();
            out.push(b' ');
            out.extend_from_slice(keys.name(id));
            awaited.push(Awaited::Value(id));
        }
        out.extend_from_slice(b"\r\n");
        awaited.push(Awaited::End);
    }

    /// Appends a request to store a version of a key's value.
    pub(super) fn push_set(
        self,
        keys: &KeyNames,
        id: u32,
        version: u8,
        out: &mut Vec<u8>,
        awaited: &mut Vec<Awaited>,
    ) {
        let (verb, arguments, reply) = match self {
            Dialect::Meta => (&b"ms "[..], &b" 100\r\n"[..], Awaited::MetaDone),
            Dialect::Classic | Dialect::MultiGet(_) => (&b"set "[..], &b" 0 0 100\r\n"[..], Awaited::Stored),
        };
        out.extend_from_slice(verb);
        out.extend_from_slice(keys.name(id));
        out.extend_from_slice(arguments);
        push_value(out, id, version);
        out.extend_from_slice(b"\r\n");
        awaited.push(reply);
    }
}

impl Awaited {
    /// The length of this part, which is always the same.
    pub(super) fn bytes(self, keys: &KeyNames) -> usize {
        match self {
            Awaited::Value(_) => 6 + keys.bytes() + CLASSIC_HEAD_REST.len() + VALUE_BYTES + 2,
            Awaited::End => 5,
            Awaited::Stored => 8,
            Awaited::MetaValue(_) => META_HEAD.len() + VALUE_BYTES + 2,
            Awaited::MetaDone => 4,
        }
    }

    fn is(self, keys: &KeyNames, part: &[u8]) -> bool {
        match self {
            Awaited::Value(id) => {
                let (head, rest) = part.split_at(6);
                let (name, rest) = rest.split_at(keys.bytes());
                let (head_rest, rest) = rest.split_at(CLASSIC_HEAD_REST.len());
                head == b"VALUE "
                    && name == keys.name(id)
                    && head_rest == CLASSIC_HEAD_REST
                    && is_block(rest, id)
            }
            Awaited::MetaValue(id) => {
                let (head, rest) = part.split_at(META_HEAD.len());
                head == META_HEAD && is_block(rest, id)
            }
            Awaited::End => part == b"END\r\n",
            Awaited::Stored => part == b"STORED\r\n",
            Awaited::MetaDone => part == b"HD\r\n",
        }
    }
}

fn is_block(block: &[u8], id: u32) -> bool {
    let (value, end) = block.split_at(VALUE_BYTES);
    end == b"\r\n" && is_value_of(value, id)
}

/// Checks replies against what was awaited, from the front.
pub(super) fn check(keys: &KeyNames, awaited: &[Awaited], mut replies: &[u8]) -> Result<()> {
    for part in awaited {
        let Some((bytes, rest)) = replies.split_at_checked(part.bytes(keys)) else {
            bail!("instead of {part:?}: {:?} and then nothing", replies.escape_ascii().to_string());
        };
        if !part.is(keys, bytes) {
            bail!("instead of {part:?}: {:?}", bytes.escape_ascii().to_string());
        }
        replies = rest;
    }
    if replies.is_empty() { Ok(()) } else { bail!("unasked: {:?}", replies.escape_ascii().to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_byte_is_seen() {
        let keys = KeyNames::new(10, 12);
        let awaited =
            [Awaited::Value(3), Awaited::End, Awaited::Stored, Awaited::MetaValue(4), Awaited::MetaDone];
        let mut replies = b"VALUE key:00000003 0 100\r\n".to_vec();
        push_value(&mut replies, 3, 1);
        replies.extend_from_slice(b"\r\nEND\r\nSTORED\r\nVA 100\r\n");
        push_value(&mut replies, 4, 9);
        replies.extend_from_slice(b"\r\nHD\r\n");
        assert_eq!(replies.len(), awaited.iter().map(|part| part.bytes(&keys)).sum());
        check(&keys, &awaited, &replies).unwrap();
        for at in 0..replies.len() {
            let mut wrong = replies.clone();
            wrong[at] ^= 1;
            assert!(check(&keys, &awaited, &wrong).is_err(), "{at}");
            assert!(check(&keys, &awaited, &replies[..at]).is_err(), "{at}");
        }
        replies.push(b'\n');
        assert!(check(&keys, &awaited, &replies).is_err());
    }
}
