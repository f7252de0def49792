//! `vector_*` znodes: weights that somebody else gives to members, and drains.

use std::sync::Arc;

use peerset_cluster::{Endpoint, Member, Weight};
use serde_json::Value;

use crate::member_json::object;

/// The weights of one `vector_*` znode.
///
/// ```text
/// {"vector":[{"select":"inet=10.0.0.1:80","weight":0.5,"priority":1},{"select":"shard=7","weight":-1.0}]}
/// ```
/// A member's weight is its own times that of every descriptor of every vector that selects it. A weight of −1 drains:
/// the member stays in the set with weight 0 and owns nothing. Finagle only drops a member whose *product* is −1, so that
/// two drains would undo each other there; here one is enough. A priority is read by nobody.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Vector {
    descriptors: Vec<Descriptor>,
    /// What made no sense, for the report; the rest holds.
    pub(crate) problem: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
struct Descriptor {
    select: Selector,
    weight: f64,
}

/// Which members a descriptor is for.
#[derive(Debug, Clone, PartialEq)]
enum Selector {
    /// Those that are used at this endpoint. As with Finagle, where each endpoint is an entry of its own, weighing one of
    /// them says nothing of the member's others.
    Inet(Endpoint),
    /// The name of its znode.
    Node(String),
    Shard(u32),
}

impl Vector {
    /// Reads a vector's znode. What makes no sense, all of it at worst, weighs nothing and is reported.
    pub(crate) fn read(bytes: &[u8], bytes_max: usize) -> Self {
        let (descriptors, problem) = match object(bytes, bytes_max) {
            Err(error) => (Vec::new(), Some(error.to_string())),
            Ok(object) => match object.get("vector").and_then(Value::as_array) {
                None => (Vec::new(), Some("there is no list called vector".into())),
                Some(items) => {
                    let descriptors: Vec<_> = items.iter().filter_map(Descriptor::read).collect();
                    let odd = items.len() - descriptors.len();
                    (descriptors, (odd > 0).then(|| format!("{odd} of its descriptors make no sense")))
                }
            },
        };
        Vector { descriptors, problem }
    }
}

impl Descriptor {
    fn read(item: &Value) -> Option<Self> {
        let select = Selector::read(item.get("select")?.as_str()?)?;
        let weight = item.get("weight").map_or(Some(1.0), Value::as_f64)?;
        (weight == DRAIN || weight >= 0.0).then_some(Descriptor { select, weight })
    }
}

/// The weight that takes a member out of work.
const DRAIN: f64 = -1.0;

impl Selector {
    fn read(text: &str) -> Option<Self> {
        match text.split_once('=')? {
            ("inet", endpoint) => {
                let (host, port) = endpoint.rsplit_once(':')?;
                let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
                Some(Selector::Inet(Endpoint::tcp(host, port.parse().ok()?).ok()?))
            }
            ("member", name) if !name.is_empty() => Some(Selector::Node(name.to_owned())),
            ("shard", number) => Some(Selector::Shard(number.parse().ok()?)),
            _ => None,
        }
    }

    fn matches(&self, node: &str, member: &Member) -> bool {
        match self {
            Selector::Inet(endpoint) => member.endpoint == *endpoint,
            Selector::Node(name) => name == node,
            Selector::Shard(shard) => member.shard == Some(*shard),
        }
    }
}

/// The weight after all vectors of the member at `node`, whose endpoint is the one that is used. Cost: O(descriptors).
pub(crate) fn weigh(vectors: &[Arc<Vector>], node: &str, member: &Member) -> Weight {
    let mut product = member.weight.value();
    let descriptors = vectors.iter().flat_map(|vector| &vector.descriptors);
    for descriptor in descriptors.filter(|descriptor| descriptor.select.matches(node, member)) {
        if descriptor.weight == DRAIN {
            return Weight::ZERO;
        }
        product *= descriptor.weight;
    }
    let least = if product > 0.0 { 1e-6 } else { 0.0 };
    Weight::new(product.clamp(least, 1e6)).unwrap_or(member.weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(json: &str) -> Arc<Vector> {
        Arc::new(Vector::read(json.as_bytes(), 1 << 16))
    }

    #[test]
    fn weights_multiply_and_minus_one_drains() {
        fn check(descriptors: &[&str], expected: f64) {
            let mut member = Member::at("10.0.0.1:80".parse().unwrap());
            member.endpoints.insert("admin".into(), "10.0.0.1:81".parse().unwrap());
            member.shard = Some(7);
            member.weight = Weight::new(2.0).unwrap();
            let vectors: Vec<_> =
                descriptors.iter().map(|text| vector(&format!("{{\"vector\":[{text}]}}"))).collect();
            assert_eq!(
                weigh(&vectors, "member_0000000001", &member).value(),
                expected,
                "{descriptors:?}, read as {vectors:?}",
            );
        }
        check(&[], 2.0);
        check(&[r#"{"select":"inet=10.0.0.1:80","weight":0.5,"priority":1}"#], 1.0);
        check(&[r#"{"select":"inet=10.0.0.1:81","weight":0.5}"#], 2.0); // another of its endpoints
        check(&[r#"{"select":"inet=10.0.0.1:82","weight":0.5}"#], 2.0);
        check(&[r#"{"select":"member=member_0000000001","weight":3}"#], 6.0);
        check(&[r#"{"select":"member=member_0000000002","weight":3}"#], 2.0);
        check(&[r#"{"select":"shard=7","weight":0.5},{"select":"shard=7","weight":0.5}"#], 0.5);
        check(&[r#"{"select":"shard=7","weight":0.5}"#, r#"{"select":"inet=10.0.0.1:80","weight":4}"#], 4.0);
        check(&[r#"{"select":"shard=7"}"#], 2.0);
        check(&[r#"{"select":"shard=7","weight":0}"#], 0.0);
        check(&[r#"{"select":"shard=7","weight":-1.0}"#], 0.0);
        check(&[r#"{"select":"shard=7","weight":-1}"#, r#"{"select":"shard=7","weight":-1}"#], 0.0);
        check(&[r#"{"select":"shard=8","weight":-1}"#], 2.0);
        check(&[r#"{"select":"shard=7","weight":1e300}"#, r#"{"select":"shard=7","weight":1e300}"#], 1e6);
        check(&[r#"{"select":"shard=7","weight":1e-300}"#], 1e-6);
        check(&[r#"{"select":"shard=7","weight":-2},{"weight":3},{"select":"x=7"},7,{"select":1}"#], 2.0);
    }

    #[test]
    fn nonsense_weighs_nothing_and_is_said() {
        fn check(json: &str, problem: Option<&str>) {
            assert_eq!(vector(json).problem.as_deref(), problem, "{json}");
        }
        check("{}", Some("there is no list called vector"));
        check(r#"{"vector":null}"#, Some("there is no list called vector"));
        check(r#"{"vector":[]}"#, None);
        let odd =
            r#"{"vector":[{"select":"shard=7","weight":"1"},{"select":"shard=-7"},{"select":"inet=a"}]}"#;
        check(odd, Some("3 of its descriptors make no sense"));
        check(r#"{"vector":[{"select":"inet=[::1]:80","weight":1},{"select":"inet=a.b:80"}]}"#, None);
        check("nonsense", Some("not a JSON object: expected ident at line 1 column 2"));
        check(&" ".repeat(65_537), Some("65537 bytes, over the limit of 65536"));
    }
}
