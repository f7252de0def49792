//! Requests that take more than one reply: many keys, a route that goes on, every server.

use std::ops::Range;
use std::sync::Arc;

use peerset_route::{NodeId, Operation, Outcome};

use super::flight::Place;

/// One of the parts that an exchange waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PartId {
    pub(super) exchange: u32,
    pub(super) part: u32,
}

pub(super) enum Exchange {
    Many(Many),
    One(One),
    All(All),
}

/// A `get`, `gets`, `gat` or `gats` of several keys: one line for each server, put together in the order of the keys.
pub(super) struct Many {
    pub(super) place: Place,
    pub(super) cas: bool,
    pub(super) touch: Option<i32>,
    pub(super) operation: Operation,
    /// The plan whose routes the keys are on.
    pub(super) plan: u32,
    /// The keys, one after the other.
    pub(super) text: Vec<u8>,
    pub(super) keys: Vec<ManyKey>,
    pub(super) parts: Vec<Part>,
    /// Parts of an earlier exchange, for their memory.
    spare: Vec<Part>,
    /// Parts still to come.
    pub(super) waiting: usize,
    /// The line that the client is told instead of values, without its end.
    pub(super) error: Option<String>,
}

/// What a block begins with.
const VALUE: &[u8] = b"VALUE ";

/// One key of many.
pub(super) struct ManyKey {
    /// In the text.
    pub(super) at: Range<u32>,
    /// Where it is on its route.
    pub(super) node: Option<NodeId>,
    /// Its block, once it came: which part, and where in it.
    pub(super) found: Option<(u32, Range<u32>)>,
    /// The part that asks for it now.
    pub(super) part: Option<u32>,
}

/// What one server is asked for.
#[derive(Default)]
pub(super) struct Part {
    /// Which keys, in their order.
    pub(super) keys: Vec<u32>,
    /// The first of them that no block has come for, nor for a later one.
    pub(super) next: usize,
    /// The blocks.
    pub(super) values: Vec<u8>,
    /// Why nothing more comes.
    pub(super) failed: Option<Failed>,
}

/// Why a server gave no answer.
#[derive(Debug, Clone)]
pub(super) struct Failed {
    /// The line that tells of it, without its end.
    pub(super) text: Arc<str>,
    /// Whether the client is to hear of it, rather than of a miss.
    pub(super) loud: bool,
}

impl Exchange {
    /// The plan that it goes by, if it is on a route.
    pub(super) fn plan(&self) -> Option<u32> {
        match self {
            Exchange::Many(many) => Some(many.plan),
            Exchange::One(one) => Some(one.plan),
            Exchange::All(_) => None,
        }
    }
}

impl Many {
    pub(super) fn new(place: Place) -> Many {
        Many {
            place,
            cas: false,
            touch: None,
            operation: Operation::Read,
            plan: 0,
            text: Vec::new(),
            keys: Vec::new(),
            parts: Vec::new(),
            spare: Vec::new(),
            waiting: 0,
            error: None,
        }
    }

    /// Forgets all but its memory.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.keys.clear();
        self.waiting = 0;
        self.error = None;
        self.spare.append(&mut self.parts);
    }

    /// A part with nothing in it.
    pub(super) fn spare_part(&mut self) -> Part {
        let mut part = self.spare.pop().unwrap_or_default();
        part.keys.clear();
        part.values.clear();
        part.next = 0;
        part.failed = None;
        part
    }

    pub(super) fn key(&self, index: usize) -> &[u8] {
        let at = &self.keys[index].at;
        &self.text[at.start as usize..at.end as usize]
    }

    /// Passes over the keys before one of this name, and over it; says which it is. None if no key that is still to come
    /// has this name.
    pub(super) fn pass(&mut self, part_id: u32, key: &[u8]) -> Option<usize> {
        let part = &mut self.parts[part_id as usize];
        let passed = part.keys[part.next..].iter().position(|&index| {
            let at = &self.keys[index as usize].at;
            &self.text[at.start as usize..at.end as usize] == key
        })?;
        let found = part.next + passed;
        part.next = found + 1;
        Some(part.keys[found] as usize)
    }

    /// Takes a block, without the `prefix` bytes before its key. False if no key that is still to come has this name.
    pub(super) fn take(&mut self, part_id: u32, key: &[u8], block: &[u8], prefix: usize) -> bool {
        let Some(index) = self.pass(part_id, key) else { return false };
        let part = &mut self.parts[part_id as usize];
        let start = part.values.len() as u32;
        part.values.extend_from_slice(VALUE);
        part.values.extend_from_slice(&block[VALUE.len() + prefix..]);
        self.keys[index].found = Some((part_id, start..part.values.len() as u32));
        true
    }

    /// Bytes of memory it keeps.
    pub(super) fn capacity(&self) -> usize {
        let parts = self
            .parts
            .iter()
            .chain(&self.spare)
            .map(|part| part.values.capacity() + part.keys.capacity() * 4);
        self.text.capacity() + self.keys.capacity() * size_of::<ManyKey>() + parts.sum::<usize>()
    }

    /// Bytes that the keys take, the parts that ask for them included.
    pub(super) fn key_bytes(&self) -> usize {
        self.text.len() + self.keys.len() * (size_of::<ManyKey>() + size_of::<u32>())
    }

    /// Bytes of values.
    pub(super) fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.values.len()).sum()
    }

    /// Writes the whole reply.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.reserve(self.bytes() + 5);
        for key in &self.keys {
            if let Some((part, at)) = &key.found {
                out.extend_from_slice(&self.parts[*part as usize].values[at.start as usize..at.end as usize]);
            }
        }
        out.extend_from_slice(peerset_proto_memcache::reply::encode::END);
    }
}

