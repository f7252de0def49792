//! The bytes of a member's znode, as Finagle writes and reads them.

use std::collections::BTreeMap;

use peerset_cluster::{
    Endpoint, EndpointError, Limits, Member, MemberId, MemberIdError, Status, Weight, WeightError,
};
use serde_json::{Map, Value};

mod extras;
#[cfg(test)]
mod tests;
mod write;

pub use write::{WriteError, write_member};

/// A member as its znode says it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Announced {
    /// The member, at its service endpoint if it [has one](Self::has_service).
    pub member: Member,
    /// Whether the bytes name its id. Otherwise the id is the text of the service endpoint: the znode's own name
    /// changes with every registration, the address does not.
    pub has_own_id: bool,
    /// Whether there is a service endpoint. Otherwise the member is at the first by name of its named endpoints, and is
    /// for those only who ask for one of them.
    pub has_service: bool,
}

/// Why the bytes of a znode are no member. The znode is skipped, and read again later.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Larger than anything that is worth parsing.
    #[error("{bytes} bytes, over the limit of {bytes_max}")]
    TooLarge {
        /// How large it is.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// No JSON object.
    #[error("not a JSON object: {reason}")]
    NotJson {
        /// What the parser said, with line and column.
        reason: String,
    },
    /// No `serviceEndpoint` with a `host` and a `port`, and no named endpoint in its place.
    #[error("there is no serviceEndpoint with a host and a port")]
    NoEndpoint,
    /// The service endpoint is there and wrong.
    #[error("the serviceEndpoint is wrong")]
    Endpoint(#[source] EndpointError),
    /// The service endpoint's port is not from 1 to 65535.
    #[error("the port of the serviceEndpoint is not a number from 1 to 65535")]
    Port,
    /// The id is there and wrong.
    #[error("the id is wrong")]
    Id(#[from] MemberIdError),
    /// The weight is there and wrong.
    #[error("the weight is wrong")]
    Weight(#[from] WeightError),
    /// The data is there and is no even number of hexadecimal digits.
    #[error("the data is not hexadecimal")]
    Data,
}

/// Reads a member's znode.
///
/// Read as Finagle does: fields it does not know are skipped, `additionalEndpoints`, `shard` and `metadata` may be
/// missing or null, and a status that is missing or unknown is [`Status::Unknown`]. A named endpoint, a shard or a
/// metadata value that makes no sense is left out, since the member can be reached without it; so are the name of an
/// endpoint, a metadata pair and a zone that are longer than `limits` allows. The service endpoint may be missing if there
/// is a named one. Of more named endpoints and metadata pairs than `limits` allows, those first by name are kept.
///
/// Cost: O(bytes), and up to about 16 times the bytes in memory while it reads; nesting is bounded at 128.
///
/// # Errors
/// The bytes are more than `bytes_max`, no JSON object, have neither a service endpoint nor a named one, or their
/// service endpoint, id, weight or data is wrong.
///
/// ```
/// use peerset_cluster::Limits;
/// use peerset_discover_zookeeper::read_member;
///
/// let bytes = br#"{"serviceEndpoint":{"host":"10.0.0.1","port":80},"additionalEndpoints":{},"status":"ALIVE"}"#;
/// let announced = read_member(bytes, 1 << 16, &Limits::default())?;
/// assert_eq!(announced.member.endpoint.to_string(), "10.0.0.1:80");
/// assert!(announced.member.status.is_serving() && !announced.has_own_id);
/// # Ok::<(), peerset_discover_zookeeper::ReadError>(())
/// ```
pub fn read_member(bytes: &[u8], bytes_max: usize, limits: &Limits) -> Result<Announced, ReadError> {
    let object = object(bytes, bytes_max)?;
    let fits = |text: &String| text.len() <= limits.text_bytes_max;
    let named = object.get("additionalEndpoints").and_then(Value::as_object);
    let named: BTreeMap<String, Endpoint> = named
        .into_iter()
        .flatten()
        .filter(|(name, _)| fits(name))
        .filter_map(|(name, value)| Some((name.clone(), endpoint(value).ok()?)))
        .take(limits.endpoints_max)
        .collect();
    let service = object.get("serviceEndpoint").filter(|value| !value.is_null()).map(endpoint).transpose()?;
    let has_service = service.is_some();
    let endpoint = service.or_else(|| named.values().next().cloned()).ok_or(ReadError::NoEndpoint)?;
    let mut metadata = strings(object.get("metadata"));
    let extras = extras::take(&mut metadata)?;
    let has_own_id = extras.id.is_some();
    let mut member = match extras.id {
        Some(id) => Member::new(MemberId::new(id)?, endpoint),
        None => Member::at(endpoint),
    };
    member.endpoints = named;
    let status = object.get("status").and_then(Value::as_str);
    member.status = status.map_or(Status::Unknown, |name| name.parse().unwrap_or(Status::Unknown));
    member.shard = object.get("shard").and_then(Value::as_u64).and_then(|shard| shard.try_into().ok());
    member.weight = extras.weight.unwrap_or(Weight::ONE);
    member.zone = extras.zone.filter(fits);
    member.data = extras.data.into();
    let metadata = metadata.into_iter().filter(|(key, value)| fits(key) && fits(value));
    member.metadata = metadata.take(limits.metadata_max).collect();
    Ok(Announced { member, has_own_id, has_service })
}

/// The JSON object of a znode.
pub(crate) fn object(bytes: &[u8], bytes_max: usize) -> Result<Map<String, Value>, ReadError> {
    if bytes.len() > bytes_max {
        return Err(ReadError::TooLarge { bytes: bytes.len(), bytes_max });
    }
    serde_json::from_slice(bytes).map_err(|error| ReadError::NotJson { reason: error.to_string() })
}

fn endpoint(value: &Value) -> Result<Endpoint, ReadError> {
    let host = value.get("host").and_then(Value::as_str).ok_or(ReadError::NoEndpoint)?;
    let port = value.get("port").ok_or(ReadError::NoEndpoint)?;
    let port = port.as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0);
    // Some writers put brackets around an IPv6 address, which in a field of its own needs none.
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    Endpoint::tcp(host, port.ok_or(ReadError::Port)?).map_err(ReadError::Endpoint)
}

/// The pairs of an object whose values are strings, sorted by name.
fn strings(value: Option<&Value>) -> Vec<(String, String)> {
    let pairs = value.and_then(Value::as_object).into_iter().flatten();
    let mut pairs: Vec<_> =
        pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
    pairs.sort();
    pairs
}
