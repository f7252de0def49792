//! A member: one identity in a cluster, where it listens and what is known about it.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::{Endpoint, Limits};

mod id;
mod status;
mod weight;

pub use id::{MemberId, MemberIdError};
pub use status::Status;
pub use weight::{Weight, WeightError};

/// One member of a cluster.
///
/// The identity is `id` alone: everything else may change while the member stays the same one. The fields are the
/// union of what the sources of this workspace can say; a source that cannot say something leaves its default.
///
/// - **Shape**: plain data; [`Limits`] bounds it when a source publishes it, and [`Member::check`] says beforehand.
/// - **Cost**: snapshots share members as `Arc<Member>`; an unchanged member is not copied from one to the next.
///
/// ```
/// use peerset_cluster::{Member, MemberId, Weight};
///
/// let mut member = Member::new(MemberId::new("cache-1")?, "10.0.0.1:11211".parse()?);
/// member.weight = Weight::new(2.0)?;
/// member.endpoints.insert("admin".into(), "10.0.0.1:7980".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Member {
    /// Stays the same through register and deregister cycles.
    pub id: MemberId,
    /// Where it serves.
    pub endpoint: Endpoint,
    /// Other listeners by name, such as `admin` (Finagle's `additionalEndpoints`).
    pub endpoints: BTreeMap<String, Endpoint>,
    /// What it says about itself; not whether anybody reached it.
    pub status: Status,
    /// Its share of keys or requests relative to the others.
    pub weight: Weight,
    /// A slot that a replacement takes over, so that keys stay with the slot and not with the address.
    pub shard: Option<u32>,
    /// Where it runs (rack, zone, region), for placing copies apart and reading nearby.
    pub zone: Option<String>,
    /// Small facts for people and filters.
    pub metadata: BTreeMap<String, String>,
    /// Its place in the source's own list, from 0, where that order means something: `static:` and `file:`, on whose order
    /// some placements depend. 0 elsewhere. A reordered list is a change.
    pub position: u32,
    /// Opaque to this library: what the members of one application tell each other.
    pub data: Bytes,
}

impl Member {
    /// An alive member of weight 1 and nothing else known.
    pub fn new(id: MemberId, endpoint: Endpoint) -> Self {
        Member {
            id,
            endpoint,
            endpoints: BTreeMap::new(),
            status: Status::Alive,
            weight: Weight::ONE,
            shard: None,
            zone: None,
            metadata: BTreeMap::new(),
            position: 0,
            data: Bytes::new(),
        }
    }

    /// A member known by nothing but its address: the endpoint's text is its id.
    ///
    /// # Panics
    /// Never: every endpoint's text is a valid id, which a test checks.
    pub fn at(endpoint: Endpoint) -> Self {
        let id =
            MemberId::new(endpoint.to_string()).expect("an endpoint is at most 259 bytes of printable text");
        Member::new(id, endpoint)
    }

    /// The endpoint called `name`; the member's own if `name` is none.
    pub fn endpoint_named(&self, name: Option<&str>) -> Option<&Endpoint> {
        match name {
            None => Some(&self.endpoint),
            Some(name) => self.endpoints.get(name),
        }
    }

    /// Whether the member stays within `limits`. Cost: O(named endpoints + metadata).
    ///
    /// # Errors
    /// The first bound it breaks.
    pub fn check(&self, limits: &Limits) -> Result<(), MemberError> {
        let count = |what, len, len_max| match len > len_max {
            true => Err(MemberError::TooMany { what, len, len_max }),
            false => Ok(()),
        };
        let size = |what, bytes, bytes_max| match bytes > bytes_max {
            true => Err(MemberError::TooLong { what, bytes, bytes_max }),
            false => Ok(()),
        };
        count("named endpoints", self.endpoints.len(), limits.endpoints_max)?;
        count("metadata pairs", self.metadata.len(), limits.metadata_max)?;
        size("data", self.data.len(), limits.data_bytes_max)?;
        let text = limits.text_bytes_max;
        size("zone", self.zone.as_ref().map_or(0, String::len), text)?;
        self.endpoints.keys().try_for_each(|name| size("the name of an endpoint", name.len(), text))?;
        self.metadata.iter().try_for_each(|(key, value)| {
            size("a metadata key", key.len(), text)?;
            size("a metadata value", value.len(), text)
        })
    }
}

/// Why a member was refused. Nothing about it was published or sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemberError {
    /// More of something than [`Limits`] allows.
    #[error("{len} {what}, at most {len_max} are allowed")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there are.
        len: usize,
        /// How many there may be.
        len_max: usize,
    },
    /// Something is longer than [`Limits`] allows.
    #[error("{what} of {bytes} bytes, at most {bytes_max} are allowed")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// Another member of the same set has this id; the first one stays.
    #[error("another member already has this id")]
    DuplicateId,
    /// The set is full: members with smaller ids took all the places.
    #[error("the set is full: {members_max} members are allowed")]
    SetFull {
        /// [`Limits::members_max`].
        members_max: usize,
    },
    /// An identity never changes; make a new membership instead.
    #[error("the id of a membership cannot change")]
    IdChanged,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_bound_every_part() {
        fn check(change: impl FnOnce(&mut Member), what: Option<&str>) {
            let limits = Limits {
                endpoints_max: 1,
                metadata_max: 1,
                text_bytes_max: 3,
                data_bytes_max: 3,
                ..Limits::default()
            };
            let mut member = Member::at("a:1".parse().unwrap());
            change(&mut member);
            match (member.check(&limits), what) {
                (Ok(()), None) => {}
                (Err(error), Some(what)) => assert!(error.to_string().contains(what), "{error}"),
                (found, _) => panic!("{found:?} instead of {what:?}"),
            }
        }
        let endpoint = || "a:1".parse::<Endpoint>().unwrap();
        check(|_| (), None);
        check(|m| m.data = Bytes::from_static(b"abc"), None);
        check(|m| m.data = Bytes::from_static(b"abcd"), Some("data of 4 bytes"));
        check(|m| m.zone = Some("abcd".into()), Some("zone"));
        check(
            |m| m.endpoints = [("a".into(), endpoint()), ("b".into(), endpoint())].into(),
            Some("2 named endpoints"),
        );
        check(|m| m.endpoints = [("abcd".into(), endpoint())].into(), Some("the name of an endpoint"));
        check(
            |m| m.metadata = [("a", "b"), ("c", "d")].map(|(k, v)| (k.into(), v.into())).into(),
            Some("2 metadata"),
        );
        check(|m| m.metadata = [("abcd".into(), "b".into())].into(), Some("a metadata key"));
        check(|m| m.metadata = [("a".into(), "abcd".into())].into(), Some("a metadata value"));
    }

    #[test]
    fn the_longest_endpoint_is_an_id() {
        let host = ["a"; 126].join(".") + "b"; // 252 bytes
        let member = Member::at(format!("{host}:65535").parse().unwrap());
        assert_eq!(member.id.as_str().len(), 258);
    }
}
