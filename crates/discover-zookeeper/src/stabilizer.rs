//! Flap damping: additions at once, removals only when they last.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use peerset_cluster::{Member, MemberId};

/// Holds back removals, as Finagle's stabilizer does, so that a registry that hiccups or a process that restarts does not
/// move keys about.
///
/// - **Additions and changes** pass at once.
/// - **Removals** are held for `hold`; a member that is back by then was never gone.
/// - **A restarted shard** replaces its old address at once: a member that is gone yields to one of the same shard that
///   came after it was last there. Not where a shard repeats, as in a fleet that gives everybody shard 0: then nobody can
///   say who replaces whom, and all are held.
/// - **Absent** passes at once and forgets everything, since the source itself says that there is no such set.
///
/// Sans-io: the time is an argument, and [`timeout`](Self::timeout) says when to ask again. What a lost source would
/// have removed never arrives here, so that time counts from when the source said so.
///
/// **Cost**: O(members log members) an update; 130 bytes for a member, and the member while it is held.
///
/// ```
/// use std::sync::Arc;
/// use std::time::{Duration, Instant};
/// use peerset_cluster::Member;
/// use peerset_discover_zookeeper::Stabilizer;
///
/// let mut stabilizer = Stabilizer::new(Duration::from_secs(10));
/// let (a, start) = (Arc::new(Member::at("a:1".parse()?)), Instant::now());
/// assert_eq!(stabilizer.update(start, [a.clone()]).len(), 1);
/// assert_eq!(stabilizer.update(start, []), [a], "held");
/// assert_eq!(stabilizer.timeout(), Some(start + Duration::from_secs(10)));
/// assert!(stabilizer.members(start + Duration::from_secs(10)).is_empty());
/// # Ok::<(), peerset_cluster::EndpointError>(())
/// ```
#[derive(Debug)]
pub struct Stabilizer {
    hold: Duration,
    members: BTreeMap<MemberId, Kept>,
    /// Counts what the source said.
    updates: u64,
}

#[derive(Debug)]
struct Kept {
    member: Arc<Member>,
    /// The update that it came with, and the last that had it.
    first: u64,
    last: u64,
    /// Since when the source leaves it out.
    gone_since: Option<Instant>,
}

impl Stabilizer {
    /// Finagle's epoch.
    pub const HOLD: Duration = Duration::from_secs(10);

    /// Holds removals for `hold`.
    pub fn new(hold: Duration) -> Self {
        Stabilizer { hold, members: BTreeMap::new(), updates: 0 }
    }

    /// Takes what the source says now and returns what to believe, sorted by id. Of members with one id the last counts.
    pub fn update(&mut self, now: Instant, said: impl IntoIterator<Item = Arc<Member>>) -> Vec<Arc<Member>> {
        self.updates += 1;
        for kept in self.members.values_mut() {
            kept.gone_since.get_or_insert(now);
        }
        for member in said {
            // Who is back by now was never gone.
            let first = self.members.get(&member.id).map_or(self.updates, |kept| kept.first);
            let kept = Kept { member, first, last: self.updates, gone_since: None };
            self.members.insert(kept.member.id.clone(), kept);
        }
        let heirs = self.heirs();
        let replaced = |kept: &Kept| {
            let heir = kept.member.shard.and_then(|shard| *heirs.get(&shard)?);
            heir.is_some_and(|first| first > kept.last)
        };
        self.members.retain(|_, kept| kept.gone_since.is_none() || !replaced(kept));
        self.members(now)
    }

    /// By shard, when the one present member that could replace the one that is gone came; none where there are more of
    /// either.
    fn heirs(&self) -> BTreeMap<u32, Option<u64>> {
        let mut shards: BTreeMap<u32, (Vec<&Kept>, usize)> = BTreeMap::new();
        for kept in self.members.values() {
            let Some(shard) = kept.member.shard else { continue };
            let (present, gone) = shards.entry(shard).or_default();
            match kept.gone_since {
                None => present.push(kept),
                Some(_) => *gone += 1,
            }
        }
        let heir = |(present, gone): (Vec<&Kept>, usize)| match present[..] {
            [heir] if gone == 1 => Some(heir.first),
            _ => None,
        };
        shards.into_iter().map(|(shard, kept)| (shard, heir(kept))).collect()
    }

