//! Tables of requests and replies, before and after.

use std::time::{Duration, Instant};

use peerset_proto_memcache::{Limits, Parsed, Request, parse_reply, parse_request};
use peerset_route::Operation;

use super::*;
use crate::proxy::exchange::PartId;
use crate::proxy::pending::{Kind, Pending, To};

fn request(line: &str) -> Request<'_> {
    match parse_request(line.as_bytes(), &Limits::default()) {
        Ok(Parsed::Complete { value, .. }) => value,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn check_sent(line: &str, seconds: Option<u64>, expected: &str) {
    let lifetime = seconds.map(|seconds| Lifetime { most: Duration::from_secs(seconds), now: 1_700_000_000 });
    let mut out = Vec::new();
    write(&request(line), lifetime, b"", &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn requests_are_passed_on_without_what_silences_them() {
    check_sent("set a 1 0 2 noreply\r\nhi\r\n", None, "set a 1 0 2\r\nhi\r\n");
    check_sent("delete a noreply\r\n", None, "delete a\r\n");
    check_sent("incr a 5 noreply\r\n", None, "incr a 5\r\n");
    check_sent("mg a v q k O7\r\n", None, "mg a v k O7\r\n");
    check_sent("md a q I T30\r\n", None, "md a q I T30\r\nmn\r\n");
    check_sent("ms a 2 q T0\r\nhi\r\n", None, "ms a 2 q T0\r\nhi\r\nmn\r\n");
    check_sent("mg AA== b k O7 v\r\n", None, "mg AA== b O7 v\r\n");
    check_sent("mg YQ== b k\r\n", None, "mg YQ== b k\r\n");
    check_sent("ma YQ== b\r\n", None, "ma YQ== b\r\n");
}

#[test]
fn what_a_stand_in_stores_lives_short() {
    check_sent("set a 1 0 2\r\nhi\r\n", Some(10), "set a 1 10 2\r\nhi\r\n");
    check_sent("set a 1 5 2\r\nhi\r\n", Some(10), "set a 1 5 2\r\nhi\r\n");
    check_sent("set a 1 -1 2\r\nhi\r\n", Some(10), "set a 1 -1 2\r\nhi\r\n");
    check_sent("touch a 100\r\n", Some(10), "touch a 10\r\n");
    check_sent("ms a 2 F1\r\nhi\r\n", Some(10), "ms a 2 F1 T10\r\nhi\r\n");
    check_sent("ms a 2 T99 F1\r\nhi\r\n", Some(10), "ms a 2 T10 F1\r\nhi\r\n");
    check_sent("mg a v N60 R5\r\n", Some(10), "mg a v N10 R5\r\n");
    check_sent("delete a\r\n", Some(10), "delete a\r\n");
}

#[track_caller]
fn check_reply(kind: Kind, from_server: &str, expected: &str) {
    let to = To::Part(PartId { exchange: 0, part: 0 });
    let pending = Pending::new(to, kind, Operation::Read, 0, Instant::now());
    let Ok(Parsed::Complete { value, consumed }) = parse_reply(from_server.as_bytes(), &Limits::default())
    else {
        panic!("{from_server:?} is a reply")
    };
    let mut out = Vec::new();
    reply(&pending, &value, &from_server.as_bytes()[..consumed], &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn hits_become_values() {
    let (get, gets) = (Kind::Hit { cas: false }, Kind::Hit { cas: true });
    check_reply(get, "VA 2 kab f7\r\nhi\r\n", "VALUE ab 7 2\r\nhi\r\nEND\r\n");
    check_reply(gets, "VA 0 kab f0 c99\r\n\r\n", "VALUE ab 0 0 99\r\n\r\nEND\r\n");
    check_reply(get, "VA 2 kYWI= b f7 W X\r\nhi\r\n", "VALUE ab 7 2\r\nhi\r\nEND\r\n");
    check_reply(get, "EN\r\n", "END\r\n");
    check_reply(get, "SERVER_ERROR out of memory\r\n", "SERVER_ERROR out of memory\r\n");
    check_reply(Kind::QuietHit, "EN\r\n", "");
    let read = Kind::Read { answered: false };
    check_reply(read, "VALUE ab 7 2\r\nhi\r\n", "VALUE ab 7 2\r\nhi\r\nEND\r\n");
    check_reply(read, "END\r\n", "END\r\n");
    check_reply(Kind::Meta { echoes: false }, "EN\r\n", "EN\r\n");
}

#[test]
fn prefixes_stand_before_keys() {
    #[track_caller]
    fn check(line: &str, expected: &str) {
        let mut out = b"earlier ".to_vec();
        write(&request(line), None, b"app:", &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), format!("earlier {expected}"));
    }
    check("set a 1 0 2\r\nhi\r\n", "set app:a 1 0 2\r\nhi\r\n");
    check("touch a 9\r\n", "touch app:a 9\r\n");
    check("mg a v k O1\r\n", "mg app:a v k O1\r\n");
    check("md YQ== b q\r\n", "md YXBwOmE= b q\r\nmn\r\n");
    let (long, encoded) = ("k".repeat(247), format!("md {} b\r\n", "YWFh".repeat(62)));
    for line in [format!("delete {long}\r\n"), format!("get a {long} b\r\n")] {
        assert!(is_too_long(&request(&line), 4) && !is_too_long(&request(&line), 3));
    }
    assert!(is_too_long(&request(&encoded), 1));
}

#[test]
fn hidden_keys_come_back_where_they_were_wanted() {
    let request = request("mg AA== b O7 k t v\r\n");
    assert!(hides_key(&request));
    for (from_server, expected) in [
        ("VA 2 O7 t-1 W\r\nhi\r\n", "VA 2 O7 kAA== b t-1 W\r\nhi\r\n"),
        ("EN O7\r\n", "EN O7 kAA== b\r\n"),
        ("SERVER_ERROR no\r\n", "SERVER_ERROR no\r\n"),
    ] {
        let mut reply = from_server.as_bytes().to_vec();
        restore_key(&request, &mut reply, &Limits::default());
        assert_eq!(String::from_utf8(reply).unwrap(), expected);
    }
}

#[track_caller]
fn check_absent(line: &str, expected: &str) {
    let request = request(line);
    let mut out = Vec::new();
    absent(&request, operation(&request).unwrap(), &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn a_server_that_is_not_asked_is_empty_and_stores_nothing() {
    check_absent("get a\r\n", "END\r\n");
    check_absent("set a 0 0 1\r\nx\r\n", "NOT_STORED\r\n");
    check_absent("cas a 0 0 1 5\r\nx\r\n", "NOT_FOUND\r\n");
    check_absent("touch a 1\r\n", "NOT_FOUND\r\n");
    check_absent("mg a v\r\n", "EN\r\n");
    check_absent("mg a v O1 k\r\n", "EN O1 ka\r\n");
    check_absent("mg a v q\r\n", "");
    check_absent("ms YQ== 1 b k O1\r\nx\r\n", "NS kYQ== b O1\r\n");
    check_absent("md a q O1\r\n", "NF O1\r\n");
}
