//! A set as its followers see it: before anybody selected from it.

use std::cmp::Ordering;
use std::sync::Arc;

use peerset_cluster::Member;

use crate::Problem;
use crate::vector::Vector;

/// Everything that is known of a set; immutable and cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listing {
    pub(crate) standing: Standing,
    /// Whether the ensemble cannot be asked at the moment; the rest is its last word.
    pub(crate) lost: bool,
    /// What it said instead of listing the set, if it was that and not the connection.
    pub(crate) refusal: Option<Arc<str>>,
    /// The transaction that last changed the set's children.
    pub(crate) zxid: u64,
    /// In the order of [`Node::in_order`].
    pub(crate) members: Arc<[Arc<Node>]>,
    pub(crate) vectors: Arc<[Arc<Vector>]>,
    /// Sorted by znode.
    pub(crate) problems: Arc<[Problem]>,
}

/// What the ensemble last said of the set itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Standing {
    /// Nothing yet.
    #[default]
    Unknown,
    Present,
    Absent,
}

/// A member's znode that made sense.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: Box<str>,
    /// The transaction that created it.
    pub(crate) born: i64,
    pub(crate) has_own_id: bool,
    /// Whether it is for those who ask for no endpoint by name.
    pub(crate) has_service: bool,
    pub(crate) member: Arc<Member>,
}

impl Node {
    /// By id, and of one id the best first: who is alive before who is not, the newest before older ones.
    pub(crate) fn in_order(&self, other: &Node) -> Ordering {
        let best = |node: &Node| (node.member.status.is_serving(), node.born);
        self.member.id.cmp(&other.member.id).then_with(|| best(other).cmp(&best(self)))
    }
}
