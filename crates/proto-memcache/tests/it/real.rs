//! A real memcached refuses the same bytes with the same words.

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use peerset_proto_memcache::{Fault, Limits, Parsed, Recovery, Request, parse_request};
use peerset_testkit::Memcached;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::generate;

#[test]
fn refusals_are_those_of_a_real_memcached() {
    let memcached = Memcached::start(&["-t", "1"]);
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) };
    let compared = Cell::new(0);
    let result = TestRunner::new(config).run(&generate::requests(), |stream| {
        let Some((stream, expected)) = refusals(stream) else { return Ok(()) };
        compared.set(compared.get() + usize::from(!expected.is_empty()));
        let answered = refusals_of(&memcached, &stream);
        prop_assert_eq!(answered, expected, "{}", stream.escape_ascii());
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert!(compared.get() > 500, "only {} streams had a refusal to compare", compared.get());
}

/// The stream, with what it lacks at its end, and all refusals in it; `None` if memcached is known to differ.
fn refusals(mut stream: Vec<u8>) -> Option<(Vec<u8>, Vec<String>)> {
    let limits = Limits::default();
    let (mut at, mut refusals) = (0, Vec::new());
    while at < stream.len() {
        match parse_request(&stream[at..], &limits) {
            // Their arguments are the server's to refuse.
            Ok(Parsed::Complete {
                value: Request::Stats { .. } | Request::Administer { .. } | Request::ConfigGet { .. },
                ..
            }) => return None,
            Ok(Parsed::Complete { consumed, .. }) => at += consumed,
            // A line that lacks its end gets one, a value that lacks bytes ends as it should.
            Ok(Parsed::Incomplete { bytes_min: 1 }) => stream.push(b'\n'),
            Ok(Parsed::Incomplete { bytes_min }) if bytes_min < 10_000 => {
                stream.resize(stream.len() + bytes_min - 2, b'x');
                stream.extend_from_slice(b"\r\n");
            }
            Ok(Parsed::Incomplete { .. }) => return None,
            Err(error) => {
                let Recovery::Skip { bytes } = error.recovery else { return None };
                at += usize::try_from(bytes).ok().filter(|bytes| *bytes < 3_000_000)?;
                if differs(error.fault, &stream) {
                    return None;
                }
                let reply = error.reply();
                stream.resize(stream.len().max(at), b'x');
                refusals.push(String::from_utf8_lossy(reply).trim_end().to_owned());
            }
        }
    }
    refusals.retain(|line| !line.is_empty());
    Some((stream, refusals))
}

/// The differences that `parse.rs` lists, as far as the generator reaches them.
fn differs(fault: Fault, stream: &[u8]) -> bool {
    let holds = |word: &[u8]| stream.windows(word.len()).any(|window| window == word);
    match fault {
        // Too long a key in a multi-get drops the replies before it.
        Fault::BadLine => (holds(b"get") || holds(b"gat")) && holds(&[b'k'; 251]),
        // `ma` would first find that the value is no number.
        Fault::MetaOpaqueTooLong => holds(b"ma "),
        _ => false,
    }
}

/// The error lines memcached answers, without those that are about items and not about the request.
fn refusals_of(memcached: &Memcached, stream: &[u8]) -> Vec<String> {
    let mut socket = TcpStream::connect(memcached.addr()).expect("memcached listens");
    socket.set_read_timeout(Some(Duration::from_secs(60))).expect("not zero");
    socket.write_all(stream).expect("memcached reads");
    socket.shutdown(Shutdown::Write).expect("connected");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).expect("memcached answers");
    String::from_utf8_lossy(&answer)
        .lines()
        .filter(|line| line.contains("ERROR") && !line.contains("non-numeric"))
        .map(|line| line.trim_end().to_owned())
        .collect()
}
