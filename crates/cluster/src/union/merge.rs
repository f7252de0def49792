//! The rules of a union, without time or tasks.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::{Endpoint, Member, MemberId, Snapshot, SourceName, State};

/// State and members of the union of `parts`, in order of precedence; the members in no order.
pub(super) fn merge<'s>(parts: impl Iterator<Item = &'s Snapshot>) -> (State, Vec<Arc<Member>>) {
    let mut state = State::Absent;
    let mut members = Vec::new();
    // Which source had an endpoint first: two members of *one* source may share one, say around a restart.
    let mut owners: HashMap<&Endpoint, usize> = HashMap::new();
    let mut ids: HashSet<MemberId> = HashSet::new();
    for (at, part) in parts.enumerate() {
        state = combine(state, part.state());
        for member in part.members() {
            if *owners.entry(&member.endpoint).or_insert(at) != at {
                continue;
            }
            let member = &placed(member, at);
            if ids.insert(member.id.clone()) {
                members.push(member.clone());
                continue;
            }
            match qualified(part.source(), member) {
                Some(member) if ids.insert(member.id.clone()) => members.push(Arc::new(member)),
                _ => {
                    let (source, member) = (part.source(), &member.id);
                    tracing::warn!(%source, %member, "left out of the union, where its id is taken");
                }
            }
        }
    }
    (state, members)
}

/// How far apart the positions of two sources begin: more than any source has members.
const STRIDE: u32 = 1 << 20;

/// The member behind those of all earlier sources; a member of the first source is shared as it is.
fn placed(member: &Arc<Member>, source: usize) -> Arc<Member> {
    match u32::try_from(source).unwrap_or(u32::MAX).saturating_mul(STRIDE) {
        0 => member.clone(),
        start => {
            let position = member.position.saturating_add(start);
            Arc::new(Member { position, ..Member::clone(member) })
        }
    }
}

/// The stronger of two states: stale over ready over pending over absent, and of two losses the earlier.
fn combine(one: State, other: State) -> State {
    let strength = |state| match state {
        State::Stale { .. } => 3,
        State::Ready => 2,
        State::Pending => 1,
        State::Absent => 0,
    };
    match (one, other) {
        (State::Stale { since: one }, State::Stale { since: other }) => {
            State::Stale { since: one.min(other) }
        }
        _ if strength(one) >= strength(other) => one,
        _ => other,
    }
}

/// The member as `SOURCE/ID`; none if that is too long for an id.
fn qualified(source: &SourceName, member: &Member) -> Option<Member> {
    let id = MemberId::new(format!("{source}/{}", member.id)).ok()?;
    Some(Member { id, ..member.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Revision;
    use proptest::prelude::*;
    use std::time::{Duration, Instant};

    fn part(source: &str, state: State, items: &str) -> Snapshot {
        let item = |text: &str| Arc::new(text.parse::<crate::Item>().unwrap().member());
        let mut members: Vec<_> = items.split_whitespace().map(item).collect();
        members.sort_by(|a, b| a.id.cmp(&b.id));
        Snapshot::from_sorted(SourceName::new(source), state, members, Revision(1), Instant::now())
    }

    #[test]
    fn members_are_united_by_endpoint_and_id() {
        fn check(one: &str, two: &str, expected: &str) {
            let parts = [part("one", State::Ready, one), part("two", State::Ready, two)];
            let (_, mut members) = merge(parts.iter());
            members.sort_by(|a, b| a.id.cmp(&b.id));
            let show = |m: &Arc<Member>| format!("{}@{}={}", m.endpoint, m.weight, m.id);
            assert_eq!(members.iter().map(show).collect::<Vec<_>>().join(" "), expected);
        }
        check("a:1", "b:1", "a:1@1=a:1 b:1@1=b:1");
        check("a:1@2", "a:1@3", "a:1@2=a:1");
        check("a:1=x", "a:1=y", "a:1@1=x");
        check("a:1=x", "b:1=x", "b:1@1=two/x a:1@1=x");
        check("a:1=two/x b:1=x", "c:1=x", "a:1@1=two/x b:1@1=x"); // no name is left for the third
        check("a:1=x a:1=y", "", "a:1@1=x a:1@1=y"); // one source may repeat an endpoint
    }

    #[test]
    fn earlier_sources_come_first() {
        let source = |items| crate::Discover::watch(&crate::StaticSource::parse(items).unwrap()).borrow();
        let mut members = merge([source("z:1,y:1"), source("b:1,y:1,a:1")].iter()).1;
        members.sort_by_key(|member| member.position);
        let order: Vec<_> = members.iter().map(|member| member.id.as_str()).collect();
        assert_eq!(order, ["z:1", "y:1", "b:1", "a:1"]);
    }

    #[test]
    fn states_combine_as_the_table_says() {
        use State::*;
        let now = Instant::now();
        let stale = |seconds| Stale { since: now + Duration::from_secs(seconds) };
        let check = |states: &[State], expected: State| {
            let parts: Vec<_> = states.iter().map(|state| part("p", *state, "")).collect();
            assert_eq!(merge(parts.iter()).0, expected, "{states:?}");
            assert_eq!(merge(parts.iter().rev()).0, expected, "{states:?} reversed");
        };
        check(&[Absent, Absent], Absent);
        check(&[Absent, Pending], Pending);
        check(&[Pending, Ready, Absent], Ready);
        check(&[Ready, stale(1)], stale(1));
        check(&[stale(2), Pending, stale(1), Ready], stale(1));
    }

    proptest! {
        #[test]
        fn every_endpoint_stays_and_no_id_repeats(
            parts in prop::collection::vec(prop::collection::btree_set((0u8..5, 0u8..5), 0..6), 1..4),
        ) {
            let text = |set: &std::collections::BTreeSet<(u8, u8)>| {
                let mut seen = HashSet::new();
                let distinct = set.iter().filter(|(_, id)| seen.insert(*id));
                distinct.map(|(host, id)| format!("h{host}:1=id{id}")).collect::<Vec<_>>().join(" ")
            };
            let parts: Vec<_> = parts.iter().enumerate()
                .map(|(at, set)| part(&format!("s{at}"), State::Ready, &text(set))).collect();
            let (_, members) = merge(parts.iter());
            let ids: HashSet<_> = members.iter().map(|member| &member.id).collect();
            prop_assert_eq!(ids.len(), members.len());
            let all: HashSet<_> = parts.iter().flat_map(Snapshot::members).map(|m| &m.endpoint).collect();
            let kept: HashSet<_> = members.iter().map(|member| &member.endpoint).collect();
            prop_assert_eq!(kept, all);
        }
    }
}
