use super::*;

fn done(version: &str, meta: bool, consumed: usize) -> Progress {
    Progress::Done { dialect: Dialect { meta, version: version.to_owned() }, consumed }
}

fn refused(text: &str) -> Progress {
    Progress::Failed(HandshakeError::Unauthenticated { text: text.to_owned() })
}

/// Feeds `bytes` one more at a time: all but the last call must want more.
fn check(auth: Option<&Auth>, bytes: &[u8], expected: &Progress) {
    let handshake = Handshake::new(auth);
    for len in 0..bytes.len() {
        assert_eq!(handshake.feed(&bytes[..len]), Progress::NeedMore, "{} at {len}", bytes.escape_ascii());
    }
    assert_eq!(handshake.feed(bytes), *expected, "{}", bytes.escape_ascii());
    assert_eq!(Handshake::new(auth).feed(bytes), *expected, "{} at once", bytes.escape_ascii());
}

#[test]
fn answers_to_version() {
    check(None, b"VERSION 1.6.18\r\n", &done("1.6.18", true, 16));
    check(None, b"ERROR\r\n", &done("", false, 7));
    check(None, b"SERVER_ERROR no servers\r\n", &done("", false, 25));
    check(None, b"CLIENT_ERROR unauthenticated\r\n", &refused("unauthenticated"));
    check(None, b"ERROR Too many open connections\r\n", &Progress::Failed(HandshakeError::Full));
    let garbage = Progress::Failed(HandshakeError::Garbage(ReplyError::Unknown));
    check(None, b"HTTP/1.1 400 Bad Request\r\n", &garbage);
    check(None, b"-ERR unknown command 'version'\r\n", &garbage);
}

#[test]
fn answers_to_the_token() {
    let auth = Auth::new("user", "secret").unwrap();
    assert_eq!(Handshake::new(Some(&auth)).output(), b"set auth 0 -1 11\r\nuser secret\r\nversion\r\n");
    check(Some(&auth), b"STORED\r\nVERSION 1.6.18\r\n", &done("1.6.18", true, 24));
    check(Some(&auth), b"CLIENT_ERROR authentication failure\r\n", &refused("authentication failure"));
    check(Some(&auth), b"END\r\n", &Progress::Failed(HandshakeError::Unexpected));
}

#[test]
fn bytes_behind_the_handshake_are_left() {
    assert_eq!(Handshake::new(None).feed(b"VERSION 1.5.0\r\nEND\r\n"), done("1.5.0", false, 15));
}

#[test]
fn versions_with_meta() {
    fn check(version: &str, meta: bool) {
        assert_eq!(Dialect::of_version(version.as_bytes()).meta, meta, "{version}");
    }
    check("1.6.10", true);
    check("1.6.45", true);
    check("1.6.18_3", true);
    check("1.6.22-rc1", true);
    check("1.7.0", true);
    check("1.6.9", false);
    check("1.5.22", false);
    check("1.4.5", false);
    check("0.5.0", false);
    check("37.0.0 mcrouter", false);
    check("2022.01.31.00 mcrouter", false);
    check("1.6.12 DF", false);
    check("1.6", false);
    check("", false);
    check("nutcracker", false);
    check("1.99999999999.0", false);
}

#[test]
fn tokens_that_cannot_be_sent() {
    for (user, password) in [("", "p"), ("u", ""), ("a b", "p"), ("u", "p\r\n"), ("u", &"p".repeat(251))] {
        assert!(Auth::new(user, password).is_err(), "{user:?} {password:?}");
    }
    let shown = format!("{:?}", Auth::new("u", "hidden").unwrap());
    assert!(shown.contains("\"u\"") && !shown.contains("hidden"), "{shown}");
}
