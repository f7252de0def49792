//! `static:`, a fixed list of members.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::item::{Distinct, item};
use crate::text::{Fault, Piece};
use crate::{
    Discover, Item, ItemProblem, Limits, Member, Published, Publisher, Revision, SourceName, Watch, channel,
};

/// A source whose set was given once and never changes: always ready, at revision 1, until it is closed.
///
/// Clones are handles to the same source.
///
/// ```
/// use peerset_cluster::{Discover, StaticSource};
///
/// let source = StaticSource::parse("10.0.0.1:11211,[::1]:11211@2=big")?;
/// assert_eq!(source.watch().borrow().len(), 2);
///
/// let error = StaticSource::parse("a:1,b:99999").unwrap_err();
/// assert_eq!(error.to_string(), "item 2, \"b:99999\": the port is out of range (1 to 65535)");
/// # Ok::<(), peerset_cluster::ItemsError>(())
/// ```
#[derive(Clone)]
pub struct StaticSource {
    view: Watch,
    /// None once closed.
    publisher: Arc<Mutex<Option<Publisher>>>,
}

/// A list of items could not be read. It is an error as a whole: a list typed into a command line or a config must not
/// quietly lose a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("item {number}, {item:?}: {problem}")]
#[non_exhaustive]
pub struct ItemsError {
    /// Which item, from 1.
    pub number: usize,
    /// The item as it was written, or its first 80 characters.
    pub item: String,
    /// The bytes of the list it is wrong with; empty where something is missing.
    pub position: std::ops::Range<usize>,
    /// What is wrong.
    #[source]
    pub problem: ItemProblem,
}

impl StaticSource {
    /// A source for `ITEM,ITEM…`, what follows `static:` in a discovery URL.
    ///
    /// # Errors
    /// An item is malformed, or repeats the endpoint or the name of an earlier one, or there are more than 10 000.
    pub fn parse(list: &str) -> Result<Self, ItemsError> {
        Self::new(
            &items(Piece::new(list)).map_err(|(number, item, fault)| ItemsError::new(number, item, fault))?,
        )
    }

    /// A source for items that were read elsewhere, with default limits.
    ///
    /// # Errors
    /// An item repeats the endpoint or the name of an earlier one, or there are more than 10 000.
    pub fn new(items: &[Item]) -> Result<Self, ItemsError> {
        let mut distinct = Distinct::default();
        let mut members = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let mut member = item.member();
            member.position = u32::try_from(at).unwrap_or(u32::MAX);
            if let Err(problem) = distinct.admit(&member, Limits::default().members_max) {
                let text = item.to_string();
                return Err(ItemsError::new(at + 1, Piece::new(&text), Piece::new(&text).fault(problem)));
            }
            members.push(member);
        }
        Ok(Self::of(members, Limits::default()).0)
    }

    /// A source for ready-made members; what breaks `limits` is left out and reported.
    pub fn of(members: impl IntoIterator<Item = Member>, limits: Limits) -> (Self, Published) {
        let (publisher, view) = channel(SourceName::new("static"), limits);
        let published = publisher.publish(members, Revision(1));
        (StaticSource { view, publisher: Arc::new(Mutex::new(Some(publisher))) }, published)
    }
}

impl ItemsError {
    fn new(number: usize, item: Piece<'_>, fault: Fault<ItemProblem>) -> Self {
        ItemsError {
            number,
            item: item.text.chars().take(80).collect(),
            position: fault.at,
            problem: fault.problem,
        }
    }
}

/// Reads `ITEM,ITEM…`; an error comes with the number of the item and its text.
pub(crate) fn items(list: Piece<'_>) -> Result<Vec<Item>, (usize, Piece<'_>, Fault<ItemProblem>)> {
    let members_max = Limits::default().members_max;
    let mut distinct = Distinct::default();
    let mut items = Vec::new();
    for (at, piece) in list.split(',').enumerate() {
        let read = item(piece).and_then(|item| match distinct.admit(&item.member(), members_max) {
            Ok(()) => Ok(item),
            Err(problem) => Err(piece.fault(problem)),
        });
        items.push(read.map_err(|fault| (at + 1, piece, fault))?);
    }
    Ok(items)
}

impl Discover for StaticSource {
    fn source(&self) -> SourceName {
        self.view.borrow().source().clone()
    }

    fn watch(&self) -> Watch {
        self.view.clone()
    }

    fn close(&self) {
        self.publisher.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl fmt::Debug for StaticSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticSource").field("newest", &self.view.borrow()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EndpointProblem, State};
    use ItemProblem as P;

    #[test]
    fn lists_are_read_whole_or_not_at_all() {
        fn check(list: &str, expected: Result<usize, (usize, ItemProblem, &str)>) {
            let found = StaticSource::parse(list).map(|source| source.watch().borrow().len());
            let found = found.map_err(|error| (error.number, error.problem, &list[error.position]));
            assert_eq!(found, expected, "{list:?}");
        }
        check("a:1,b:1@2,c:1=n", Ok(3));
        check("", Err((1, P::Endpoint(EndpointProblem::Empty), "")));
        check("a:1,", Err((2, P::Endpoint(EndpointProblem::Empty), "")));
        check("a:1,,b:1", Err((2, P::Endpoint(EndpointProblem::Empty), "")));
        check("a:1,b:0", Err((2, P::Endpoint(EndpointProblem::PortOutOfRange), "0")));
        check("a:1,b:1,a:1@2", Err((3, P::DuplicateEndpoint, "a:1@2")));
        check("a:1=n,b:1=n", Err((2, P::DuplicateId, "b:1=n")));
        check("a:1,b:1=a:1", Err((2, P::DuplicateId, "b:1=a:1")));
        let many = |len: usize| (1..=len).map(|n| format!("h{n}:1")).collect::<Vec<_>>().join(",");
        check(&many(10_000), Ok(10_000));
        check(&many(10_001), Err((10_001, P::TooMany { members_max: 10_000 }, "h10001:1")));
    }

    #[test]
    fn ready_until_closed() {
        let source = StaticSource::parse("b:1,a:1").unwrap();
        let snapshot = source.watch().borrow();
        assert_eq!((snapshot.state(), snapshot.revision()), (State::Ready, Revision(1)));
        let positions: Vec<_> = snapshot.members().iter().map(|m| (m.id.as_str(), m.position)).collect();
        assert_eq!(positions, [("a:1", 1), ("b:1", 0)]);
        source.close();
        assert!(source.watch().is_closed());
        assert_eq!(source.watch().borrow().len(), 2);
        let item: Item = "a:1".parse().unwrap();
        assert_eq!(StaticSource::new(&[item.clone(), item]).unwrap_err().number, 2);
    }
}
