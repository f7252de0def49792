//! Writing a member in the field order and with the escapes of Gson, which is what Finagle writes with.

use std::fmt::Write;

use peerset_cluster::{Endpoint, Member, MemberId};

use super::extras;

/// Why a member cannot stand in a serverset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The format has a host and a port.
    #[error("{endpoint} has no host and port, which a serverset needs")]
    UnixSocket {
        /// Which endpoint.
        endpoint: Endpoint,
    },
    /// These names carry what Finagle's format has no field for.
    #[error("the metadata key {key:?} begins with peerset., which is kept for this library")]
    ReservedKey {
        /// Which key.
        key: String,
    },
    /// No reader with the same limit would read it.
    #[error("{id} takes {bytes} bytes, over the limit of {bytes_max}")]
    TooLarge {
        /// Which member.
        id: MemberId,
        /// How large its znode would be.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
}

/// The bytes of a member's znode, at most `bytes_max` of them; [`read_member`](crate::read_member) gives the member back.
///
/// Fields stand in Finagle's order; `shard` and `metadata` are left out when there is nothing to say. What the format has
/// no field for (an id that is not the endpoint's text, a weight, a zone, data) goes into `metadata` under names that
/// begin with `peerset.`, which other readers pass by.
///
/// # Errors
/// The member cannot be written so; nothing was sent.
///
/// ```
/// use peerset_cluster::Member;
/// use peerset_discover_zookeeper::write_member;
///
/// let mut member = Member::at("10.0.0.1:80".parse()?);
/// member.shard = Some(7);
/// assert_eq!(
///     write_member(&member, 1 << 16)?,
///     br#"{"serviceEndpoint":{"host":"10.0.0.1","port":80},"additionalEndpoints":{},"status":"ALIVE","shard":7}"#,
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_member(member: &Member, bytes_max: usize) -> Result<Vec<u8>, WriteError> {
    if let Some(key) = member.metadata.keys().find(|key| key.starts_with(extras::PREFIX)) {
        return Err(WriteError::ReservedKey { key: key.clone() });
    }
    let mut json = String::from("{\"serviceEndpoint\":");
    put_endpoint(&mut json, &member.endpoint)?;
    json.push_str(",\"additionalEndpoints\":{");
    for (at, (name, endpoint)) in member.endpoints.iter().enumerate() {
        put_name(&mut json, at, name);
        put_endpoint(&mut json, endpoint)?;
    }
    json.push_str("},\"status\":");
    put_string(&mut json, member.status.as_str());
    if let Some(shard) = member.shard {
        put(&mut json, format_args!(",\"shard\":{shard}"));
    }
    let metadata = extras::pairs(member, member.endpoint.to_string() != member.id.as_str());
    if !metadata.is_empty() {
        json.push_str(",\"metadata\":{");
        for (at, (key, value)) in metadata.iter().enumerate() {
            put_name(&mut json, at, key);
            put_string(&mut json, value);
        }
        json.push('}');
    }
    json.push('}');
    match json.len() {
        bytes if bytes > bytes_max => Err(WriteError::TooLarge { id: member.id.clone(), bytes, bytes_max }),
        _ => Ok(json.into_bytes()),
    }
}

fn put_endpoint(json: &mut String, endpoint: &Endpoint) -> Result<(), WriteError> {
    let (Some(host), Some(port)) = (endpoint.host(), endpoint.port()) else {
        return Err(WriteError::UnixSocket { endpoint: endpoint.clone() });
    };
    json.push_str("{\"host\":");
    put_string(json, &host.to_string());
    put(json, format_args!(",\"port\":{port}}}"));
    Ok(())
}

/// The name of the `at`th pair of an object, up to its value.
fn put_name(json: &mut String, at: usize, name: &str) {
    if at > 0 {
        json.push(',');
    }
    put_string(json, name);
    json.push(':');
}

/// A string with what Gson escapes by default, which beyond JSON's own needs is what could end a string in HTML or
/// JavaScript.
fn put_string(json: &mut String, text: &str) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\t' => json.push_str("\\t"),
            '\u{8}' => json.push_str("\\b"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\u{c}' => json.push_str("\\f"),
            '\0'..='\x1f' | '<' | '>' | '&' | '=' | '\'' | '\u{2028}' | '\u{2029}' => {
                put(json, format_args!("\\u{:04x}", u32::from(c)));
            }
            _ => json.push(c),
        }
    }
    json.push('"');
}

fn put(json: &mut String, what: std::fmt::Arguments<'_>) {
    json.write_fmt(what).expect("writing to a string does not fail");
}
