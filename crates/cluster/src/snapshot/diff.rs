//! What happened between two snapshots.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::Member;

/// Who joined, left and changed between two snapshots, each list sorted by id.
///
/// Applied to the older set it gives the newer one: a joined member is new by id, a left one gone by id, a changed one
/// differs in at least one other field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Diff {
    /// Only in the newer snapshot.
    pub joined: Vec<Arc<Member>>,
    /// Only in the older snapshot.
    pub left: Vec<Arc<Member>>,
    /// In both, and different.
    pub changed: Vec<Change>,
}

/// A member before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// As the older snapshot had it.
    pub old: Arc<Member>,
    /// As the newer one has it; the id is the same.
    pub new: Arc<Member>,
}

impl Diff {
    /// Merges two lists sorted by id.
    pub(super) fn between(old: &[Arc<Member>], new: &[Arc<Member>]) -> Diff {
        let mut diff = Diff::default();
        let (mut olds, mut news) = (old.iter().peekable(), new.iter().peekable());
        loop {
            let order = match (olds.peek(), news.peek()) {
                (None, None) => return diff,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) => old.id.cmp(&new.id),
            };
            // Each side moves on if it holds the smaller id, both if the ids are equal.
            match (olds.next_if(|_| order.is_le()), news.next_if(|_| order.is_ge())) {
                (Some(old), Some(new)) if Arc::ptr_eq(old, new) || old == new => {}
                (Some(old), Some(new)) => diff.changed.push(Change { old: old.clone(), new: new.clone() }),
                (Some(old), None) => diff.left.push(old.clone()),
                (None, Some(new)) => diff.joined.push(new.clone()),
                (None, None) => return diff,
            }
        }
    }

    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        self.joined.is_empty() && self.left.is_empty() && self.changed.is_empty()
    }
}

impl fmt::Display for Diff {
    /// `+ID` for joined, `-ID` for left, `~ID` for changed, separated by spaces; nothing if nothing happened.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = self.joined.iter().map(|member| ('+', &member.id));
        let left = self.left.iter().map(|member| ('-', &member.id));
        let changed = self.changed.iter().map(|change| ('~', &change.new.id));
        joined.chain(left).chain(changed).enumerate().try_for_each(|(at, (sign, id))| {
            let space = if at == 0 { "" } else { " " };
            write!(f, "{space}{sign}{id}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemberId, Weight};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Set = BTreeMap<String, u8>;

    fn members(set: &Set) -> Vec<Arc<Member>> {
        let member = |(id, weight): (&String, &u8)| {
            let mut member = Member::new(MemberId::new(id.as_str()).unwrap(), "a:1".parse().unwrap());
            member.weight = Weight::new((*weight).into()).unwrap();
            Arc::new(member)
        };
        set.iter().map(member).collect()
    }

    proptest! {
        #[test]
        fn applied_to_the_old_gives_the_new(
            old in prop::collection::btree_map("[a-e]{1,2}", 0u8..3, 0..12),
            new in prop::collection::btree_map("[a-e]{1,2}", 0u8..3, 0..12),
        ) {
            let (old, new) = (members(&old), members(&new));
            let diff = Diff::between(&old, &new);
            let mut set: BTreeMap<_, _> = old.iter().map(|m| (m.id.clone(), m.clone())).collect();
            for member in &diff.left {
                prop_assert!(set.remove(&member.id).is_some());
            }
            for change in &diff.changed {
                prop_assert_ne!(&change.old, &change.new);
                prop_assert_eq!(set.insert(change.new.id.clone(), change.new.clone()), Some(change.old.clone()));
            }
            for member in &diff.joined {
                prop_assert!(set.insert(member.id.clone(), member.clone()).is_none());
            }
            prop_assert_eq!(set.into_values().collect::<Vec<_>>(), new);
            prop_assert_eq!(diff.is_empty(), diff.to_string().is_empty());
        }
    }
}
