use super::*;
use crate::request::{Administration, Direction, SetMode, StoreVerb};

/// Parses one request that is all of `bytes`, and shows it as its fields.
fn check(bytes: &str, expected: &str) {
    let parsed = parse_request(bytes.as_bytes(), &Limits::default());
    let Ok(Parsed::Complete { value, consumed }) = parsed else { panic!("{bytes:?}: {parsed:?}") };
    assert_eq!((show(&value), consumed), (expected.to_owned(), bytes.len()), "{bytes:?}");
}

/// Parses one refusal: its reply, and how many bytes go with it, `None` to close.
fn check_error(bytes: &str, reply: &str, skipped: Option<u64>) {
    check_error_bytes(bytes.as_bytes(), reply, skipped);
}

fn check_error_bytes(bytes: &[u8], reply: &str, skipped: Option<u64>) {
    let parsed = parse_request(bytes, &Limits::default());
    let Err(error) = parsed else { panic!("{}: {parsed:?}", bytes.escape_ascii()) };
    let recovery = skipped.map_or(Recovery::Close, |bytes| Recovery::Skip { bytes });
    let line = std::str::from_utf8(error.reply()).unwrap();
    let shown = bytes[..bytes.len().min(80)].escape_ascii();
    assert_eq!((line.trim_end(), error.recovery), (reply, recovery), "{shown}");
    assert!(line.is_empty() || line.ends_with("\r\n"));
}

fn check_line_error(line: &str, reply: &str) {
    check_error(line, reply, Some(line.len() as u64));
}

fn show(request: &Request<'_>) -> String {
    let quiet = |noreply| if noreply { " quietly" } else { "" };
    match request {
        Request::Get(get) => format!("get {:?} cas={} touch={:?}", get.keys, get.cas, get.touch),
        Request::Store(s) => format!(
            "{:?} {:?} {} {} {:?} {}{}",
            s.verb,
            s.key,
            s.flags,
            s.exptime,
            std::str::from_utf8(s.value).unwrap(),
            s.cas,
            quiet(s.noreply)
        ),
        Request::Delete { key, noreply } => format!("delete {key:?}{}", quiet(*noreply)),
        Request::Arithmetic(a) => format!("{:?} {:?} {}{}", a.direction, a.key, a.delta, quiet(a.noreply)),
        Request::Touch { key, exptime, noreply } => format!("touch {key:?} {exptime}{}", quiet(*noreply)),
        Request::FlushAll { delay, noreply } => format!("flush {delay}{}", quiet(*noreply)),
        Request::Verbosity { level, noreply } => format!("verbosity {level}{}", quiet(*noreply)),
        other => format!("{other:?}"),
    }
}

const LONG: &str = concat!(
    "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk",
    "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk",
    "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk",
);

