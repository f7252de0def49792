//! What may differ between memcached 1.6.18 and another server, with the reasons: the only such list.

use std::borrow::Cow;

use super::replies::{map_lines, words};

/// One thing that two servers need not have in common.
#[derive(Clone, Copy, Debug)]
pub struct KnownDifference {
    /// What differs.
    pub what: &'static str,
    /// Why that is right, or cannot be tested by comparing bytes.
    pub why: &'static str,
    /// What is done about it.
    pub handling: Handling,
}

/// How a known difference is kept from being reported.
#[derive(Clone, Copy, Debug)]
pub enum Handling {
    /// Reply lines for which the first function says yes are rewritten by the second before comparing.
    Rewritten(fn(&[u8]) -> bool, fn(&[u8], &mut Vec<u8>)),
    /// No script contains it.
    NotSent,
}

/// Everything that is not compared byte for byte.
pub const KNOWN_DIFFERENCES: &[KnownDifference] = &[
    KnownDifference {
        what: "the text after VERSION",
        why: "it names the program",
        handling: Handling::Rewritten(
            |line| line.starts_with(b"VERSION "),
            |_, out| out.extend_from_slice(b"VERSION *"),
        ),
    },
    KnownDifference {
        what: "cls= and size= of me",
        why: "they tell of slab classes and item headers, which are memcached's own",
        handling: Handling::Rewritten(|line| line.starts_with(b"ME "), without_layout),
    },
    KnownDifference {
        what: "stats, slabs, lru, lru_crawler, watch, cache_memlimit, misbehave, extstore, shutdown, config",
        why: "they tell of or change a server's insides, or end it; a server's own tests check what it offers",
        handling: Handling::NotSent,
    },
    KnownDifference {
        what: "the E flag, and x of md",
        why: "newer than 1.6.18, which ignores or refuses them",
        handling: Handling::NotSent,
    },
    KnownDifference {
        what: "bytes of the binary protocol and of HTTP in the place of a command",
        why: "memcached answers ERROR to each line or speaks binary; ours refuses and closes",
        handling: Handling::NotSent,
    },
    KnownDifference {
        what: "get, gets, gat or gats of a key that is too long, behind other commands in one batch",
        why: "memcached then drops the replies to those commands, as many as were waiting to be written; scripts \
              send such a retrieval in a batch of its own",
        handling: Handling::NotSent,
    },
    KnownDifference {
        what: "the length of a number that incr or decr made shorter, behind a retrieval of it in one batch",
        why: "memcached pads it with spaces in place only while no reply that waits to be written holds the item; \
              scripts send mn first, which writes them",
        handling: Handling::NotSent,
    },
    KnownDifference {
        what: "incr and decr of a value that is nothing but white space",
        why: "memcached skips white space when it looks for the number, beyond the end of the value if it must, and \
              finds what an earlier item left there",
        handling: Handling::NotSent,
    },
    KnownDifference {
        what: "lines over 2048 bytes without an end",
        why: "memcached closes or answers depending on how much of the line had arrived when it looked",
        handling: Handling::NotSent,
    },
    KnownDifference {
        what: "NUL bytes outside of values",
        why: "memcached's line is a C string in some places and not in others",
        handling: Handling::NotSent,
    },
    KnownDifference {
        what: "announced lengths between 1 MiB + 1 KiB and 2 GiB",
        why: "both would swallow what follows for as long, and the run would not end",
        handling: Handling::NotSent,
    },
    KnownDifference {
        what: "flush_all with a delay while flushed items are still in memory",
        why: "memcached forgets the earlier flush and the items live again; scripts read every key first, which \
              frees the flushed ones",
        handling: Handling::NotSent,
    },
];

/// Evens out what may differ.
pub(crate) fn normalised(replies: &[u8]) -> Cow<'_, [u8]> {
    let rewrite = |line: &[u8]| {
        KNOWN_DIFFERENCES.iter().find_map(|known| match known.handling {
            Handling::Rewritten(applies, rewrite) if applies(line) => Some(rewrite),
            _ => None,
        })
    };
    if super::replies::lines(replies).all(|line| rewrite(line).is_none()) {
        return Cow::Borrowed(replies);
    }
    Cow::Owned(map_lines(replies, |line, out| match rewrite(line) {
        Some(rewrite) => rewrite(line, out),
        None => out.extend_from_slice(line),
    }))
}

fn without_layout(line: &[u8], out: &mut Vec<u8>) {
    for (at, word) in words(line).enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        // The second word is the key, which may look like anything.
        match word.split_inclusive(|&byte| byte == b'=').next() {
            Some(name @ (b"cls=" | b"size=")) if at > 1 => out.extend_from_slice(&[name, b"*"].concat()),
            _ => out.extend_from_slice(word),
        }
    }
}

#[test]
fn only_known_differences_are_evened_out() {
    let replies = b"VERSION 1.6.18\r\nME size=1 exp=-1 la=0 cas=1 fetch=no cls=1 size=63\r\nHD\r\n";
    let expected = b"VERSION *\r\nME size=1 exp=-1 la=0 cas=1 fetch=no cls=* size=*\r\nHD\r\n";
    assert_eq!(*normalised(replies), expected[..]);
    let value = b"VALUE a 0 9\r\nVERSION 1\r\nEND\r\n";
    assert_eq!(*normalised(value), value[..]);
}
