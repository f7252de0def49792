//! What is known of a set's children. A member's znode never changes, so each is read once; vectors are watched.

use std::collections::HashMap;
use std::sync::Arc;

use peerset_cluster::Limits;
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
    /// Skipped, and worth another look, since a writer may create a node empty and fill it later.
    Bad(String),
}

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
        if self.born != set.czxid {
            self.children.clear();
        }
        self.born = set.czxid;
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

    /// Names still to be read.
    pub(super) fn unread(&self) -> Vec<String> {
        self.names(|child| matches!(child, Child::Unread))
    }

    /// Names whose reading failed.
    pub(super) fn bad(&self) -> Vec<String> {
        self.names(|child| matches!(child, Child::Bad(_)))
    }

    fn names(&self, wanted: impl Fn(&Child) -> bool) -> Vec<String> {
        self.children.iter().filter(|(_, child)| wanted(child)).map(|(name, _)| name.clone()).collect()
    }

    /// Takes the bytes of a child, and says whether that changes anything.
    pub(super) fn read(&mut self, name: &str, bytes: &[u8], stat: &Stat, bounds: &Bounds) -> bool {
        let Some(child) = self.children.get_mut(name) else { return false };
        let read = match is_vector(name) {
            true => Ok(Child::Vector(Arc::new(Vector::read(bytes, bounds.bytes_max)))),
            false => read_member(bytes, bounds.bytes_max, &bounds.limits).map(|announced| {
                let node = Arc::new(Node {
                    name: name.into(),
                    born: stat.czxid,
                    has_own_id: announced.has_own_id,
                    member: Arc::new(announced.member),
                });
                self.fresh.push(node.clone());
                Child::Member(node)
            }),
        };
        let read = read.unwrap_or_else(|error| Child::Bad(explain(&error)));
        let same = matches!((&*child, &read), (Child::Bad(old), Child::Bad(new)) if old == new);
        *child = read;
        !same
    }

    /// The child could not be read.
    pub(super) fn failed(&mut self, name: &str, reason: String) -> bool {
        let Some(child) = self.children.get_mut(name) else { return false };
        let same = matches!(&*child, Child::Bad(old) if *old == reason);
        *child = Child::Bad(reason);
        !same
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
                Child::Bad(reason) => problem(&format!("/{name}"), reason.clone()),
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
        assert!(cache.read("member_1", good, &stat(2), &bounds));
        assert!(cache.read("member_2", b"", &stat(2), &bounds));
        assert!(!cache.read("member_2", b"", &stat(2), &bounds), "as bad as before");
        assert!(cache.read("vector_1", b"{}", &stat(2), &bounds));
        assert!(!cache.read("member_3", good, &stat(2), &bounds), "gone meanwhile");

        cache.keep_only(&stat(1), names(&["member_1", "member_2", "member_4"]), &bounds);
        assert_eq!((cache.unread(), cache.bad()), (names(&["member_4"]), names(&["member_2"])));
        let listing = cache.listing("/set", 7);
        assert_eq!((listing.members.len(), listing.vectors.len(), listing.zxid), (1, 0, 7));
        assert_eq!(listing.problems[0].node, "/set/member_2");

        // Deleted and made again: the same names are other nodes.
        cache.keep_only(&stat(9), names(&["member_1"]), &bounds);
        assert_eq!(cache.unread(), ["member_1"]);
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
