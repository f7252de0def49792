use std::collections::BTreeMap;

use bytes_of::member;
use peerset_cluster::{Limits, Member, MemberId, Weight};
use proptest::prelude::*;

use super::*;

const BYTES_MAX: usize = 1 << 16;

/// Members by their text, for tables.
mod bytes_of {
    use super::*;

    pub(super) fn member(change: impl FnOnce(&mut Member)) -> Member {
        let mut member = Member::at("h:1".parse().unwrap());
        change(&mut member);
        member
    }
}

fn read(json: &str) -> Result<Announced, ReadError> {
    read_member(json.as_bytes(), BYTES_MAX, &Limits::default())
}

#[test]
fn bytes_are_finagles() {
    fn check(member: &Member, expected: &str) {
        let written = String::from_utf8(write_member(member, BYTES_MAX).unwrap()).unwrap();
        assert_eq!(written, expected);
        let back = read(expected).unwrap();
        assert_eq!(&back.member, member);
        assert_eq!(back.has_own_id, member.id.as_str() != member.endpoint.to_string());
    }
    check(
        &member(|_| ()),
        r#"{"serviceEndpoint":{"host":"h","port":1},"additionalEndpoints":{},"status":"ALIVE"}"#,
    );
    check(
        &member(|m| {
            m.endpoints.insert("name".into(), "h:2".parse().unwrap());
            m.endpoints.insert("other".into(), "[::1]:3".parse().unwrap());
            m.shard = Some(7);
            m.metadata.insert("k".into(), "v".into());
        }),
        concat!(
            r#"{"serviceEndpoint":{"host":"h","port":1},"additionalEndpoints":{"name":{"host":"h","port":2},"#,
            r#""other":{"host":"::1","port":3}},"status":"ALIVE","shard":7,"metadata":{"k":"v"}}"#,
        ),
    );
    check(
        &member(|m| {
            m.id = MemberId::new("cache-1").unwrap();
            m.status = Status::Stopping;
            m.weight = Weight::new(0.5).unwrap();
            m.zone = Some("a".into());
            m.data = b"\0\xff"[..].into();
            m.metadata.insert("<=>".into(), "\"\\\n\u{1}'".into());
        }),
        concat!(
            r#"{"serviceEndpoint":{"host":"h","port":1},"additionalEndpoints":{},"status":"STOPPING","metadata":{"#,
            r#""\u003c\u003d\u003e":"\"\\\n\u0001\u0027","peerset.data":"00ff","peerset.id":"cache-1","#,
            r#""peerset.weight":"0.5","peerset.zone":"a"}}"#,
        ),
    );
}

#[test]
fn what_cannot_be_written_is_refused() {
    fn check(change: impl FnOnce(&mut Member), expected: &str) {
        assert_eq!(write_member(&member(change), 100).unwrap_err().to_string(), expected);
    }
    check(
        |m| m.endpoint = "unix:/a".parse().unwrap(),
        "unix:/a has no host and port, which a serverset needs",
    );
    check(
        |m| m.metadata = BTreeMap::from([("peerset.x".into(), "y".into())]),
        "the metadata key \"peerset.x\" begins with peerset., which is kept for this library",
    );
    check(|m| m.data = [0; 20][..].to_vec().into(), "h:1 takes 154 bytes, over the limit of 100");
}

#[test]
fn odd_znodes_are_read_leniently() {
    fn check(json: &str, expected: impl FnOnce(&mut Member)) {
        assert_eq!(read(json).unwrap().member, member(expected), "{json}");
    }
    let service = r#"{"serviceEndpoint":{"host":"h","port":1}"#;
    check(&format!("{service}}}"), |m| m.status = Status::Unknown);
    check(&format!("{service},\"status\":\"ALIVE\"}}"), |_| ());
    check(&format!("{service},\"status\":\"RESTING\"}}"), |m| m.status = Status::Unknown);
    check(&format!("{service},\"status\":2}}"), |m| m.status = Status::Unknown);
    check(&format!("{service},\"status\":\"DEAD\",\"more\":[{{}}]}}"), |m| m.status = Status::Dead);
    let alive = format!("{service},\"status\":\"ALIVE\"");
    check(&format!("{alive},\"additionalEndpoints\":null,\"shard\":null,\"metadata\":null}}"), |_| ());
    check(&format!("{alive},\"additionalEndpoints\":[1],\"shard\":-1,\"metadata\":7}}"), |_| ());
    check(
        &format!(
            "{alive},\"additionalEndpoints\":{{\"a\":{{\"host\":\"\",\"port\":1}},\"b\":{{\"host\":\"h\",\"port\":2}}}}}}"
        ),
        |m| drop(m.endpoints.insert("b".into(), "h:2".parse().unwrap())),
    );
    check(&format!("{alive},\"metadata\":{{\"k\":1,\"l\":\"v\",\"peerset.new\":\"x\"}}}}"), |m| {
        m.metadata.insert("l".into(), "v".into());
    });
    let long = "x".repeat(Limits::default().text_bytes_max + 1);
    let endpoint = r#"{"host":"h","port":2}"#;
    check(&format!(r#"{alive},"additionalEndpoints":{{"{long}":{endpoint},"b":{endpoint}}}}}"#), |m| {
        m.endpoints.insert("b".into(), "h:2".parse().unwrap());
    });
    let pairs = format!(r#""k":"{long}","{long}":"v","l":"v","peerset.zone":"{long}""#);
    check(&format!(r#"{alive},"metadata":{{{pairs}}}}}"#), |m| {
        m.metadata.insert("l".into(), "v".into());
    });
    check(r#"{"serviceEndpoint":{"host":"[::1]","port":1},"status":"ALIVE"}"#, |m| {
        *m = Member::at("[::1]:1".parse().unwrap());
    });
}

