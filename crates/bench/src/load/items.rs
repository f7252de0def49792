//! What is stored: keys of one length, and values that follow from them.

/// Values of one key that a check takes for right.
const VERSIONS: u8 = 16;

/// Items of one size.
#[derive(Debug)]
pub(crate) struct Items {
    /// Keys one after the other: a prefix and a number with leading zeros.
    keys: String,
    key_bytes: usize,
    value_bytes: usize,
    /// What stands between a key and its value in a reply to `get`.
    pub(super) classic_head_rest: Vec<u8>,
    /// What stands before a value in a reply to `mg`.
    pub(super) meta_head: Vec<u8>,
}

impl Items {
    /// `count` items with keys and values of so many bytes, a value at least 4.
    pub(crate) fn new(count: u32, key_bytes: usize, value_bytes: usize) -> Items {
        let digits = key_bytes - 4;
        Items {
            keys: (0..count).map(|id| format!("key:{id:0digits$}")).collect(),
            key_bytes,
            value_bytes,
            classic_head_rest: format!(" 0 {value_bytes}\r\n").into_bytes(),
            meta_head: format!("VA {value_bytes}\r\n").into_bytes(),
        }
    }

    pub(crate) fn count(&self) -> u32 {
        (self.keys.len() / self.key_bytes) as u32
    }

    pub(crate) fn key(&self, id: u32) -> &str {
        let start = id as usize * self.key_bytes;
        &self.keys[start..start + self.key_bytes]
    }

    /// The number that a key was made from.
    pub(crate) fn id_of(&self, key: &[u8]) -> Option<u32> {
        let digits = str::from_utf8(key.strip_prefix(b"key:")?).ok()?;
        digits.parse().ok().filter(|&id| id < self.count() && self.key(id).as_bytes() == key)
    }

    pub(super) fn key_bytes(&self) -> usize {
        self.key_bytes
    }

    pub(super) fn value_bytes(&self) -> usize {
        self.value_bytes
    }

    /// Appends a version of a key's value: the version, three bytes, and the same eight again and again.
    pub(crate) fn push_value(&self, out: &mut Vec<u8>, id: u32, version: u8) {
        let version = version % VERSIONS;
        let word = word(id, version);
        let end = out.len() + self.value_bytes;
        out.push(version);
        out.extend_from_slice(&word[..3]);
        while out.len() < end {
            out.extend_from_slice(&word[..word.len().min(end - out.len())]);
        }
    }

    /// Whether this is one of the key's values, whole.
    pub(crate) fn is_value_of(&self, value: &[u8], id: u32) -> bool {
        let [version, rest @ ..] = value else { return false };
        let word = word(id, *version);
        let (start, words) = rest.split_at(3.min(rest.len()));
        let (words, end) = words.as_chunks::<8>();
        value.len() == self.value_bytes
            && *version < VERSIONS
            && *start == word[..3]
            && words.iter().all(|other| *other == word)
            && *end == word[..end.len()]
    }
}

/// Eight bytes that nearly always differ between keys and between versions of one. An odd factor keeps them apart.
fn word(id: u32, version: u8) -> [u8; 8] {
    ((u64::from(id) << 8 | u64::from(version)) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_values_of_the_key_are_right() {
        for value_bytes in [8, 100, 4096] {
            let items = Items::new(1, 20, value_bytes);
            for id in [0, 1, 255, 256, 9_999, 999_999] {
                let mut value = Vec::new();
                items.push_value(&mut value, id, (id % 16) as u8);
                assert_eq!(value.len(), value_bytes);
                assert!(items.is_value_of(&value, id));
                assert!(!items.is_value_of(&value, id + 1) && !items.is_value_of(&value[1..], id));
                for at in 0..value_bytes {
                    let mut torn = value.clone();
                    torn[at] ^= 1;
                    assert!(!items.is_value_of(&torn, id), "{id} {at}");
                }
            }
        }
    }

    #[test]
    fn keys_have_one_length_and_tell_their_number() {
        let items = Items::new(1000, 20, 100);
        assert_eq!((items.count(), items.key(999)), (1000, "key:0000000000000999"));
        assert_eq!(items.id_of(b"key:0000000000000999"), Some(999));
        for wrong in
            [&b"key:0000000000001000"[..], b"key:999", b"kex:0000000000000999", b"key:00000000000+0999", b""]
        {
            assert_eq!(items.id_of(wrong), None, "{}", wrong.escape_ascii());
        }
    }
}
