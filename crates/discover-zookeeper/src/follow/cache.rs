//! What is known of a set's children. A member's znode never changes, so each is read once; vectors are watched.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use peerset_cluster::Limits;
use tokio::time::Instant;
use zookeeper_client::Stat;

use super::listing::{Listing, Node, Standing};
use crate::Problem;
use crate::member_json::{ReadError, read_member};
use crate::vector::Vector;

/// The children of one set, by name.
#[derive(Debug, Default)]
pub(super) struct Cache {
    /// The transaction that created the set: another one means another set, whose names begin anew.
    born: i64,
    /// The transaction that last changed its children. It only goes back where an ensemble was restored from a backup,
    /// whose names then begin anew as well.
    changed: i64,
    children: HashMap<String, Child>,
    /// Whether the set itself is somebody's ephemeral node.
    is_ephemeral: bool,
    /// How many children are not even read.
    beyond: usize,
    /// The members of the last listing in their order, which the next one hardly changes.
    listed: Arc<[Arc<Node>]>,
    /// Members read since.
    fresh: Vec<Arc<Node>>,
}

#[derive(Debug)]
enum Child {
    Unread,
    Member(Arc<Node>),
    Vector(Arc<Vector>),
    Bad(Bad),
}

/// A child that was skipped, and is worth another look, since a writer may create a node empty and fill it later. When
/// that is due is its own affair: children that come and go beside it do not make it any sooner.
#[derive(Debug)]
struct Bad {
    reason: String,
    /// Whether its size alone is to blame, which can be asked for without its bytes.
    is_too_large: bool,
    pause: Duration,
    due: Instant,
}

/// The first pause before a bad child is read again, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// Bounds for reading a child.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    pub(super) bytes_max: usize,
    pub(super) limits: Limits,
}

impl Bounds {
    /// Children of which as many are members as a snapshot may have, and as many again that are vectors, bad, or of one
    /// id with others.
    fn children_max(&self) -> usize {
        self.limits.members_max.saturating_mul(2)
    }
}

impl Cache {
    /// Takes the set's present children and drops what is known of others. Whatever is neither member nor vector is
    /// somebody else's.
    pub(super) fn keep_only(&mut self, set: &Stat, mut names: Vec<String>, bounds: &Bounds) {
        if self.born != set.czxid || set.pzxid < self.changed {
            self.forget();
        }
        (self.born, self.changed) = (set.czxid, set.pzxid);
        self.is_ephemeral = set.ephemeral_owner != 0;
        names.retain(|name| name.starts_with("member_") || is_vector(name));
        self.beyond = names.len().saturating_sub(bounds.children_max());
        if self.beyond > 0 {
            names.sort_unstable(); // so that every process reads the same ones
            names.truncate(bounds.children_max());
        }
        let mut before = std::mem::take(&mut self.children);
        self.children = names
            .into_iter()
            .map(|name| {
                let child = before.remove(&name).unwrap_or(Child::Unread);
                (name, child)
            })
            .collect();
    }

    /// Believes none of what was read any more. The last listing stays what it is.
    pub(super) fn forget(&mut self) {
        self.children.clear();
        self.fresh.clear();
    }

    /// Names of the vectors that were read.
    pub(super) fn vectors(&self) -> Vec<String> {
        self.names(|child| matches!(child, Child::Vector(_)))
    }

    /// Names still to be read.
    pub(super) fn unread(&self) -> Vec<String> {
        self.names(|child| matches!(child, Child::Unread))
    }

    /// Names that made no sense and are due to be read again.
    pub(super) fn due(&self, now: Instant) -> Vec<String> {
        self.names(|child| matches!(child, Child::Bad(bad) if bad.due <= now))
    }

