//! CAS values of two servers that need not count alike.

use std::collections::HashMap;

use super::replies::{map_lines, words};

/// Replaces each CAS value by which one of its key it is: `#1` for the first that a run saw, and so on.
///
/// A fleet counts in each of its servers, so neither the numbers nor their order across keys can be those of one server.
/// What clients rely on is left: whether a key's value is the one of before or a new one.
#[derive(Debug, Default)]
pub(crate) struct CasNames(HashMap<Vec<u8>, Vec<Vec<u8>>>);

impl CasNames {
    pub(crate) fn rename(&mut self, replies: &[u8]) -> Vec<u8> {
        map_lines(replies, |line, out| self.rename_line(line, out))
    }

    fn rename_line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let head = words(line).next().unwrap_or_default();
        let flag = |letter| words(line).skip(1).find_map(|word| word.strip_prefix(letter));
        // The place of the value among the words, the letters in front of it, and the key.
        let (at, prefix, key) = match head {
            b"VALUE" => (Some(4), &b""[..], words(line).nth(1)),
            b"ME" => {
                (words(line).position(|word| word.starts_with(b"cas=")), &b"cas="[..], words(line).nth(1))
            }
            // The word behind VA is a length, and begins with no letter.
            b"HD" | b"VA" => {
                (words(line).position(|word| word.starts_with(b"c")), &b"c"[..], flag(&b"k"[..]))
            }
            _ => (None, &b""[..], None),
        };
        for (index, word) in line.split(|&byte| byte == b' ').enumerate() {
            out.extend_from_slice(if index > 0 { b" " } else { b"" });
            match word.strip_prefix(prefix) {
                Some(value) if Some(index) == at => {
                    out.extend_from_slice(prefix);
                    out.extend_from_slice(&self.name(key, value));
                }
                _ => out.extend_from_slice(word),
            }
        }
    }

    /// Without a key in the reply there is nothing to tell values of one key from those of others by.
    fn name(&mut self, key: Option<&[u8]>, value: &[u8]) -> Vec<u8> {
        let Some(key) = key else { return b"#?".to_vec() };
        let seen = self.0.entry(key.to_vec()).or_default();
        let at = seen.iter().position(|it| it == value).unwrap_or_else(|| {
            seen.push(value.to_vec());
            seen.len() - 1
        });
        format!("#{}", at + 1).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_named_by_key_and_order() {
        let mut names = CasNames::default();
        let mut check = |replies: &str, expected: &str| {
            assert_eq!(String::from_utf8_lossy(&names.rename(replies.as_bytes())), expected);
        };
        check(
            "VALUE a 0 8 7\r\nHD c7 ka\r\nVALUE b 0 1 7\r\nx\r\nEND\r\n",
            "VALUE a 0 8 #1\r\nHD c7 ka\r\nVALUE b 0 1 #1\r\nx\r\nEND\r\n",
        );
        check("HD c7 ka\r\nHD c9 t-1 ka\r\nHD c4\r\n", "HD c#1 ka\r\nHD c#2 t-1 ka\r\nHD c#?\r\n");
        check("VA 2 kb c8\r\nxx\r\nVALUE a 0 0\r\n\r\n", "VA 2 kb c#2\r\nxx\r\nVALUE a 0 0\r\n\r\n");
        check("ME b exp=-1 la=0 cas=7 fetch=no\r\nHD\r\n", "ME b exp=-1 la=0 cas=#1 fetch=no\r\nHD\r\n");
        check("VALUE cas=1 0 1 5\r\nc\r\n", "VALUE cas=1 0 1 #1\r\nc\r\n");
    }
}