#[test]
fn gets() {
    check("get a\r\n", r#"get ["a"] cas=false touch=None"#);
    check("get a\n", r#"get ["a"] cas=false touch=None"#);
    check("  get   a  b \r\n", r#"get ["a", "b"] cas=false touch=None"#);
    check("bget a\r\n", r#"get ["a"] cas=false touch=None"#);
    check("gets a a\r\n", r#"get ["a", "a"] cas=true touch=None"#);
    check("gat 60 a\r\n", r#"get ["a"] cas=false touch=Some(60)"#);
    check("gats -1 a\r\n", r#"get ["a"] cas=true touch=Some(-1)"#);
    check("gat 1\r\n", r#"get [] cas=false touch=Some(1)"#);
    check("get HTTP/1.1\r\n", r#"get ["HTTP/1.1"] cas=false touch=None"#);
    check("get a\r\r\n", r#"get ["a\r"] cas=false touch=None"#);
    check("get a\tb\r\n", r#"get ["a\tb"] cas=false touch=None"#);
    check("get a\0b c\r\n", r#"get ["a"] cas=false touch=None"#);
    check_line_error("get\r\n", "ERROR");
    check_line_error("get \r\n", "ERROR");
    check_line_error("get\ta\r\n", "ERROR");
    check_line_error("gat\r\n", "ERROR");
    check_line_error("gat x\r\n", "CLIENT_ERROR invalid exptime argument");
    check_line_error(&format!("gat x {LONG}\r\n"), "CLIENT_ERROR invalid exptime argument");
    check_line_error(&format!("get a {LONG} b\r\n"), "CLIENT_ERROR bad command line format");
    check_line_error(&format!("get {}{LONG}\r\n", "a ".repeat(300)), "CLIENT_ERROR bad command line format");
}

#[test]
fn stores() {
    check("set a 1 60 1\r\nx\r\n", r#"Set "a" 1 60 "x" 0"#);
    check("add a 0 -1 0\n\r\n", r#"Add "a" 0 -1 "" 0"#);
    check("append a 0 0 4\r\n\r\n\r\n\r\n", r#"Append "a" 0 0 "\r\n\r\n" 0"#);
    check("prepend a 0 0 1 noreply\r\nx\r\n", r#"Prepend "a" 0 0 "x" 0 quietly"#);
    check("replace a 0 0 1 what\r\nx\r\n", r#"Replace "a" 0 0 "x" 0"#);
    check("cas a 0 0 1 18446744073709551615\r\nx\r\n", r#"Cas "a" 0 0 "x" 18446744073709551615"#);
    check("cas a 0 0 1 7 noreply\r\nx\r\n", r#"Cas "a" 0 0 "x" 7 quietly"#);
    check("set a 4294967296 4294967297 4294967297\r\nx\r\n", r#"Set "a" 0 1 "x" 0"#);
    check_line_error("set a 0 0\r\n", "ERROR");
    check_line_error("set a 0 0 1 2 3\r\n", "ERROR");
    check_line_error("cas a 0 0 1\r\n", "ERROR");
    check_line_error("cas a 0 0 1 noreply\r\n", "");
    check_line_error("set a 0 0 noreply\r\n", "");
    check_line_error("set a -1 0 1\r\n", "CLIENT_ERROR bad command line format");
    check_line_error("set a 0 0x1 1\r\n", "CLIENT_ERROR bad command line format");
    check_line_error("set a 0 0 -1\r\n", "CLIENT_ERROR bad command line format");
    check_line_error("set a 0 0 2147483646\r\n", "CLIENT_ERROR bad command line format");
    check_line_error(&format!("set {LONG} 0 0 1\r\n"), "CLIENT_ERROR bad command line format");
    check_error("set a 0 0 1\r\nx\n\n", "CLIENT_ERROR bad data chunk", Some(16));
    check_error("set a 0 0 1\r\nxyz\r\n", "CLIENT_ERROR bad data chunk", Some(16));
    check_error("set a 0 0 1 noreply\r\nxyz", "", Some(24));
}

#[test]
fn a_value_too_large_is_skipped_unseen_and_unlinks_for_set_alone() {
    let too_large = "SERVER_ERROR object too large for cache";
    check_error("set a 0 0 1048577\r\n", too_large, Some(19 + 1048577 + 2));
    check_error("set a 0 0 2147483645\r\n", too_large, Some(22 + 2147483645 + 2));
    check_error("set a 0 0 1048577 noreply\r\n", "", Some(27 + 1048577 + 2));
    check_error("ms a 1048577 q\r\n", too_large, Some(16 + 1048577 + 2));
    let unlinked = |line: &str| {
        let error = parse_request(line.as_bytes(), &Limits::default()).unwrap_err();
        error.unlink.map(|key| key.decode(&mut [0; KEY_BYTES_MAX]).to_vec())
    };
    assert_eq!(unlinked("set a 0 0 1048577\r\n"), Some(b"a".to_vec()));
    assert_eq!(unlinked("ms YQ== 1048577 b MA\r\n"), Some(b"a".to_vec()));
    assert_eq!(unlinked("add a 0 0 1048577\r\n"), None);
    assert_eq!(unlinked("cas a 0 0 1048577 1\r\n"), None);
    assert_eq!(unlinked("set a 0 0 1\r\nxyz"), None);
}

#[test]
fn other_classic_commands() {
    check("delete a\r\n", r#"delete "a""#);
    check("delete a 0\r\n", r#"delete "a""#);
    check("delete a noreply\r\n", r#"delete "a" quietly"#);
    check("delete a 0 noreply\r\n", r#"delete "a" quietly"#);
    check("incr a 18446744073709551615\r\n", r#"Increment "a" 18446744073709551615"#);
    check("decr a 1 noreply\r\n", r#"Decrement "a" 1 quietly"#);
    check("decr a 1 loudly\r\n", r#"Decrement "a" 1"#);
    check("touch a 4294967296\r\n", r#"touch "a" 0"#);
    check("touch a 1 noreply\r\n", r#"touch "a" 1 quietly"#);
    check("flush_all\r\n", "flush 0");
    check("flush_all noreply\r\n", "flush 0 quietly");
    check("flush_all 10\r\n", "flush 10");
    check("flush_all -1 noreply\r\n", "flush -1 quietly");
    check("flush_all 1 2\r\n", "flush 1");
    check("verbosity 1\r\n", "verbosity 1");
    check("verbosity 1 noreply\r\n", "verbosity 1 quietly");
    check("version a b\r\n", "Version");
    check("version\0x\r\n", "Version");
    check("quit now\r\n", "Quit");
    check("shutdown graceful\r\n", "Shutdown");
    check("stats\r\n", r#"Stats { arguments: "" }"#);
    check("stats  items \r\n", r#"Stats { arguments: "items" }"#);
    check("config get cluster\r\n", r#"ConfigGet { name: "cluster" }"#);
    check_line_error("config set cluster\r\n", "ERROR");
    check_line_error("config get cluster 1\r\n", "ERROR");
    let usage = "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]";
    check_line_error("delete a 1\r\n", usage);
    check_line_error("delete a 1 noreply\r\n", "");
    check_line_error("delete a noreply noreply\r\n", "");
    check_line_error("delete a 0 0\r\n", usage);
    check_line_error("delete a b c d\r\n", "ERROR");
    check_line_error(&format!("delete {LONG} noreply\r\n"), "");
    check_line_error("incr a\r\n", "ERROR");
    check_line_error("incr a -1\r\n", "CLIENT_ERROR invalid numeric delta argument");
    check_line_error("incr a x noreply\r\n", "");
    check_line_error("touch a x\r\n", "CLIENT_ERROR invalid exptime argument");
    check_line_error(&format!("touch {LONG} x\r\n"), "CLIENT_ERROR bad command line format");
    check_line_error("flush_all x\r\n", "CLIENT_ERROR invalid exptime argument");
    check_line_error("flush_all noreply 1\r\n", "CLIENT_ERROR invalid exptime argument");
    check_line_error("flush_all noreply noreply\r\n", "");
    check_line_error("flush_all 1 2 3\r\n", "ERROR");
    check_line_error("verbosity\r\n", "ERROR");
    check_line_error("verbosity x\r\n", "CLIENT_ERROR bad command line format");
    check_line_error("verbosity noreply\r\n", "");
}

#[test]
fn administration_is_left_to_the_server() {
    let administered = |line: &str| match parse_request(line.as_bytes(), &Limits::default()) {
        Ok(Parsed::Complete { value: Request::Administer { command, arguments, noreply }, .. }) => {
            (command, String::from_utf8_lossy(arguments.as_bytes()).into_owned(), noreply)
        }
        other => panic!("{other:?}"),
    };
    let check = |line, command, arguments: &str, noreply| {
        assert_eq!(administered(line), (command, arguments.to_owned(), noreply), "{line}");
    };
    check("cache_memlimit 64 noreply\r\n", Administration::CacheMemlimit, "64 noreply", true);
    check("lru mode flat\r\n", Administration::Lru, "mode flat", false);
    check("lru_crawler enable\r\n", Administration::LruCrawler, "enable", false);
    check("lru_crawler noreply\r\n", Administration::LruCrawler, "noreply", false);
    check("slabs automove 1 noreply\r\n", Administration::Slabs, "automove 1 noreply", true);
    check("slabs reassign 1 noreply\r\n", Administration::Slabs, "reassign 1 noreply", false);
    check("watch\r\n", Administration::Watch, "", false);
    check("extstore item_age 1\r\n", Administration::Extstore, "item_age 1", false);
    check("refresh_certs\r\n", Administration::RefreshCerts, "", false);
    for line in ["cache_memlimit\r\n", "cache_memlimit 1 2 3\r\n", "lru\r\n", "extstore\r\n"] {
        check_line_error(line, "ERROR");
    }
}

#[test]
fn no_commands() {
    for line in
        ["\r\n", "\n", " \r\n", "m\r\n", "mx\r\n", "mgg a\r\n", "GET a\r\n", "GET /\r\n", "ve\0rsion\r\n"]
    {
        check_line_error(line, "ERROR");
    }
    let http = "CLIENT_ERROR this port speaks memcached, not HTTP";
    check_error("GET / HTTP/1.1\r\nHost: a\r\n", http, None);
    check_error("POST /?a=b HTTP/1.0\n", http, None);
    check_error("HTTP/1.1\r\n", http, None);
    check_error("host: a\r\n", http, None);
    let binary = "CLIENT_ERROR the binary protocol is not supported, use the text protocol";
    check_error_bytes(b"\x80", binary, None);
    check_error_bytes(b"\x80\x0a\0\n", binary, None);
}

#[test]
fn endless_lines_are_cut_short() {
    let limits = Limits::default();
    let incomplete = Ok(Parsed::Incomplete { bytes_min: 1 });
    assert_eq!(parse_request(b"", &limits), incomplete);
    assert_eq!(parse_request(&[b'x'; 2048], &limits), incomplete);
    check_error(&"x".repeat(2049), "", None);
    check_error(&("x".repeat(2049) + "\n"), "", None);
    check_line_error(&("x".repeat(2048) + "\n"), "ERROR");
    check_error(&format!("mg {}a\r\n", " ".repeat(2048)), "", None);

    let many = format!("get{}", " key".repeat(600));
    assert_eq!(parse_request(many.as_bytes(), &limits), incomplete);
    for command in ["get", "gets", "gat 0", "gats 0", "    get"] {
        let line = format!("{command}{}\r\n", " key".repeat(600));
        let Ok(Parsed::Complete { value: Request::Get(get), consumed }) =
            parse_request(line.as_bytes(), &limits)
        else {
            panic!("{command}")
        };
        assert_eq!((get.keys.iter().count(), consumed), (600, line.len()));
    }
    check_error(&format!("{}get{}", " ".repeat(101), " key".repeat(600)), "", None);
    check_error(&format!("get{}", " key".repeat(70_000)), "", None);
    check_error(&format!("get{}\r\n", " key".repeat(70_000)), "", None);
}

fn meta<'b>(line: &'b str) -> Request<'b> {
    match parse_request(line.as_bytes(), &Limits::default()) {
        Ok(Parsed::Complete { value, consumed }) if consumed == line.len() => value,
        other => panic!("{line:?}: {other:?}"),
    }
}

#[test]
fn meta_flags_are_typed_and_kept_in_order() {
    let Request::MetaGet(get) = meta("mg a v q u T60 N-1 R30 C7 E8 k s  O1 P L2\r\n") else { panic!() };
    assert!(get.value && get.quiet && get.no_bump);
    assert_eq!((get.ttl, get.vivify, get.recache), (Some(60), Some(-1), Some(30)));
    assert_eq!((get.cas, get.cas_new), (Some(7), Some(8)));
    let letters: Vec<u8> = get.flags.iter().map(|flag| flag.letter).collect();
    assert_eq!(letters, b"vquTNRCEksOPL");
    assert_eq!(get.flags.iter().find(|flag| flag.letter == b'O').unwrap().token, b"1");

    let Request::MetaGet(get) = meta("mg a\r\n") else { panic!() };
    assert!(!get.value && !get.quiet && !get.no_bump);
    assert_eq!((get.ttl, get.vivify, get.recache, get.cas, get.cas_new), (None, None, None, None, None));
    assert_eq!(get.flags.iter().count(), 0);

    let Request::MetaSet(set) = meta("ms a 1 MA F5 T60 N30 C7 E8 I q S\r\nx\r\n".replace(" S", "").leak())
    else {
        panic!()
    };
    assert_eq!((set.mode, set.value, set.client_flags, set.ttl), (SetMode::Append, &b"x"[..], 5, 60));
    assert_eq!((set.vivify, set.cas, set.cas_new), (Some(30), Some(7), Some(8)));
    assert!(set.invalidate && set.quiet);

    let Request::MetaDelete(delete) = meta("md a I x T30 C7 E8 q\r\n") else { panic!() };
    assert!(delete.invalidate && delete.remove_value && delete.quiet);
    assert_eq!((delete.ttl, delete.cas, delete.cas_new), (Some(30), Some(7), Some(8)));

    let Request::MetaArithmetic(ma) = meta("ma a N60 J13 D5 T30 M- q v C7 E8\r\n") else { panic!() };
    assert_eq!((ma.direction, ma.delta, ma.initial), (Direction::Decrement, 5, 13));
    assert_eq!((ma.vivify, ma.ttl, ma.cas, ma.cas_new), (Some(60), Some(30), Some(7), Some(8)));
    let Request::MetaArithmetic(ma) = meta("ma a\r\n") else { panic!() };
    assert_eq!((ma.direction, ma.delta, ma.initial), (Direction::Increment, 1, 0));
    assert_eq!(meta("mn what ever\r\n"), Request::MetaNoop);
}

#[test]
fn meta_keys_may_be_base64() {
    let mut room = [0; KEY_BYTES_MAX];
    let Request::MetaGet(get) = meta("mg YQ== k b\r\n") else { panic!() };
    assert_eq!(
        (get.key.raw().as_bytes(), get.key.is_base64(), get.key.decode(&mut room)),
        (&b"YQ=="[..], true, &b"a"[..])
    );
    let Request::MetaDebug { key } = meta("me YQ== b\r\n") else { panic!() };
    assert_eq!(key.decode(&mut room), b"a");
    let Request::MetaDebug { key } = meta("me YQ== k b\r\n") else { panic!() };
    assert_eq!(key.decode(&mut room), b"YQ==");
    check_line_error("mg a b\r\n", "CLIENT_ERROR error decoding key");
    check_line_error("md a b\r\n", "CLIENT_ERROR invalid or duplicate flag");
    check_line_error("me a b\r\n", "CLIENT_ERROR bad command line format");
}

#[test]
fn meta_errors() {
    for line in ["mg\r\n", "ms\r\n", "md\r\n", "ma\r\n"] {
        check_line_error(line, "ERROR");
    }
    for line in ["me\r\n", "ms a\r\n", "ms a x\r\n", "ms a -1\r\n", "mg a Fx\r\n"] {
        check_line_error(line, "CLIENT_ERROR bad command line format");
    }
    for command in ["mg", "ms", "md", "ma", "me"] {
        check_line_error(&format!("{command} {LONG}\r\n"), "CLIENT_ERROR bad command line format");
    }
    let bad_token = "CLIENT_ERROR bad token in command line format";
    check_line_error("mg a v v\r\n", "CLIENT_ERROR duplicate flag");
    check_line_error("mg a Tx v v\r\n", "CLIENT_ERROR duplicate flag");
    check_line_error("mg a !\r\n", "CLIENT_ERROR invalid flag");
    check_line_error("mg a S1\r\n", "CLIENT_ERROR invalid flag");
    check_line_error("mg a Tx\r\n", bad_token);
    check_line_error("mg a Tx Fx\r\n", bad_token);
    check_line_error("mg a Fx Tx\r\n", bad_token);
    check_line_error("mg a E\r\n", bad_token);
    check_line_error("mg a M\r\n", "CLIENT_ERROR incorrect length for M token");
    check_line_error("mg a Jx\r\n", "CLIENT_ERROR invalid numeric initial value");
    check_line_error("mg a Dx\r\n", "CLIENT_ERROR invalid numeric delta value");
    check_error_bytes(b"mg a \xff\r\n", "CLIENT_ERROR duplicate flag", Some(8));
    let opaque = "O".repeat(32);
    check_line_error(&format!("mg a {opaque}O\r\n"), "CLIENT_ERROR opaque token too long");
    check(&format!("me {opaque}\r\n"), &format!("MetaDebug {{ key: \"{opaque}\" }}"));
    for command in ["mg", "md", "ma"] {
        meta(&format!("{command} a {opaque}\r\n"));
    }
    check_line_error("md a Cx\r\n", "CLIENT_ERROR invalid or duplicate flag");
    check_line_error("ma a Dx\r\n", "CLIENT_ERROR invalid or duplicate flag");
    check_line_error("ma a MX\r\n", "CLIENT_ERROR invalid mode for ma M token");
    check_line_error(&format!("ma a MX {opaque}O\r\n"), "CLIENT_ERROR invalid mode for ma M token");

    let seventeen = "v k t c f s h l u q O1 T1 N1 R1 P1 L1 I";
    meta(&format!("mg a {seventeen}\r\n"));
    check_line_error(&format!("mg a {seventeen} M1\r\n"), "CLIENT_ERROR options flags are too long");
    check_line_error(&format!("mg a {seventeen} I\r\n"), "CLIENT_ERROR options flags are too long");
    check_line_error(&format!("md a {seventeen} M1\r\n"), "CLIENT_ERROR options flags too long");
    check_line_error(&format!("ms a 1 {seventeen}\r\n"), "CLIENT_ERROR options flags too long");
}

#[test]
fn a_refused_ms_takes_its_value_along() {
    let swallowed = |line: &str, reply| check_error(line, reply, Some(line.len() as u64 + 3));
    swallowed("ms a 1 v v\r\n", "CLIENT_ERROR duplicate flag");
    swallowed("ms a 1 !\r\n", "CLIENT_ERROR invalid flag");
    swallowed("ms a 1 b\r\n", "CLIENT_ERROR error decoding key");
    swallowed("ms a 1 Fx\r\n", "CLIENT_ERROR bad command line format");
    swallowed("ms a 1 M\r\n", "CLIENT_ERROR incorrect length for M token");
    swallowed("ms a 1 Me\r\n", "CLIENT_ERROR invalid mode for ms M token");
    let opaque = "O".repeat(33);
    swallowed(&format!("ms a 1 {opaque}\r\n"), "CLIENT_ERROR opaque token too long");
    swallowed(&format!("ms a 1 {opaque} MX\r\n"), "CLIENT_ERROR invalid mode for ms M token");
    check_error("ms a 1 q\r\nxyz", "CLIENT_ERROR bad data chunk", Some(13));
}

#[test]
fn a_request_stays_small() {
    assert!(size_of::<Request<'_>>() <= 120, "{}", size_of::<Request<'_>>());
    assert!(size_of::<Parse<'_>>() <= 136, "{}", size_of::<Parse<'_>>());
}

#[test]
fn what_is_missing_of_a_value_is_known() {
    let limits = Limits::default();
    assert_eq!(parse_request(b"set a 0 0 5\r\n", &limits), Ok(Parsed::Incomplete { bytes_min: 7 }));
    assert_eq!(parse_request(b"ms a 5\r\nhello", &limits), Ok(Parsed::Incomplete { bytes_min: 2 }));
    let Request::Store(store) = meta("set a 0 0 0\r\n\r\n") else { panic!() };
    assert_eq!((store.verb, store.value), (StoreVerb::Set, &b""[..]));
}
