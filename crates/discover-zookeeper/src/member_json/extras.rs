//! What Finagle's format has no field for: carried in `metadata`, where every other reader passes it by.
//!
//! | pair | what |
//! |---|---|
//! | `peerset.id` | the member's id, if it is not the text of its service endpoint |
//! | `peerset.weight` | its own weight, if that is not 1; vectors multiply it |
//! | `peerset.zone` | its zone, if it has one |
//! | `peerset.data` | its opaque data in hexadecimal, if it has any |
//!
//! A member with none of them is written byte for byte as Finagle would.

use std::collections::BTreeMap;

use peerset_cluster::{Member, Weight};

use super::ReadError;

/// What the names of our own pairs begin with.
pub(super) const PREFIX: &str = "peerset.";

#[derive(Default)]
pub(super) struct Extras {
    pub(super) id: Option<String>,
    pub(super) weight: Option<Weight>,
    pub(super) zone: Option<String>,
    pub(super) data: Vec<u8>,
}

/// Takes our own pairs out of the metadata; one with our prefix that we do not know, from a later version say, goes too.
pub(super) fn take(metadata: &mut Vec<(String, String)>) -> Result<Extras, ReadError> {
    let mut extras = Extras::default();
    let mut verdict = Ok(());
    metadata.retain_mut(|(key, value)| {
        let Some(name) = key.strip_prefix(PREFIX) else { return true };
        let value = std::mem::take(value);
        let read = match name {
            "id" => {
                extras.id = Some(value);
                Ok(())
            }
            "zone" => {
                extras.zone = Some(value);
                Ok(())
            }
            "weight" => value.parse().map(|weight| extras.weight = Some(weight)).map_err(ReadError::from),
            "data" => from_hex(&value).map(|data| extras.data = data).ok_or(ReadError::Data),
            _ => Ok(()),
        };
        if verdict.is_ok() {
            verdict = read;
        }
        false
    });
    verdict.map(|()| extras)
}

/// The pairs to write: the member's own metadata and ours, sorted by name.
pub(super) fn pairs(member: &Member, with_id: bool) -> BTreeMap<&str, String> {
    let mut pairs: BTreeMap<&str, String> =
        member.metadata.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    if with_id {
        pairs.insert("peerset.id", member.id.to_string());
    }
    if member.weight != Weight::ONE {
        pairs.insert("peerset.weight", member.weight.to_string());
    }
    if let Some(zone) = &member.zone {
        pairs.insert("peerset.zone", zone.clone());
    }
    if !member.data.is_empty() {
        pairs.insert("peerset.data", to_hex(&member.data));
    }
    pairs
}

fn to_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    rest.is_empty().then_some(())?;
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}
