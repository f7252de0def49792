//! One member as people write it: `HOST:PORT[@WEIGHT][=NAME]`, in a `static:` list or on a line of a file.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::endpoint::parse as endpoint;
use crate::percent::{self, Encoded};
use crate::text::{Fault, Piece};
use crate::{
    Endpoint, EndpointProblem, Member, MemberId, MemberIdError, PercentProblem, Weight, WeightError,
};

/// A member in writing: `HOST:PORT[@WEIGHT][=NAME]`, or `unix:PATH` in place of `HOST:PORT`.
///
/// The weight is 1 unless given; the name is the member's id, which is else the endpoint's text. In the path and the
/// name, `%XX` stands for a character that would separate: `%` itself, `,` `=` `@` `?` `#` `&` and white space.
///
/// ```
/// use peerset_cluster::Item;
///
/// let item: Item = "10.0.0.1:11211@2.5=cache-1".parse()?;
/// let member = item.member();
/// assert_eq!((member.id.as_str(), member.weight.value()), ("cache-1", 2.5));
/// assert_eq!(item.to_string(), "10.0.0.1:11211@2.5=cache-1");
/// # Ok::<(), peerset_cluster::ItemError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Item {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// Its share.
    pub weight: Weight,
    /// Its id, if that is not the endpoint's text.
    pub name: Option<MemberId>,
}

