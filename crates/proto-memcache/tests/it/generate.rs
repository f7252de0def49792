//! Streams that get deep into the parsers: words that mean something, in orders that mostly do.

use proptest::prelude::*;
use proptest::sample::select;

/// A client's stream of a few requests, most of them nearly right.
pub(crate) fn requests() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![8 => line(), 2 => store(), 2 => meta_set(), 1 => noise()], 1..6)
        .prop_map(|parts| parts.concat())
}

/// A server's stream of a few replies, most of them nearly right.
pub(crate) fn replies() -> impl Strategy<Value = Vec<u8>> {
    const LINES: &[&str] = &[
        "STORED",
        "NOT_STORED",
        "END",
        "OK",
        "RESET",
        "MN",
        "12",
        "VERSION 1.6.18",
        "STAT a b c",
        "STAT a",
        "ERROR",
        "CLIENT_ERROR bad data chunk",
        "SERVER_ERROR",
        "BUSY with  it",
        "HD",
        "HD k1 O2",
        "EN",
        "NF b",
        "ME a x=1",
        "VALUE a 0 1\r\nx",
        "VALUE a 1 2 3\r\n\r\n",
        "VALUE a 0 40\r\nx",
        "VA 1 W X\r\nx",
        "VA 0\r\n",
        "VA 2\r\nx",
        "CONFIG cluster 0 8\r\n1\na|b|1\n\r\nEND",
        "CONFIG cluster 0 1\r\n1\n",
    ];
    let line = (select(LINES), select(&["\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r\r\n", ""][..]))
        .prop_map(|(line, end)| [line.as_bytes(), end.as_bytes()].concat());
    prop::collection::vec(prop_oneof![12 => line, 1 => noise()], 1..6).prop_map(|parts| parts.concat())
}

fn noise() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![any::<u8>(), select(&b" \r\n\0\x80ab0"[..])], 0..40)
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    (prop::collection::vec(word(), 0..8), command(), line_end())
        .prop_map(|(words, command, end)| format!("{command} {}{end}", words.join(" ")).into_bytes())
}

fn store() -> impl Strategy<Value = Vec<u8>> {
    let verb = select(&["set", "add", "replace", "append", "prepend", "cas"][..]);
    let tail = select(&["", " noreply", " 7", " 7 noreply", " x"][..]);
    (verb, key(), number(), number(), length(), tail, value()).prop_map(
        |(verb, key, flags, exptime, length, tail, value)| {
            format!("{verb} {key} {flags} {exptime} {length}{tail}\r\n{value}").into_bytes()
        },
    )
}

fn meta_set() -> impl Strategy<Value = Vec<u8>> {
    (key(), length(), prop::collection::vec(flag(), 0..6), value()).prop_map(|(key, length, flags, value)| {
        format!("ms {key} {length} {}\r\n{value}", flags.join(" ")).into_bytes()
    })
}

fn command() -> impl Strategy<Value = &'static str> {
    select(
        &[
            "get",
            "gets",
            "gat",
            "gats",
            "bget",
            "delete",
            "incr",
            "decr",
            "touch",
            "flush_all",
            "verbosity",
            "version",
            "stats",
            "mg",
            "mg",
            "mg",
            "md",
            "ma",
            "mn",
            "me",
            "set",
            "cas",
            "ms",
            "lru",
            "slabs",
            "config",
            "",
            "g",
            "cache_memlimit",
            "unknown",
            "GET",
            " get",
        ][..],
    )
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![3 => flag(), 2 => key(), 2 => number(), 1 => Just("noreply".to_owned()), 1 => Just(String::new())]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => select(&["a", "key", "YQ==", "Y-Q==", "a\tb", "a\0b", "HTTP/1.1"][..]).prop_map(str::to_owned),
        1 => (245_usize..255).prop_map(|bytes| "k".repeat(bytes)),
    ]
}

/// Flags of 1.6.18.
fn flag() -> impl Strategy<Value = String> {
    let bare =
        select(&["v", "k", "s", "t", "c", "f", "h", "l", "u", "q", "b", "I", "P", "L", "O", "!", "W"][..]);
    let mode = select(&["M", "MS", "ME", "MA", "MP", "MR", "MI", "MD", "M+", "M-", "Mx", "Mxx"][..]);
    prop_oneof![
        6 => bare.prop_map(str::to_owned),
        1 => mode.prop_map(str::to_owned),
        3 => (select(&["T", "N", "R", "C", "D", "J", "F", "O"][..]), number())
            .prop_map(|(letter, number)| letter.to_owned() + &number),
        1 => (29_usize..36).prop_map(|bytes| "O".repeat(bytes)),
    ]
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0_u32..100).prop_map(|number| number.to_string()),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => any::<u64>().prop_map(|number| number.to_string()),
        2 => select(
            &[
                "", "y", "-1", "+1", "\t1", "1\ty", "0x1", "01", "2147483647",
                "2147483648", "4294967295", "4294967296",
                "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616",
                "-9223372036854775808", "-9223372036854775809", "-18446744073709551615", "-", "+", "noreply",
            ][..],
        )
        .prop_map(str::to_owned),
    ]
}

/// Of a value that is then there, or one that is not.
fn length() -> impl Strategy<Value = String> {
    prop_oneof![8 => (0_u32..8).prop_map(|bytes| bytes.to_string()), 1 => number()]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (0_usize..8).prop_map(|bytes| "x".repeat(bytes) + "\r\n"),
        1 => select(&["\r\n\r\n", "x\n", "\n\n", "xyz\n\r\n"][..]).prop_map(str::to_owned),
    ]
}

fn line_end() -> impl Strategy<Value = &'static str> {
    select(&["\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r\r\n", " \r\n", "\0\r\n"][..])
}