    /// When the first of them is due; none if all is well.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let due = |child: &Child| match child {
            Child::Bad(bad) => Some(bad.due),
            Child::Unread | Child::Member(_) | Child::Vector(_) => None,
        };
        self.children.values().filter_map(due).min()
    }

    /// Whether the child was too large at the last look.
    pub(super) fn is_too_large(&self, name: &str) -> bool {
        matches!(self.children.get(name), Some(Child::Bad(bad)) if bad.is_too_large)
    }

    fn names(&self, wanted: impl Fn(&Child) -> bool) -> Vec<String> {
        self.children.iter().filter(|(_, child)| wanted(child)).map(|(name, _)| name.clone()).collect()
    }

    /// Takes the bytes of a child, and says whether that changes anything.
    pub(super) fn read(
        &mut self,
        now: Instant,
        name: &str,
        bytes: &[u8],
        stat: &Stat,
        bounds: &Bounds,
    ) -> bool {
        let Some(child) = self.children.get_mut(name) else { return false };
        let read = match is_vector(name) {
            true => Ok(Child::Vector(Arc::new(Vector::read(bytes, bounds.bytes_max)))),
            false => read_member(bytes, bounds.bytes_max, &bounds.limits).map(|announced| {
                let node = Arc::new(Node {
                    name: name.into(),
                    born: stat.czxid,
                    has_own_id: announced.has_own_id,
                    has_service: announced.has_service,
                    member: Arc::new(announced.member),
                });
                self.fresh.push(node.clone());
                Child::Member(node)
            }),
        };
        match read {
            Ok(read) => {
                *child = read;
                true
            }
            Err(error) => child.is_bad(now, explain(&error), matches!(error, ReadError::TooLarge { .. })),
        }
    }

    /// The child could not be read.
    pub(super) fn failed(&mut self, now: Instant, name: &str, reason: String) -> bool {
        self.children.get_mut(name).is_some_and(|child| child.is_bad(now, reason, false))
    }

    /// The child is still as large as `bytes`, which is too large.
    pub(super) fn too_large(&mut self, now: Instant, name: &str, bytes: usize, bounds: &Bounds) -> bool {
        let reason = explain(&ReadError::TooLarge { bytes, bytes_max: bounds.bytes_max });
        self.children.get_mut(name).is_some_and(|child| child.is_bad(now, reason, true))
    }

    /// The child is gone; its parent's watch tells of that too.
    pub(super) fn vanished(&mut self, name: &str) {
        self.children.remove(name);
    }

    pub(super) fn clear(&mut self) {
        *self = Cache::default();
    }

    /// All that is known, as of the transaction `zxid`. Cost: O(children).
    pub(super) fn listing(&mut self, path: &str, zxid: u64) -> Listing {
        self.listed = self.members();
        let members = self.listed.clone();
        let mut listing = Listing { standing: Standing::Present, zxid, members, ..Listing::default() };
        let (mut vectors, mut problems) = (Vec::new(), Vec::new());
        let mut problem =
            |name: &str, reason: String| problems.push(Problem { node: format!("{path}{name}"), reason });
        if self.is_ephemeral {
            problem(
                "",
                "it is itself a member, or some other ephemeral node, which can have no children".into(),
            );
        }
        if self.beyond > 0 {
            let read = self.children.len();
            problem("", format!("{} children beyond the first {read} by name are not read", self.beyond));
        }
        for (name, child) in &self.children {
            match child {
                Child::Unread | Child::Member(_) => {}
                Child::Vector(vector) => {
                    if let Some(reason) = &vector.problem {
                        problem(&format!("/{name}"), reason.clone());
                    }
                    vectors.push(vector.clone());
                }
                Child::Bad(bad) => problem(&format!("/{name}"), bad.reason.clone()),
            }
        }
        problems.sort_by(|a, b| a.node.cmp(&b.node));
        listing.vectors = vectors.into();
        listing.problems = problems.into();
        listing
    }

    /// The members in the order of listings.
    fn members(&mut self) -> Arc<[Arc<Node>]> {
        let fresh = std::mem::take(&mut self.fresh);
        let known = |node: &&Arc<Node>| {
            let child = self.children.get(&*node.name);
            matches!(child, Some(Child::Member(child)) if Arc::ptr_eq(child, node))
        };
        let mut members: Vec<_> = self.listed.iter().chain(&fresh).filter(known).cloned().collect();
        // Those listed before are in order already, which this sort makes use of.
        members.sort_by(|a, b| a.in_order(b));
        members.into()
    }
}

impl Child {
    /// Notes that it made no sense, and says whether that is news.
    fn is_bad(&mut self, now: Instant, reason: String, is_too_large: bool) -> bool {
        let (same, pause) = match self {
            Child::Bad(old) => (old.reason == reason, (old.pause * 2).min(PAUSE.1)),
            Child::Unread | Child::Member(_) | Child::Vector(_) => (false, PAUSE.0),
        };
        // Spread, since every follower of the set has seen the same.
        let due = now + pause.mul_f64(0.5 + fastrand::f64() / 2.0);
        *self = Child::Bad(Bad { reason, is_too_large, pause, due });
        !same
    }
}

/// Whether the child of this name has weights in it, and no member.
pub(super) fn is_vector(name: &str) -> bool {
    name.starts_with("vector_")
}

