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
/// - **A restarted shard** replaces its old address at once: a member that is gone yields to a new one of the same shard.
/// - **Absent** passes at once and forgets everything, since the source itself says that there is no such set.
///
/// Sans-io: the time is an argument, and [`timeout`](Self::timeout) says when to ask again. What a lost source would
/// have removed never arrives here, so that time counts from when the source said so.
///
/// **Cost**: O(members log members) an update; 100 bytes for a member, and the member while it is held.
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
}

#[derive(Debug)]
struct Kept {
    member: Arc<Member>,
    /// Since when the source leaves it out.
    gone_since: Option<Instant>,
}

impl Stabilizer {
    /// Finagle's epoch.
    pub const HOLD: Duration = Duration::from_secs(10);

    /// Holds removals for `hold`.
    pub fn new(hold: Duration) -> Self {
        Stabilizer { hold, members: BTreeMap::new() }
    }

    /// Takes what the source says now and returns what to believe, sorted by id. Of members with one id the last counts.
    pub fn update(&mut self, now: Instant, said: impl IntoIterator<Item = Arc<Member>>) -> Vec<Arc<Member>> {
        for kept in self.members.values_mut() {
            kept.gone_since.get_or_insert(now);
        }
        for member in said {
            self.members.insert(member.id.clone(), Kept { member, gone_since: None });
        }
        let mut shards: Vec<u32> =
            self.members.values().filter(|kept| kept.gone_since.is_none()).filter_map(Kept::shard).collect();
        shards.sort_unstable();
        let replaced = |kept: &Kept| kept.shard().is_some_and(|shard| shards.binary_search(&shard).is_ok());
        self.members.retain(|_, kept| kept.gone_since.is_none() || !replaced(kept));
        self.members(now)
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

impl Kept {
    fn shard(&self) -> Option<u32> {
        self.member.shard
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