/// A request about one key whose route may go on, or whose reply comes in two pieces.
pub(super) struct One {
    /// Of the one reply to the client.
    pub(super) place: Place,
    /// The plan whose route it is on.
    pub(super) plan: u32,
    pub(super) node: NodeId,
    pub(super) operation: Operation,
    /// As the client sent it.
    pub(super) request: Vec<u8>,
    /// The reply of the present step, as the client would see it.
    pub(super) reply: Vec<u8>,
    pub(super) outcome: Outcome,
    /// The best reply of earlier steps.
    pub(super) best: Option<(Outcome, Vec<u8>)>,
}

impl One {
    /// Keeps the reply of this step if it is better than what there was.
    pub(super) fn rank(&mut self) {
        let better = self.best.as_ref().is_none_or(|(outcome, _)| self.outcome > *outcome);
        let reply = std::mem::take(&mut self.reply);
        if better {
            self.best = Some((self.outcome, reply));
        }
    }
}

/// A command for every server.
pub(super) struct All {
    /// Of the one reply to the client.
    pub(super) place: Place,
    pub(super) waiting: usize,
    /// The line that tells of the first failure, without its end.
    pub(super) error: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::super::flight::Flights;
    use super::*;
    use crate::front::Client;

    fn many(keys: &[&str], parts: &[&[u32]]) -> Many {
        let mut flights = Flights::default();
        let flight = flights.open(Client::numbered(0));
        let mut text = Vec::new();
        let keys = keys.iter().map(|key| {
            let start = text.len() as u32;
            text.extend_from_slice(key.as_bytes());
            ManyKey { at: start..text.len() as u32, node: None, found: None, part: None }
        });
        let keys = keys.collect();
        let part = |keys: &&[u32]| Part { keys: keys.to_vec(), next: 0, values: Vec::new(), failed: None };
        let place = flights.place(flight, true);
        Many { text, keys, parts: parts.iter().map(part).collect(), waiting: parts.len(), ..Many::new(place) }
    }

    fn written(many: &Many) -> String {
        let mut out = Vec::new();
        many.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_come_in_the_order_of_the_keys() {
        let mut many = many(&["a", "b", "c", "a"], &[&[1], &[0, 2, 3]]);
        assert!(many.take(1, b"a", b"VALUE a;", 0));
        assert!(many.take(1, b"a", b"VALUE a2;", 0), "c is not there, the second a is");
        assert!(many.take(0, b"b", b"VALUE b;", 0));
        assert_eq!(written(&many), "VALUE a;VALUE b;VALUE a2;END\r\n");
        assert_eq!(many.bytes(), 8 + 8 + 9);
    }

    #[test]
    fn a_value_that_was_not_asked_for_is_noticed() {
        let mut many = many(&["a", "b", "c"], &[&[0, 2], &[1]]);
        assert!(!many.take(0, b"b", b"VALUE b;", 0), "another server's");
        assert!(many.take(0, b"c", b"VALUE c;", 0));
        assert!(!many.take(0, b"a", b"VALUE a;", 0), "out of order");
        assert!(!many.take(0, b"c", b"VALUE c;", 0), "twice");
        assert!(many.take(1, b"b", b"VALUE app:b;", 4));
        assert_eq!(written(&many), "VALUE b;VALUE c;END\r\n");
    }
}