fn explain(error: &ReadError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(czxid: i64) -> Stat {
        Stat {
            czxid,
            mzxid: czxid,
            pzxid: czxid,
            ctime: 0,
            mtime: 0,
            version: 0,
            cversion: 0,
            aversion: 0,
            ephemeral_owner: 0,
            data_length: 0,
            num_children: 0,
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn each_child_is_read_once_in_the_life_of_its_set() {
        let bounds = Bounds { bytes_max: 1000, limits: Limits::default() };
        let good = br#"{"serviceEndpoint":{"host":"h","port":1},"status":"ALIVE"}"#;
        let mut cache = Cache::default();
        cache.keep_only(&stat(1), names(&["member_1", "member_2", "vector_1", "lock"]), &bounds);
        let mut unread = cache.unread();
        unread.sort();
        assert_eq!(unread, ["member_1", "member_2", "vector_1"], "a stranger's node is not read");
        let now = Instant::now();
        let mut read = |name: &str, bytes: &[u8]| cache.read(now, name, bytes, &stat(2), &bounds);
        assert!(read("member_1", good));
        assert!(read("member_2", b""));
        assert!(!read("member_2", b""), "as bad as before");
        assert!(read("vector_1", b"{}"));
        assert!(!read("member_3", good), "gone meanwhile");

        cache.keep_only(&stat(1), names(&["member_1", "member_2", "member_4"]), &bounds);
        assert_eq!((cache.unread(), cache.due(now + PAUSE.1)), (names(&["member_4"]), names(&["member_2"])));
        let listing = cache.listing("/set", 7);
        assert_eq!((listing.members.len(), listing.vectors.len(), listing.zxid), (1, 0, 7));
        assert_eq!(listing.problems[0].node, "/set/member_2");

        // Deleted and made again: the same names are other nodes.
        cache.keep_only(&stat(9), names(&["member_1"]), &bounds);
        assert_eq!(cache.unread(), ["member_1"]);
    }

    #[test]
    fn names_of_a_set_that_went_back_in_time_are_read_again() {
        let bounds = Bounds { bytes_max: 1000, limits: Limits::default() };
        let good = br#"{"serviceEndpoint":{"host":"h","port":1},"status":"ALIVE"}"#;
        let (now, mut cache) = (Instant::now(), Cache::default());
        let mut unread_at = |pzxid: i64| {
            cache.keep_only(&Stat { pzxid, ..stat(1) }, names(&["member_1"]), &bounds);
            let unread = cache.unread();
            cache.read(now, "member_1", good, &stat(2), &bounds);
            unread.len()
        };
        assert_eq!([5, 5, 6, 4, 5].map(&mut unread_at), [1, 0, 0, 1, 0]);
        assert_eq!(cache.fresh.len(), 2, "what was read before waits for no listing any more");
    }

    #[test]
    fn a_bad_child_is_read_ever_more_rarely_whatever_comes_and_goes() {
        let bounds = Bounds { bytes_max: 1000, limits: Limits::default() };
        let (start, mut cache) = (Instant::now(), Cache::default());
        let (mut now, mut looks) = (start, 0);
        cache.keep_only(&stat(1), names(&["member_bad"]), &bounds);
        cache.read(now, "member_bad", b"", &stat(2), &bounds);
        while now < start + Duration::from_secs(100) {
            // Somebody joins every 10 ms.
            now += Duration::from_millis(10);
            cache.keep_only(&stat(1), names(&["member_bad", "member_1"]), &bounds);
            for name in cache.due(now) {
                looks += 1;
                cache.read(now, &name, b"", &stat(2), &bounds);
            }
        }
        // Seven to double the pause to its longest, and then one in 5 to 10 s.
        assert!((15..=27).contains(&looks), "{looks} looks");
        assert!(cache.next_due() > Some(now));
    }

    #[test]
    fn a_child_is_too_large_until_it_is_read() {
        let bounds = Bounds { bytes_max: 10, limits: Limits::default() };
        let (now, mut cache) = (Instant::now(), Cache::default());
        cache.keep_only(&stat(1), names(&["member_1"]), &bounds);
        assert!(!cache.is_too_large("member_1"));
        assert!(cache.read(now, "member_1", &[b'x'; 11], &stat(2), &bounds));
        assert!(cache.is_too_large("member_1"));
        assert!(!cache.too_large(now, "member_1", 11, &bounds), "as large as before");
        assert!(cache.too_large(now, "member_1", 12, &bounds));
        assert!(cache.read(now, "member_1", b"", &stat(2), &bounds) && !cache.is_too_large("member_1"));
    }

    #[test]
    fn a_set_that_is_a_member_is_a_problem() {
        let bounds = Bounds { bytes_max: 1000, limits: Limits::default() };
        let mut cache = Cache::default();
        cache.keep_only(&Stat { ephemeral_owner: 5, ..stat(1) }, Vec::new(), &bounds);
        assert_eq!(cache.listing("/set", 1).problems[0].node, "/set");
    }

    #[test]
    fn more_children_than_could_be_shown_are_not_read() {
        let mut bounds = Bounds { bytes_max: 1000, limits: Limits::default() };
        bounds.limits.members_max = 2;
        let mut cache = Cache::default();
        let children: Vec<_> = (0..7).rev().map(|n| format!("member_{n}")).collect();
        cache.keep_only(&stat(1), children, &bounds);
        let mut unread = cache.unread();
        unread.sort();
        assert_eq!(unread, ["member_0", "member_1", "member_2", "member_3"]);
        let problem = cache.listing("/set", 1).problems[0].to_string();
        assert_eq!(problem, "/set: 3 children beyond the first 4 by name are not read");
    }
}