    /// What to believe at `now`, if the source has said nothing new.
    pub fn members(&mut self, now: Instant) -> Vec<Arc<Member>> {
        let hold = self.hold;
        self.members.retain(|_, kept| kept.gone_since.is_none_or(|since| now < since + hold));
        self.members.values().map(|kept| kept.member.clone()).collect()
    }

    /// When the next held removal is due.
    pub fn timeout(&self) -> Option<Instant> {
        self.members.values().filter_map(|kept| kept.gone_since).min().map(|since| since + self.hold)
    }

    /// Forgets everything: there is no such set.
    pub fn clear(&mut self) {
        self.members.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a` or `a/7` with a shard.
    fn member(text: &str) -> Arc<Member> {
        let (host, shard) = text.split_once('/').unwrap_or((text, ""));
        let mut member = Member::at(format!("{host}:1").parse().unwrap());
        member.shard = shard.parse().ok();
        Arc::new(member)
    }

    /// Each step: after so many seconds the source says this, or nothing (`-`), and that is believed.
    #[test]
    fn what_is_believed_when() {
        fn check(steps: &[(u64, &str, &str)]) {
            let mut stabilizer = Stabilizer::new(Duration::from_secs(10));
            let mut now = Instant::now();
            for (at, (after, said, expected)) in steps.iter().enumerate() {
                now += Duration::from_secs(*after);
                let believed = match *said {
                    "-" => stabilizer.members(now),
                    said => stabilizer.update(now, said.split_whitespace().map(member)),
                };
                let hosts: Vec<_> = believed
                    .iter()
                    .map(|member| member.id.as_str().trim_end_matches(":1").to_owned())
                    .collect();
                assert_eq!(hosts.join(" "), *expected, "step {at} of {steps:?}");
            }
        }
        check(&[(0, "a", "a"), (0, "a b", "a b"), (1, "b c", "a b c")]);
        check(&[(0, "a b", "a b"), (0, "b", "a b"), (9, "-", "a b"), (1, "-", "b")]);
        check(&[
            (0, "a b", "a b"),
            (0, "b", "a b"),
            (9, "a b", "a b"),
            (9, "b", "a b"),
            (9, "b", "a b"),
            (1, "b", "b"),
        ]);
        check(&[(0, "a b", "a b"), (0, "", "a b"), (10, "-", "")]);
        check(&[(0, "a/7 b", "a b"), (0, "c/7 b", "b c"), (1, "c/7", "b c")]);
        check(&[(0, "a/7", "a"), (1, "a/7 c/7", "a c")]); // two that are both there stay
        check(&[(0, "a/7", "a"), (1, "c/8", "a c")]);
        // Where shards repeat nobody replaces anybody, neither who was there all along nor who is new.
        check(&[(0, "a/0 b/0", "a b"), (1, "b/0", "a b"), (1, "b/0 c/0", "a b c"), (9, "-", "b c")]);
        check(&[(0, "a/0 b/0", "a b"), (1, "", "a b"), (1, "c/0", "a b c")]);
        check(&[(0, "a/0 b/0", "a b"), (1, "", "a b"), (1, "b/0", "a b"), (9, "-", "b")]);
        check(&[(0, "a/7", "a"), (1, "c/7", "c"), (1, "d/7", "d")]);
    }

    #[test]
    fn asks_to_be_woken_for_the_first_removal_due() {
        let mut stabilizer = Stabilizer::new(Duration::from_secs(10));
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        stabilizer.update(start, ["a", "b"].map(member));
        assert_eq!(stabilizer.timeout(), None);
        stabilizer.update(start + second, ["b"].map(member));
        stabilizer.update(start + second * 2, []);
        assert_eq!(stabilizer.timeout(), Some(start + second * 11));
        assert_eq!(stabilizer.members(start + second * 11).len(), 1);
        assert_eq!(stabilizer.timeout(), Some(start + second * 12));
        stabilizer.clear();
        assert_eq!((stabilizer.timeout(), stabilizer.members(start).len()), (None, 0));
    }
}
