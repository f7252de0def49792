//! Keys and values.

/// The bytes of a value.
pub(super) const VALUE_BYTES: usize = 100;

/// Values of one key that a check takes for right.
const VERSIONS: u8 = 16;

/// Keys of one length: a prefix and a number with leading zeros.
#[derive(Debug)]
pub(crate) struct KeyNames {
    names: Vec<u8>,
    bytes: usize,
}

impl KeyNames {
    /// `count` keys of `bytes` each.
    pub(crate) fn new(count: u32, bytes: usize) -> KeyNames {
        let digits = bytes - 4;
        let names = (0..count).flat_map(|id| format!("key:{id:0digits$}").into_bytes()).collect();
        KeyNames { names, bytes }
    }

    pub(crate) fn count(&self) -> u32 {
        (self.names.len() / self.bytes) as u32
    }

    pub(super) fn name(&self, id: u32) -> &[u8] {
        let start = id as usize * self.bytes;
        &self.names[start..start + self.bytes]
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Eight bytes that nearly always differ between keys and between versions of one. An odd factor keeps them apart.
fn word(id: u32, version: u8) -> [u8; 8] {
    ((u64::from(id) << 8 | u64::from(version)) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()
}

/// Appends a version of a key's value: the version, three bytes, and twelve times the same eight.
pub(super) fn push_value(out: &mut Vec<u8>, id: u32, version: u8) {
    let version = version % VERSIONS;
    let word = word(id, version);
    out.push(version);
    out.extend_from_slice(&word[..3]);
    for _ in 0..VALUE_BYTES / 8 {
        out.extend_from_slice(&word);
    }
}

/// Whether this is one of the key's values, whole.
pub(super) fn is_value_of(value: &[u8], id: u32) -> bool {
    let [version, rest @ ..] = value else { return false };
    let word = word(id, *version);
    let (start, words) = rest.split_at(3.min(rest.len()));
    value.len() == VALUE_BYTES
        && *version < VERSIONS
        && *start == word[..3]
        && words.as_chunks::<8>().0.iter().all(|other| *other == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_values_of_the_key_are_right() {
        for id in [0, 1, 255, 256, 9_999, 999_999] {
            for version in 0..VERSIONS {
                let mut value = Vec::new();
                push_value(&mut value, id, version);
                assert!(is_value_of(&value, id));
                assert!(!is_value_of(&value, id + 1) && !is_value_of(&value[1..], id));
                for at in 0..VALUE_BYTES {
                    let mut torn = value.clone();
                    torn[at] ^= 1;
                    assert!(!is_value_of(&torn, id), "{id} {version} {at}");
                }
            }
        }
    }

    #[test]
    fn names_have_one_length() {
        let names = KeyNames::new(1000, 20);
        assert_eq!((names.count(), names.name(999)), (1000, &b"key:0000000000000999"[..]));
    }
}
