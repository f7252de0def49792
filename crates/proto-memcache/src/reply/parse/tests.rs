use super::*;

fn check(bytes: &[u8], expected: Reply<'_>) {
    let parsed = parse_reply(bytes, &Limits::default());
    assert_eq!(
        parsed,
        Ok(Parsed::Complete { value: expected, consumed: bytes.len() }),
        "{}",
        bytes.escape_ascii()
    );
}

fn check_error(bytes: &[u8], expected: ReplyError) {
    assert_eq!(parse_reply(bytes, &Limits::default()), Err(expected), "{}", bytes.escape_ascii());
}

fn key(bytes: &[u8]) -> Key<'_> {
    Key::new(bytes).unwrap()
}

#[test]
fn classic_replies() {
    check(b"STORED\r\n", Reply::Stored);
    check(b"NOT_STORED\r\n", Reply::NotStored);
    check(b"EXISTS\r\n", Reply::Exists);
    check(b"NOT_FOUND\r\n", Reply::NotFound);
    check(b"DELETED\r\n", Reply::Deleted);
    check(b"TOUCHED\r\n", Reply::Touched);
    check(b"OK\r\n", Reply::Ok);
    check(b"RESET\r\n", Reply::Reset);
    check(b"END\r\n", Reply::End);
    check(b"MN\r\n", Reply::MetaNoop);
    check(b"18446744073709551615\r\n", Reply::Number(u64::MAX));
    check(b"VERSION 1.6.18\r\n", Reply::Version(b"1.6.18"));
    check(b"STAT pid 7\r\n", Reply::Stat { name: b"pid", value: b"7" });
    check(b"STAT a b c\r\n", Reply::Stat { name: b"a", value: b"b c" });
    check(b"ERROR\r\n", Reply::Error(b""));
    check(b"ERROR: shutdown not enabled\r\n", Reply::Error(b": shutdown not enabled"));
    check(b"CLIENT_ERROR bad data chunk\r\n", Reply::ClientError(b"bad data chunk"));
    check(b"SERVER_ERROR out of memory\r\n", Reply::ServerError(b"out of memory"));
    let text = Words::new(b"currently processing").unwrap();
    check(b"BUSY currently processing\r\n", Reply::Refused { word: b"BUSY", text });
    check(
        b"VALUE a 7 2\r\n\r\n\r\n",
        Reply::Value(Value { key: key(b"a"), flags: 7, value: b"\r\n", cas: None }),
    );
    check(
        b"VALUE a 0 0 9\r\n\r\n",
        Reply::Value(Value { key: key(b"a"), flags: 0, value: b"", cas: Some(9) }),
    );
}

#[test]
fn config_replies() {
    let payload = b"12\na.x|10.0.0.1|11211 b.x||11212\n";
    let bytes = [b"CONFIG cluster 0 33\r\n".as_slice(), payload, b"\r\nEND\r\n"].concat();
    check(&bytes, Reply::Config(Config { name: key(b"cluster"), flags: 0, payload }));
    let mut out = Vec::new();
    let nodes = [
        crate::reply::ConfigNode { host: "a.x", ip: "10.0.0.1", port: 11211 },
        crate::reply::ConfigNode { host: "b.x", ip: "", port: 11212 },
    ];
    crate::reply::encode::config(&mut out, b"cluster", 12, nodes);
    assert_eq!(out, bytes);
    out.clear();
    crate::reply::encode::config(&mut out, b"cluster", 12, []);
    assert_eq!(out, b"CONFIG cluster 0 4\r\n12\n\n\r\nEND\r\n");
}

#[test]
fn meta_replies() {
    let reply = |bytes: &'static [u8]| match parse_reply(bytes, &Limits::default()) {
        Ok(Parsed::Complete { value: Reply::Meta(reply), .. }) => reply,
        other => panic!("{other:?}"),
    };
    let hit = reply(b"VA 1 s1 t-1 c9 f30 kYQ== b Ox h1 l5 W X Z\r\nv\r\n");
    assert_eq!((hit.status, hit.value), (MetaStatus::Done, Some(&b"v"[..])));
    assert_eq!(
        (hit.size(), hit.ttl(), hit.cas(), hit.client_flags()),
        (Some(1), Some(-1), Some(9), Some(30))
    );
    assert_eq!((hit.opaque(), hit.hit_before(), hit.last_access()), (Some(&b"x"[..]), Some(true), Some(5)));
    assert!(hit.won() && hit.stale() && hit.already_won());
    assert_eq!(hit.key().unwrap().decode(&mut [0; 250]), b"a");

    let bare = reply(b"HD\r\n");
    assert_eq!(
        (bare.status, bare.value, bare.size(), bare.ttl(), bare.won()),
        (MetaStatus::Done, None, None, None, false)
    );
    assert_eq!(reply(b"HD t60\r\n").ttl(), Some(60));
    assert_eq!(reply(b"HD t-2 f4294967296 sx\r\n").ttl(), None);
    assert_eq!(reply(b"HD f4294967296\r\n").client_flags(), None);
    assert_eq!(reply(b"EN k!\r\n").key().unwrap().raw(), key(b"!"));
    assert_eq!(reply(b"EN k! b\r\n").key(), None);
    assert_eq!(reply(b"NF O1\r\n").status, MetaStatus::NotFound);
    assert_eq!(reply(b"NS\r\n").status, MetaStatus::NotStored);
    assert_eq!(reply(b"EX\r\n").status, MetaStatus::Exists);
    check(b"ME a exp=-1 la=0\r\n", Reply::MetaDebug { key: key(b"a"), text: b"exp=-1 la=0" });
}

#[test]
fn garbage_is_refused() {
    check_error(b"\r\n", ReplyError::Unknown);
    check_error(b" END\r\n", ReplyError::Unknown);
    check_error(b"END of it\r\n", ReplyError::Unknown);
    check_error(b"hello\r\n", ReplyError::Unknown);
    check_error(b"END\n", ReplyError::Line { at: 3 });
    check_error(b"EN\0D\r\n", ReplyError::Line { at: 2 });
    check_error(b"12x\r\n", ReplyError::Word { word: 0 });
    check_error(b"18446744073709551616\r\n", ReplyError::Word { word: 0 });
    check_error(b"VALUE a 0\r\n", ReplyError::Word { word: 3 });
    check_error(b"VALUE a -1 0\r\n", ReplyError::Word { word: 2 });
    check_error(b"VALUE a 4294967296 0\r\n", ReplyError::Word { word: 2 });
    check_error(b"VA +1\r\n", ReplyError::Word { word: 1 });
    check_error(b"VA 1\r\nxyz", ReplyError::ValueEnd { at: 7 });
    check_error(b"CONFIG cluster 0 1\r\nx\r\nDNE\r\n", ReplyError::ValueEnd { at: 21 });
    check_error(b"VA 1048577\r\n", ReplyError::ValueTooLong { bytes: 1048577, bytes_max: 1048576 });
    check_error(
        b"VA 18446744073709551615\r\n",
        ReplyError::ValueTooLong { bytes: u64::MAX, bytes_max: 1048576 },
    );
    check_error(&[b'x'; 2049], ReplyError::LineTooLong { bytes_max: 2048 });
    assert_eq!(parse_reply(&[b'x'; 2048], &Limits::default()), Ok(Parsed::Incomplete { bytes_min: 1 }));
    assert_eq!(parse_reply(b"VA 5\r\nhel", &Limits::default()), Ok(Parsed::Incomplete { bytes_min: 4 }));
}