/// What can be wrong with an item, or with an item among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ItemProblem {
    /// The part before `@` and `=`.
    #[error(transparent)]
    Endpoint(#[from] EndpointProblem),
    /// The part after `@`.
    #[error(transparent)]
    Weight(#[from] WeightError),
    /// The part after `=`.
    #[error(transparent)]
    Name(#[from] MemberIdError),
    /// A bad `%XX`.
    #[error(transparent)]
    Percent(#[from] PercentProblem),
    /// A comma, where one line of a file holds one item.
    #[error("a comma: a file has one item a line (in a path or name write %2C)")]
    Comma,
    /// White space inside the item.
    #[error("white space inside an item (in a path or name write %20)")]
    WhiteSpace,
    /// The endpoint already stands earlier in the list.
    #[error("this endpoint is already in the list")]
    DuplicateEndpoint,
    /// The name, or the endpoint's text, is already the id of an earlier item.
    #[error("this name is already in the list")]
    DuplicateId,
    /// More items than [`Limits::members_max`](crate::Limits::members_max).
    #[error("the list is full: at most {members_max} members are allowed")]
    TooMany {
        /// How many there may be.
        members_max: usize,
    },
    /// The line is not text.
    #[error("the line is not UTF-8")]
    NotUtf8,
}

/// A text is no [`Item`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} (byte {})", at.start)]
pub struct ItemError {
    at: Range<usize>,
    #[source]
    problem: ItemProblem,
}

impl ItemError {
    /// What is wrong.
    pub fn problem(&self) -> ItemProblem {
        self.problem
    }

    /// The bytes of the input it is wrong with; empty where something is missing.
    pub fn position(&self) -> Range<usize> {
        self.at.clone()
    }
}

impl Item {
    /// The member this item describes, at position 0: its place in a list is the list's to say.
    pub fn member(&self) -> Member {
        let mut member = Member::at(self.endpoint.clone());
        if let Some(name) = &self.name {
            member.id = name.clone();
        }
        member.weight = self.weight;
        member
    }
}

impl FromStr for Item {
    type Err = ItemError;

    fn from_str(text: &str) -> Result<Self, ItemError> {
        item(Piece::new(text)).map_err(|fault| ItemError { at: fault.at, problem: fault.problem })
    }
}

impl fmt::Display for Item {
    /// Parsing this gives an equal item; a weight of 1 is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.endpoint {
            Endpoint::Unix(path) => write!(f, "unix:{}", Encoded(path.as_str()))?,
            tcp => tcp.fmt(f)?,
        }
        if self.weight != Weight::ONE {
            write!(f, "@{}", self.weight)?;
        }
        match &self.name {
            Some(name) => write!(f, "={}", Encoded(name.as_str())),
            None => Ok(()),
        }
    }
}

/// Reads one item.
pub(crate) fn item(piece: Piece<'_>) -> Result<Item, Fault<ItemProblem>> {
    if let Some(at) = piece.text.find(char::is_whitespace) {
        return Err(piece.fault_at(at, ItemProblem::WhiteSpace));
    }
    // The name last, since it alone may be long and odd: what follows its `=` cannot be mistaken for a weight.
    let (place, name) = piece.split_once('=').map_or((piece, None), |(place, name)| (place, Some(name)));
    let (place, weight) =
        place.split_once('@').map_or((place, None), |(place, weight)| (place, Some(weight)));
    Ok(Item {
        endpoint: place_of(place)?,
        weight: match weight {
            Some(weight) => {
                weight.text.parse().map_err(|problem: WeightError| weight.fault(problem.into()))?
            }
            None => Weight::ONE,
        },
        name: match name {
            Some(name) => {
                let text = percent::decode(name).map_err(|fault| fault.map(ItemProblem::Percent))?;
                Some(MemberId::new(text).map_err(|problem| name.fault(problem.into()))?)
            }
            None => None,
        },
    })
}

fn place_of(piece: Piece<'_>) -> Result<Endpoint, Fault<ItemProblem>> {
    let read = match piece.strip_prefix("unix:") {
        Some(path) => {
            let text = percent::decode(path).map_err(|fault| fault.map(ItemProblem::Percent))?;
            endpoint::unix(path, &text)
        }
        None => endpoint::tcp(piece),
    };
    read.map_err(|fault| fault.map(ItemProblem::Endpoint))
}

/// Finds the items of one list that repeat an earlier one, or are too many.
///
/// A list names each endpoint once and each id once: a repetition is a slip of whoever wrote it, and would give a
/// server twice its share without saying so.
#[derive(Debug, Default)]
pub(crate) struct Distinct {
    endpoints: HashSet<Endpoint>,
    ids: HashSet<MemberId>,
}

impl Distinct {
    pub(crate) fn admit(&mut self, member: &Member, members_max: usize) -> Result<(), ItemProblem> {
        if self.endpoints.contains(&member.endpoint) {
            Err(ItemProblem::DuplicateEndpoint)
        } else if self.ids.contains(&member.id) {
            Err(ItemProblem::DuplicateId)
        } else if self.ids.len() == members_max {
            Err(ItemProblem::TooMany { members_max })
        } else {
            self.endpoints.insert(member.endpoint.clone());
            self.ids.insert(member.id.clone());
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ItemProblem as P;
    use proptest::prelude::*;

    #[test]
    fn reads_items() {
        fn check(input: &str, endpoint: &str, weight: f64, id: &str) {
            let item: Item = input.parse().unwrap_or_else(|error| panic!("{input}: {error}"));
            let member = item.member();
            let found = (member.endpoint.to_string(), member.weight.value(), member.id.to_string());
            assert_eq!(found, (endpoint.into(), weight, id.into()), "{input}");
            assert_eq!(item.to_string().parse(), Ok(item), "{input}");
        }
        check("a:1", "a:1", 1.0, "a:1");
        check("a:1@2.5", "a:1", 2.5, "a:1");
        check("a:1@0", "a:1", 0.0, "a:1");
        check("[::1]:1@2=n", "[::1]:1", 2.0, "n");
        check("a:1=x@y=z", "a:1", 1.0, "x@y=z");
        check("a:1=%2C%25 é".replace(' ', "%20").as_str(), "a:1", 1.0, ",% é");
        check("unix:%40abstract%2C@3=n", "unix:@abstract,", 3.0, "n");
    }

    #[test]
    fn points_at_what_is_wrong() {
        fn check(input: &str, problem: ItemProblem, at: &str) {
            let error = input.parse::<Item>().expect_err(input);
            assert_eq!((error.problem(), &input[error.position()]), (problem, at), "{error}");
        }
        check("", P::Endpoint(EndpointProblem::Empty), "");
        check("=n", P::Endpoint(EndpointProblem::Empty), "");
        check("a@2", P::Endpoint(EndpointProblem::NoPort), "");
        check("a:x@2", P::Endpoint(EndpointProblem::PortNotANumber), "x");
        check("a:1@", P::Weight(WeightError::NotANumber), "");
        check("a:1@-2", P::Weight(WeightError::Negative), "-2");
        check("a:1@NaN", P::Weight(WeightError::NotANumber), "NaN");
        check("a:1@1e9", P::Weight(WeightError::NotANumber), "1e9");
        check("a:1@9999999=n", P::Weight(WeightError::TooLarge), "9999999");
        check("a:1=", P::Name(MemberIdError::Empty), "");
        check("a:1=%zz", P::Percent(PercentProblem::NotHex), "%");
        check("a:1 b:1", P::WhiteSpace, " ");
    }

    proptest! {
        #[test]
        fn any_text_is_an_answer_and_answers_round_trip(text in "\\PC{0,20}|[ab]:[0-9]{1,4}(@[0-9.]{1,4})?(=\\PC{0,9})?") {
            match text.parse::<Item>() {
                Ok(item) => prop_assert_eq!(item.to_string().parse(), Ok(item)),
                Err(error) => { let _ = &text[error.position()]; }
            }
        }

        #[test]
        fn any_name_and_path_round_trip(name in "\\PC{1,30}", path in "\\PC{1,20}") {
            prop_assume!(!(name.clone() + &path).contains(char::is_control));
            let item = Item { endpoint: Endpoint::unix(&path).unwrap(), weight: Weight::ONE, name: Some(MemberId::new(name).unwrap()) };
            prop_assert_eq!(item.to_string().parse(), Ok(item));
        }
    }
}
