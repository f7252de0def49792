//! Just enough of the reply format to find the lines among the values.

use std::collections::HashMap;

/// The lines of a reply stream, without line ends, and without the data blocks of values.
pub(crate) fn lines(mut replies: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (line, rest) = split_line(replies)?;
        replies = rest.get(data_bytes(line)..).unwrap_or_default();
        Some(line)
    })
}

/// Rewrites the lines of a reply stream and copies the data blocks as they are.
pub(crate) fn map_lines(mut replies: &[u8], mut rewrite: impl FnMut(&[u8], &mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(replies.len());
    while let Some((line, rest)) = split_line(replies) {
        rewrite(line, &mut out);
        out.extend_from_slice(b"\r\n");
        let (data, rest) = rest.split_at(data_bytes(line).min(rest.len()));
        out.extend_from_slice(data);
        replies = rest;
    }
    out.extend_from_slice(replies);
    out
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    Some((&bytes[..end], &bytes[end + 2..]))
}

/// How many bytes of value, line end included, follow this line.
fn data_bytes(line: &[u8]) -> usize {
    let announced = match words(line).next() {
        Some(b"VALUE") => words(line).nth(3),
        Some(b"VA") => words(line).nth(1),
        _ => None,
    };
    announced.and_then(number).map_or(0, |bytes| (bytes as usize).saturating_add(2))
}

pub(crate) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    line.split(|&byte| byte == b' ').filter(|word| !word.is_empty())
}

fn number(word: &[u8]) -> Option<u64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// The last CAS value that replies gave for each key.
#[derive(Debug, Default)]
pub(crate) struct CasSeen(HashMap<Vec<u8>, u64>);

impl CasSeen {
    pub(crate) fn of(&self, key: &[u8]) -> Option<u64> {
        self.0.get(key).copied()
    }

    /// Learns from `VALUE key flags bytes cas`, and from meta replies that have both `k` and `c`.
    pub(crate) fn learn(&mut self, replies: &[u8]) {
        for line in lines(replies) {
            let mut words = words(line);
            let (key, cas) = match words.next() {
                Some(b"VALUE") => (words.next(), words.nth(2)),
                Some(b"HD" | b"VA") => {
                    let flag = |letter: &[u8]| words.clone().find_map(|word| word.strip_prefix(letter));
                    (flag(b"k"), flag(b"c"))
                }
                _ => continue,
            };
            if let (Some(key), Some(cas)) = (key, cas.and_then(number)) {
                self.0.insert(key.to_vec(), cas);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_not_mistaken_for_lines() {
        let replies = b"VALUE a 0 6 7\r\nEND\r\nx\r\nEND\r\nVA 4 c9 kb\r\n\r\n\r\n\r\nHD c3 kd\r\n";
        let found: Vec<_> = lines(replies).collect();
        assert_eq!(found, [&b"VALUE a 0 6 7"[..], b"END", b"VA 4 c9 kb", b"HD c3 kd"]);
        let mut seen = CasSeen::default();
        seen.learn(replies);
        assert_eq!([b"a", b"b", b"d", b"e"].map(|key| seen.of(key)), [Some(7), Some(9), Some(3), None]);
        assert_eq!(map_lines(replies, |line, out| out.extend_from_slice(line)), replies);
    }
}
