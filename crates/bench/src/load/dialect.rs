//! Requests as bytes, and what their replies must be.

use std::io::Write as _;

use anyhow::{Result, bail};

use super::items::Items;

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

/// One part of the replies that are awaited. A request has one, except a multi-get: one for each key, in any
/// order, and an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    /// `VALUE …` and the value.
    Value(u32),
    /// `END` behind values.
    End,
    /// `STORED`.
    Stored,
    /// `VA …` and the value.
    MetaValue(u32),
    /// `HD`.
    MetaDone,
}

impl Dialect {
    /// Appends a request to read keys that `next_key` chooses.
    pub(super) fn push_get(
        self,
        items: &Items,
        mut next_key: impl FnMut() -> u32,
        out: &mut Vec<u8>,
        awaited: &mut Vec<Awaited>,
    ) {
        if self == Dialect::Meta {
            let id = next_key();
            out.extend_from_slice(b"mg ");
            out.extend_from_slice(items.key(id).as_bytes());
            out.extend_from_slice(b" v\r\n");
            return awaited.push(Awaited::MetaValue(id));
        }
        let count = if let Dialect::MultiGet(count) = self { count } else { 1 };
        out.extend_from_slice(b"get");
        for _ in 0..count {
            let id = next_key();
            out.push(b' ');
            out.extend_from_slice(items.key(id).as_bytes());
            awaited.push(Awaited::Value(id));
        }
        out.extend_from_slice(b"\r\n");
        awaited.push(Awaited::End);
    }

    /// Appends a request to store a version of a key's value.
    pub(super) fn push_set(
        self,
        items: &Items,
        id: u32,
        version: u8,
        out: &mut Vec<u8>,
        awaited: &mut Vec<Awaited>,
    ) {
        let (verb, flags_and_expiry, reply) = match self {
            Dialect::Meta => ("ms", "", Awaited::MetaDone),
            Dialect::Classic | Dialect::MultiGet(_) => ("set", " 0 0", Awaited::Stored),
        };
        // Writing to a vector cannot fail.
        let _ = write!(out, "{verb} {}{flags_and_expiry} {}\r\n", items.key(id), items.value_bytes());
        items.push_value(out, id, version);
        out.extend_from_slice(b"\r\n");
        awaited.push(reply);
    }
}

impl Awaited {
    /// The length of this part, which is always the same.
    pub(super) fn bytes(self, items: &Items) -> usize {
        let block = items.value_bytes() + 2;
        match self {
            Awaited::Value(_) => 6 + items.key_bytes() + items.classic_head_rest.len() + block,
            Awaited::End => 5,
            Awaited::Stored => 8,
            Awaited::MetaValue(_) => items.meta_head.len() + block,
            Awaited::MetaDone => 4,
        }
    }

    fn is(self, items: &Items, part: &[u8]) -> bool {
        match self {
            Awaited::Value(id) => {
                let (head, rest) = part.split_at(6);
                let (key, rest) = rest.split_at(items.key_bytes());
                let (head_rest, block) = rest.split_at(items.classic_head_rest.len());
                head == b"VALUE "
                    && key == items.key(id).as_bytes()
                    && head_rest == items.classic_head_rest
                    && is_block(items, block, id)
            }
            Awaited::MetaValue(id) => {
                let (head, block) = part.split_at(items.meta_head.len());
                head == items.meta_head && is_block(items, block, id)
            }
            Awaited::End => part == b"END\r\n",
            Awaited::Stored => part == b"STORED\r\n",
            Awaited::MetaDone => part == b"HD\r\n",
        }
    }
}

fn is_block(items: &Items, block: &[u8], id: u32) -> bool {
    let (value, end) = block.split_at(items.value_bytes());
    end == b"\r\n" && items.is_value_of(value, id)
}

/// Checks replies against what was awaited, from the front. What was awaited is put into the order of the replies.
pub(super) fn check(items: &Items, awaited: &mut [Awaited], mut replies: &[u8]) -> Result<()> {
    for at in 0..awaited.len() {
        let Some((bytes, rest)) = replies.split_at_checked(awaited[at].bytes(items)) else {
            let part = awaited[at];
            bail!("instead of {part:?}: {:?} and then nothing", replies.escape_ascii().to_string());
        };
        bring_forward(items, &mut awaited[at..], bytes);
        if !awaited[at].is(items, bytes) {
            bail!("instead of {:?}: {:?}", awaited[at], bytes.escape_ascii().to_string());
        }
        replies = rest;
    }
    if replies.is_empty() { Ok(()) } else { bail!("unasked: {:?}", replies.escape_ascii().to_string()) }
}

/// A proxy that asks several servers gives a multi-get's values in the order in which they answer: makes the one that
/// has come the first, if it is awaited by the same request.
fn bring_forward(items: &Items, awaited: &mut [Awaited], value: &[u8]) {
    let Some(&Awaited::Value(first)) = awaited.first() else { return };
    let Some(key) = value.get(6..6 + items.key_bytes()) else { return };
    if key == items.key(first).as_bytes() {
        return;
    }
    let Some(id) = items.id_of(key) else { return };
    let same_request = awaited.iter().take_while(|part| matches!(part, Awaited::Value(_)));
    if let Some(at) = same_request.clone().position(|part| *part == Awaited::Value(id)) {
        awaited.swap(0, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(items: &Items, id: u32) -> Vec<u8> {
        let mut reply = format!("VALUE {} 0 100\r\n", items.key(id)).into_bytes();
        items.push_value(&mut reply, id, 1);
        reply.extend_from_slice(b"\r\n");
        reply
    }

    #[test]
    fn every_wrong_byte_is_seen() {
        let items = Items::new(10, 12, 100);
        let mut awaited =
            [Awaited::Value(3), Awaited::End, Awaited::Stored, Awaited::MetaValue(4), Awaited::MetaDone];
        let mut replies = value(&items, 3);
        replies.extend_from_slice(b"END\r\nSTORED\r\nVA 100\r\n");
        items.push_value(&mut replies, 4, 9);
        replies.extend_from_slice(b"\r\nHD\r\n");
        assert_eq!(replies.len(), awaited.iter().map(|part| part.bytes(&items)).sum::<usize>());
        check(&items, &mut awaited, &replies).unwrap();
        for at in 0..replies.len() {
            let mut wrong = replies.clone();
            wrong[at] ^= 1;
            assert!(check(&items, &mut awaited, &wrong).is_err(), "{at}");
            assert!(check(&items, &mut awaited, &replies[..at]).is_err(), "{at}");
        }
        replies.push(b'\n');
        assert!(check(&items, &mut awaited, &replies).is_err());
    }

    #[test]
    fn values_may_come_in_any_order_within_a_request() {
        let items = Items::new(10, 12, 100);
        let awaited = [
            Awaited::Value(1),
            Awaited::Value(2),
            Awaited::Value(3),
            Awaited::End,
            Awaited::Value(4),
            Awaited::End,
        ];
        let is_right = |ids: [u32; 4]| {
            let [a, b, c, d] = ids.map(|id| value(&items, id));
            check(&items, &mut awaited.clone(), &[&a[..], &b, &c, b"END\r\n", &d, b"END\r\n"].concat())
                .is_ok()
        };
        assert!(is_right([1, 2, 3, 4]) && is_right([3, 1, 2, 4]) && is_right([2, 3, 1, 4]));
        assert!(!is_right([4, 2, 3, 1]) && !is_right([1, 1, 3, 4]) && !is_right([1, 2, 5, 4]));
    }
}