#[test]
fn a_named_endpoint_is_enough() {
    let named =
        r#""additionalEndpoints":{"b":{"host":"h","port":2},"a":{"host":"h","port":1}},"status":"ALIVE"}"#;
    for service in ["", "\"serviceEndpoint\":null,"] {
        let announced = read(&format!("{{{service}{named}")).unwrap();
        assert!(!announced.has_service && announced.member.endpoints.len() == 2);
        assert_eq!(announced.member.endpoint.to_string(), "h:1");
    }
    assert!(read(&format!(r#"{{"serviceEndpoint":{{"host":"h","port":3}},{named}"#)).unwrap().has_service);
}

#[test]
fn what_is_no_member_says_why() {
    fn check(json: &str, expected: &str) {
        let error = read(json).unwrap_err().to_string();
        assert!(error.contains(expected), "{json}: {error}");
    }
    check("", "not a JSON object");
    check("192.168.0.1", "not a JSON object");
    check("[]", "not a JSON object");
    check("{\"serviceEndpoint\":", "column");
    check(&"[".repeat(BYTES_MAX), "not a JSON object");
    check(&format!("{{\"a\":{}", "[".repeat(1000)), "recursion limit");
    check(&" ".repeat(BYTES_MAX + 1), "65537 bytes, over the limit of 65536");
    check("{}", "no serviceEndpoint");
    check(r#"{"additionalEndpoints":{"a":{"host":"h","port":0}}}"#, "no serviceEndpoint");
    check(r#"{"serviceEndpoint":{"host":"h"}}"#, "no serviceEndpoint");
    check(r#"{"serviceEndpoint":{"host":null,"port":1}}"#, "no serviceEndpoint");
    for port in ["0", "-1", "65536", "\"80\"", "1.5"] {
        check(&format!(r#"{{"serviceEndpoint":{{"host":"h","port":{port}}}}}"#), "port");
    }
    check(r#"{"serviceEndpoint":{"host":"a b","port":1}}"#, "serviceEndpoint is wrong");
    let with = |pair: &str| format!(r#"{{"serviceEndpoint":{{"host":"h","port":1}},"metadata":{{{pair}}}}}"#);
    check(&with(r#""peerset.id":"""#), "id is wrong");
    check(&with(r#""peerset.weight":"heavy""#), "weight is wrong");
    check(&with(r#""peerset.data":"0""#), "hexadecimal");
    check(&with(r#""peerset.data":"0g""#), "hexadecimal");
}

proptest! {
    #[test]
    fn whatever_is_written_is_read(
        id in "[ -~é]{1,20}",
        host in "[a-z]{1,8}|10\\.0\\.0\\.[1-9]",
        port in 1u16..,
        metadata in prop::collection::btree_map("[a-z<\"\\\\]{0,4}", any::<String>(), 0..4),
        shard in any::<Option<u32>>(),
        data in prop::collection::vec(any::<u8>(), 0..40),
        thousandths in 1u32..100_000,
    ) {
        let mut member = Member::new(MemberId::new(id).unwrap(), Endpoint::tcp(&host, port).unwrap());
        member.metadata = metadata;
        member.shard = shard;
        member.data = data.into();
        member.weight = Weight::new(f64::from(thousandths) / 1000.0).unwrap();
        let bytes = write_member(&member, BYTES_MAX).unwrap();
        prop_assert_eq!(read_member(&bytes, BYTES_MAX, &Limits::default()).unwrap().member, member);
    }

    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_member(&bytes, BYTES_MAX, &Limits::default());
    }
}
