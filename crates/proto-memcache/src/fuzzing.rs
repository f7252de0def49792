//! The laws of the parsers, for a fuzzer or a test to feed. They panic when one is broken.
#![doc(hidden)]

use std::fmt::Debug;

use crate::{Limits, Parsed, Recovery, Reply, ReplyError, Request, parse_reply, parse_request};

/// Parses all of `data` as a client's stream: never panics, always goes on, is honest about what is missing, does not
/// care how the bytes were split, and everything that parses survives encoding.
pub fn check_request_stream(data: &[u8]) {
    for limits in [Limits::default(), tight()] {
        let mut rest = data;
        while !rest.is_empty() {
            let outcome = parse_request(rest, &limits);
            check_splits(rest, &outcome, |buffer| parse_request(buffer, &limits));
            let skip = match outcome {
                Ok(Parsed::Complete { value, consumed }) => {
                    check_request_again(&value);
                    consumed
                }
                Ok(Parsed::Incomplete { .. }) => break,
                Err(error) => match error.recovery {
                    Recovery::Skip { bytes } => usize::try_from(bytes).unwrap_or(usize::MAX),
                    Recovery::Close => break,
                },
            };
            assert!(skip > 0, "no progress");
            rest = rest.get(skip..).unwrap_or_default();
        }
    }
}

/// As [`check_request_stream`], for a server's stream.
pub fn check_reply_stream(data: &[u8]) {
    for limits in [Limits::default(), tight()] {
        let mut rest = data;
        while !rest.is_empty() {
            let outcome = parse_reply(rest, &limits);
            check_splits(rest, &outcome, |buffer| parse_reply(buffer, &limits));
            let Ok(Parsed::Complete { value, consumed }) = outcome else { break };
            assert!(consumed > 0, "no progress");
            check_reply_again(&value);
            rest = &rest[consumed..];
        }
    }
}

/// Limits that short inputs reach.
fn tight() -> Limits {
    Limits { key_bytes_max: 9, value_bytes_max: 12, line_bytes_max: 32, multiget_bytes_max: 64 }
}

/// Room for what encoding may add: a `\r`, a length of `0` for nothing.
fn roomy() -> Limits {
    let limits = Limits::default();
    Limits {
        line_bytes_max: 4 * limits.line_bytes_max,
        multiget_bytes_max: 2 * limits.multiget_bytes_max,
        ..limits
    }
}

fn check_request_again(request: &Request<'_>) {
    let mut bytes = Vec::new();
    request.encode(&mut bytes);
    let again = parse_request(&bytes, &roomy());
    assert_eq!(
        again,
        Ok(Parsed::Complete { value: *request, consumed: bytes.len() }),
        "{}",
        bytes.escape_ascii()
    );
}

fn check_reply_again(reply: &Reply<'_>) {
    let mut bytes = Vec::new();
    reply.encode(&mut bytes);
    let again: Result<_, ReplyError> = parse_reply(&bytes, &roomy());
    assert_eq!(
        again,
        Ok(Parsed::Complete { value: *reply, consumed: bytes.len() }),
        "{}",
        bytes.escape_ascii()
    );
}

/// Every prefix of `buffer` is either incomplete, and does not ask for more than comes, or has the outcome already.
/// Long buffers are cut at their ends and at some places between.
fn check_splits<'b, T, E>(
    buffer: &'b [u8],
    outcome: &Result<Parsed<T>, E>,
    parse: impl Fn(&'b [u8]) -> Result<Parsed<T>, E>,
) where
    T: PartialEq + Debug,
    E: PartialEq + Debug,
{
    if let Ok(Parsed::Incomplete { bytes_min }) = outcome {
        assert!(*bytes_min > 0, "incomplete without anything missing");
    }
    let end = match outcome {
        Ok(Parsed::Complete { consumed, .. }) => {
            assert!(*consumed <= buffer.len(), "consumed more than there is");
            assert_eq!(&parse(&buffer[..*consumed]), outcome, "what follows changed the outcome");
            *consumed
        }
        _ => buffer.len(),
    };
    let step = (end / 64).max(1);
    for cut in (0..end).filter(|cut| *cut < 40 || end - cut < 40 || cut.is_multiple_of(step)) {
        let prefix = parse(&buffer[..cut]);
        let Ok(Parsed::Incomplete { bytes_min }) = prefix else {
            assert_eq!(&prefix, outcome, "cut at {cut} of {}", buffer.escape_ascii());
            continue;
        };
        assert!(bytes_min > 0, "incomplete without anything missing");
        match outcome {
            Ok(Parsed::Complete { consumed, .. }) => {
                assert!(cut + bytes_min <= *consumed, "asked for too much");
            }
            Ok(Parsed::Incomplete { bytes_min: after }) => {
                assert!(cut + bytes_min <= end + after, "asked for too much");
            }
            Err(_) => assert!(cut + bytes_min <= end, "asked for too much"),
        }
    }
}
