//! The servers' clocks, seen from outside.
//!
//! memcached counts whole seconds from a moment of its own, so that two servers tick at different moments. What they say
//! of seconds must be the same while neither has ticked, and only then.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Script;
use super::replies::{lines, map_lines, words};

/// Far enough that no run lasts until then.
const AHEAD: u64 = 10_000;

/// What a server's clocks showed at one moment: for each key how many seconds were left until a common moment. With a
/// proxy, the keys are on different servers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Clocks(HashMap<Vec<u8>, i64>);

impl Clocks {
    /// Some moment, for all questions whose answers are compared.
    pub(crate) fn moment() -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) + AHEAD
    }

    /// What to ask so that each server that has a key of the script shows its clock. Leaves no key behind.
    pub(crate) fn question(script: &Script, moment: u64) -> Vec<u8> {
        let mut question = Vec::new();
        let plain = script.keys.iter().map(|key| (key, &b""[..]));
        for (key, base64) in plain.chain(script.keys_base64.iter().map(|key| (key, &b" b"[..]))) {
            question.extend_from_slice(&[b"ms ", &key[..], b" 0", base64].concat());
            question.extend_from_slice(format!(" T{moment}\r\n\r\n").as_bytes());
            question.extend_from_slice(&[b"mg ", &key[..], base64, b" t k\r\n"].concat());
            question.extend_from_slice(&[b"md ", &key[..], base64, b"\r\n"].concat());
        }
        question
    }

    /// Reads the answer; what else stands in it does not matter.
    pub(crate) fn read(answer: &[u8]) -> Clocks {
        let reading = |line| {
            let (key, left) = (flag(line, b'k')?, flag(line, b't')?);
            Some((key.to_vec(), number(left)?))
        };
        Clocks(lines(answer).filter_map(reading).collect())
    }

    /// The seconds that have passed until a later look, on the server where it is the most.
    pub(crate) fn ticks_until(&self, later: &Clocks) -> u64 {
        let passed = |(key, left): (&Vec<u8>, &i64)| Some(left.abs_diff(*later.0.get(key)?));
        self.0.iter().filter_map(passed).max().unwrap_or(0)
    }
}

/// How far apart two replies are in what is left of lives and in what has passed since an access; none if that is not all
/// in which they differ.
pub(crate) fn seconds_apart(left: &[u8], right: &[u8]) -> Option<u64> {
    let without = |replies| {
        map_lines(replies, |line, out| {
            for word in line.split(|&byte| byte == b' ') {
                out.extend_from_slice(seconds(line, word).map_or(word, |(name, _)| name));
                out.push(b' ');
            }
        })
    };
    let all =
        |replies| lines(replies).flat_map(|line| words(line).filter_map(|word| Some(seconds(line, word)?.1)));
    let apart = || all(left).zip(all(right)).map(|(left, right)| left.abs_diff(right));
    (without(left) == without(right)).then(|| apart().max().unwrap_or(0))
}

/// The name and the number of a word that counts seconds.
fn seconds<'w>(line: &[u8], word: &'w [u8]) -> Option<(&'w [u8], i64)> {
    let names: &[&[u8]] = match words(line).next()? {
        b"HD" | b"VA" => &[b"t", b"l"],
        b"ME" => &[b"exp=", b"la="],
        _ => return None,
    };
    let rest = names.iter().find_map(|name| word.strip_prefix(*name))?;
    Some((&word[..word.len() - rest.len()], number(rest)?))
}

fn flag(line: &[u8], letter: u8) -> Option<&[u8]> {
    words(line).skip(1).find_map(|word| word.strip_prefix(&[letter]))
}

fn number(digits: &[u8]) -> Option<i64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Memcached;
    use crate::differential::link::Link;

    #[test]
    fn every_key_shows_a_clock() {
        let (server, script) = (Memcached::start(&[]), Script::generate(0));
        let question = Clocks::question(&script, Clocks::moment());
        let answer =
            Link::new(server.addr()).exchange(&[&question, b"mn\r\n"], b"MN\r\n", Duration::from_secs(30));
        // Three of the names in base64 are names.
        assert_eq!(Clocks::read(&answer.bytes).0.len(), script.keys.len() + 3, "{answer:?}");
    }

    #[test]
    fn only_seconds_may_be_apart() {
        let check = |left: &str, right: &str, expected| {
            assert_eq!(seconds_apart(left.as_bytes(), right.as_bytes()), expected, "{left:?} {right:?}");
        };
        check("VA 2 t99 l1\r\nt1\r\nEN\r\n", "VA 2 t100 l0\r\nt1\r\nEN\r\n", Some(1));
        check("ME a exp=-999 la=1 cas=#1\r\n", "ME a exp=-1000 la=3 cas=#1\r\n", Some(2));
        check("HD t99\r\n", "HD t97\r\n", Some(2));
        check("HD t-1\r\n", "HD t100\r\n", Some(101));
        check("VA 2\r\nt1\r\n", "VA 2\r\nt2\r\n", None);
        check("VALUE t1 0 0\r\n\r\n", "VALUE t2 0 0\r\n\r\n", None);
        check("HD s99\r\n", "HD s98\r\n", None);
        check("HD t5\r\nHD\r\n", "HD t5\r\n", None);
        check("HD t5 l0\r\n", "HD l0 t5\r\n", None);
        check("HD t5\r\n", "HD  t5\r\n", None);
        check("HD t5\r\nHD", "HD t4\r\nEN", None);
    }

    #[test]
    fn clocks_tick_where_a_key_has_less_left() {
        let check = |first: &str, later: &str, expected| {
            let [first, later] = [first, later].map(|answer| Clocks::read(answer.as_bytes()));
            assert_eq!(first.ticks_until(&later), expected, "{first:?} {later:?}");
        };
        let first = "OK\r\nHD\r\nHD t9000 ka\r\nHD\r\nHD kYQ== t9000 b\r\nHD\r\nNF\r\n";
        check(first, first, 0);
        check(first, "HD t9000 ka\r\nHD kYQ== t8998 b\r\n", 2);
        check(first, "HD t8999 ka\r\n", 1);
        // Who does not say has not ticked: a server that fails is no slow machine.
        check(first, "SERVER_ERROR down\r\n", 0);
        check("", first, 0);
    }
}
