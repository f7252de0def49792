//! The longest prefix of a key, among many.

use super::NodeId;

/// Prefixes in order, each knowing the longest other one it begins with.
///
/// Of the prefixes at or before a key in the order of bytes, the last one is either the longest that the key begins with,
/// or begins with it itself: all texts between a prefix and a text that begins with it begin with it too. So one binary
/// search finds the place, and from there it is as many steps as prefixes are nested. What all prefixes begin with is
/// compared once; the search is over the eight bytes behind it as numbers, which lie beside each other in memory, and only
/// where these are equal the rest is looked at.
#[derive(Debug, Clone)]
pub(super) struct PrefixTable {
    /// What every prefix begins with.
    common: Box<[u8]>,
    /// The beginning of each entry's prefix, without that.
    heads: Box<[u64]>,
    entries: Box<[Entry]>,
    default: NodeId,
}

#[derive(Debug, Clone)]
struct Entry {
    prefix: Box<[u8]>,
    /// The longest other entry that this one begins with.
    shorter: Option<u16>,
    node: NodeId,
}

impl PrefixTable {
    /// What a prefix takes beside its bytes.
    #[cfg(test)]
    pub(super) const BYTES_EACH: usize = size_of::<Entry>() + size_of::<u64>();

    /// `routes` has each prefix once, and at most 65,536 of them.
    pub(super) fn new(mut routes: Vec<(Box<[u8]>, NodeId)>, default: NodeId) -> PrefixTable {
        routes.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        let mut entries: Vec<Entry> = Vec::with_capacity(routes.len());
        for (prefix, node) in routes {
            let last = entries.len().checked_sub(1).and_then(|last| u16::try_from(last).ok());
            let shorter = longest(&entries, last, &prefix);
            entries.push(Entry { prefix, shorter, node });
        }
        let common = common(&entries);
        let heads = entries.iter().map(|entry| head(&entry.prefix[common.len()..])).collect();
        PrefixTable { common, heads, entries: entries.into(), default }
    }

    /// Where keys go that begin as this one does. Cost: O(log prefixes + nesting) comparisons.
    #[inline]
    pub(super) fn node_of(&self, key: &[u8]) -> NodeId {
        let Some(rest) = key.strip_prefix(&*self.common) else { return self.default };
        let head = head(rest);
        let first_alike = self.heads.partition_point(|other| *other < head);
        let alike = self.heads[first_alike..].partition_point(|other| *other == head);
        let alike = &self.entries[first_alike..first_alike + alike];
        let after = first_alike + alike.partition_point(|entry| *entry.prefix <= *key);
        let last = after.checked_sub(1).and_then(|last| u16::try_from(last).ok());
        longest(&self.entries, last, key).map_or(self.default, |found| self.entries[usize::from(found)].node)
    }
}

/// What all of them begin with: since they are in order, what the first and the last do.
fn common(entries: &[Entry]) -> Box<[u8]> {
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Box::default() };
    let alike = first.prefix.iter().zip(&last.prefix).take_while(|(one, other)| one == other);
    first.prefix[..alike.count()].into()
}

/// The first eight bytes as a number, zeros standing for those that are not there. Texts whose numbers differ are in the
/// order of these.
#[inline]
fn head(text: &[u8]) -> u64 {
    if let Some(whole) = text.first_chunk() {
        return u64::from_be_bytes(*whole);
    }
    let mut bytes = [0; 8];
    bytes[..text.len()].copy_from_slice(text);
    u64::from_be_bytes(bytes)
}

/// The first of `from` and those it begins with that `text` begins with too.
fn longest(entries: &[Entry], from: Option<u16>, text: &[u8]) -> Option<u16> {
    let shorter = |at: &u16| entries[usize::from(*at)].shorter;
    std::iter::successors(from, shorter).find(|at| text.starts_with(&entries[usize::from(*at)].prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn table(prefixes: &[Vec<u8>]) -> PrefixTable {
        let numbered = prefixes.iter().enumerate();
        let routes = numbered.map(|(at, prefix)| (prefix.clone().into(), NodeId(at as u16)));
        PrefixTable::new(routes.collect(), NodeId(u16::MAX))
    }

    #[test]
    fn the_longest_prefix_wins() {
        fn check(key: &str, expected: Option<&str>) {
            let prefixes = ["user:", "u", "user:x:", "user:y", "v", "\u{ff}"];
            let table = table(&prefixes.map(|prefix| prefix.as_bytes().to_vec()));
            let found = prefixes.get(usize::from(table.node_of(key.as_bytes()).0)).copied();
            assert_eq!(found, expected, "{key}");
        }
        check("user:x:1", Some("user:x:"));
        check("user:x", Some("user:"));
        check("user:xyz", Some("user:"));
        check("user:z", Some("user:"));
        check("user", Some("u"));
        check("u", Some("u"));
        check("t", None);
        check("", None);
        check("v1", Some("v"));
        check("\u{ff}1", Some("\u{ff}"));
        check("w", None);
    }

    proptest! {
        #[test]
        fn as_trying_all_does(
            prefixes in prop::collection::btree_set("(long:pre|)[ab\\x00]{1,4}", 0..8),
            keys in prop::collection::vec("(long:pre|)[ab\\x00]{0,6}", 1..8),
        ) {
            let prefixes: Vec<Vec<u8>> = BTreeSet::into_iter(prefixes).rev().map(String::into_bytes).collect();
            let table = table(&prefixes);
            for key in keys {
                let matching = prefixes.iter().enumerate().filter(|(_, prefix)| key.as_bytes().starts_with(prefix));
                let best = matching.max_by_key(|(_, prefix)| prefix.len());
                let expected = best.map_or(NodeId(u16::MAX), |(at, _)| NodeId(at as u16));
                prop_assert_eq!(table.node_of(key.as_bytes()), expected, "{} in {:?}", key, prefixes);
            }
        }
    }
}
