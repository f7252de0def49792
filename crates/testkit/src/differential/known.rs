//! What may differ between memcached 1.6.18 and another server, with the reasons: the only such list.

mod proxy;

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
    /// The comparison looks after it, with more to go by than one line.
    Compared,
}

pub use proxy::PROXY_DIFFERENCES;

/// Everything that is not compared byte for byte. What a proxy may do besides is in [`PROXY_DIFFERENCES`].
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
        what: "k and me of an item that N made under a base64 key",
        why: "memcached writes the raw bytes into its reply line, spaces and line ends too; here they stay base64",
        handling: Handling::Rewritten(
            |line| RAW_KEYS.iter().any(|(raw, _)| memmem(line, raw).is_some()),
            |line, out| {
                out.extend_from_slice(line);
                for (raw, shown) in RAW_KEYS {
                    if let Some(at) = memmem(out, raw) {
                        out.splice(at..at + raw.len(), shown.iter().copied());
                    }
                }
            },
        ),
    },
    KnownDifference {
        what: "cls= and size= of me",
        why: "they tell of slab classes and item headers, which are memcached's own",
        handling: Handling::Rewritten(|line| line.starts_with(b"ME "), without_layout),
    },
    KnownDifference {
        what: "the t flag of an item that the same command lets expire",
        why: "memcached subtracts without a sign and answers over four billion seconds",
        handling: Handling::Rewritten(
            |line| words(line).any(is_below_zero),
            |line, out| replace_words(line, out, |word| is_below_zero(word).then_some(&b"t0"[..])),
        ),
    },
    KnownDifference {
        what: "t and exp= beyond 30 days, to the second",
        why: "they come from absolute times, and memcached's seconds begin when it was started, not at full ones",
        handling: Handling::Rewritten(
            |line| words(line).any(is_far),
            |line, out| replace_words(line, out, |word| is_far(word).then_some(&b"far"[..])),
        ),
    },
    KnownDifference {
        what: "t, exp=, l and la= of a run in which a clock has ticked, by as many seconds as it has",
        why: "each server ticks at its own moment; and memcached renews the time of an access once a minute only",
        handling: Handling::Compared,
    },
    KnownDifference {
        what: "stats, slabs, lru, lru_crawler, watch, cache_memlimit, misbehave, extstore, shutdown, config",
        why: "they tell of or change a server's insides, or end it; a server's own tests check what it offers",
        handling: Handling::NotSent,
    },
    KnownDifference {
        what: "the E flag, x of md, C of mg, N of ms",
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
        what: "get, gets, gat or gats of a key that is too long, behind ones that exist",
        why: "memcached has read and touched those when it refuses the command; here it has no effect",
        handling: Handling::NotSent,
    },
    KnownDifference {
        what: "incr and decr of a number of 2^63 or more",
        why: "memcached then looks for a minus sign past the end of the value, and finds one in stale memory or not",
        handling: Handling::NotSent,
    },
    KnownDifference {
        what: "quit behind replies larger than a socket takes at once",
        why: "memcached closes and loses the rest of them; here they are sent first",
        handling: Handling::NotSent,
    },
    KnownDifference {
        what: "an opaque that is too long, with mg or ma",
        why: "memcached has touched or counted the item when it refuses the command; here it has no effect",
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

/// The key of a script that cannot be said plainly, as memcached shows it and as it should.
const RAW_KEYS: [(&[u8], &[u8]); 2] =
    [(b" k\x00\xff\x80\x7f ", b" kAP+AfyA= b"), (b"ME \x00\xff\x80\x7f ", b"ME AP+AfyA=")];

fn memmem(line: &[u8], part: &[u8]) -> Option<usize> {
    line.windows(part.len()).position(|window| window == part)
}

/// Evens out what may differ.
pub(crate) fn normalised(replies: &[u8]) -> Cow<'_, [u8]> {
    let rewrites = || {
        KNOWN_DIFFERENCES.iter().filter_map(|known| match known.handling {
            Handling::Rewritten(applies, rewrite) => Some((applies, rewrite)),
            Handling::NotSent | Handling::Compared => None,
        })
    };
    if super::replies::lines(replies).all(|line| rewrites().all(|(applies, _)| !applies(line))) {
        return Cow::Borrowed(replies);
    }
    Cow::Owned(map_lines(replies, |line, out| {
        let mut line = line.to_vec();
        for (applies, rewrite) in rewrites() {
            if applies(&line) {
                let before = std::mem::take(&mut line);
                rewrite(&before, &mut line);
            }
        }
        out.extend_from_slice(&line);
    }))
}

/// Seconds until an item ends, from a `t` flag or from `me`.
fn seconds_left(word: &[u8]) -> Option<u32> {
    let digits = word.strip_prefix(b"t").or_else(|| word.strip_prefix(b"exp=-"))?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// More than an expiry of 31 bits can have left.
fn is_below_zero(word: &[u8]) -> bool {
    seconds_left(word).is_some_and(|seconds| seconds > i32::MAX as u32)
}

/// More than a relative exptime can say.
fn is_far(word: &[u8]) -> bool {
    const RELATIVE_MAX: u32 = 30 * 24 * 60 * 60;
    seconds_left(word).is_some_and(|seconds| (RELATIVE_MAX + 1..=i32::MAX as u32).contains(&seconds))
}

fn replace_words(line: &[u8], out: &mut Vec<u8>, replacement: impl Fn(&[u8]) -> Option<&'static [u8]>) {
    for (at, word) in line.split(|&byte| byte == b' ').enumerate() {
        out.extend_from_slice(if at > 0 { b" " } else { b"" });
        out.extend_from_slice(replacement(word).unwrap_or(word));
    }
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
    let far = b"ME a exp=-352216010 la=0 cas=1 fetch=no cls=1 size=63\r\nHD t352216010 t60 t4294967224\r\n";
    let expected = b"ME a far la=0 cas=1 fetch=no cls=* size=*\r\nHD far t60 t0\r\n";
    assert_eq!(*normalised(far), expected[..]);
    let value = b"VALUE a 0 9\r\nVERSION 1\r\nEND\r\n";
    assert_eq!(*normalised(value), value[..]);
}
