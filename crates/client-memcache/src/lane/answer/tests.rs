use peerset_proto_memcache::ReplyError;
use proptest::prelude::*;

use super::*;

fn mark() -> KeyMark {
    KeyMark::of(b"key")
}

/// The longest value in most of these tests.
const LIMIT: usize = 50;

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.value_bytes_max = LIMIT;
    limits
}

/// Reads one answer from `bytes` however they are split, and says what is left of them.
fn read(bytes: &[u8], expect: Expect, split: usize) -> (Result<Option<Answer>, Misbehaviour>, usize) {
    let mut reader = Reader::default();
    let mut input = BytesMut::from(&bytes[..split]);
    match reader.next(&mut input, expect, &limits()) {
        Ok(None) => {
            input.extend_from_slice(&bytes[split..]);
            (reader.next(&mut input, expect, &limits()), input.len())
        }
        early => (early, input.len() + bytes.len() - split),
    }
}

fn check(bytes: &str, expect: Expect, expected: Result<Answer, Misbehaviour>) {
    let behind = b"EN\r\n";
    let all = [bytes.as_bytes(), behind].concat();
    for split in 0..=all.len() {
        let (answer, left) = read(&all, expect, split);
        match &expected {
            Ok(expected) => {
                assert_eq!(
                    answer.as_ref().map(Option::as_ref),
                    Ok(Some(expected)),
                    "{bytes:?} split at {split}"
                );
                assert_eq!(left, behind.len(), "{bytes:?} split at {split}");
            }
            Err(expected) => assert_eq!(answer.as_ref().err(), Some(expected), "{bytes:?} split at {split}"),
        }
    }
}

fn item(data: &'static str, cas: Option<u64>, key: Option<KeyMark>) -> Item {
    Item { data: Bytes::from_static(data.as_bytes()), flags: 3, cas, key, ..Item::default() }
}

#[test]
fn meta_answers() {
    let found = Answer::Item(item("EN\r\n", Some(9), Some(mark())));
    check("VA 4 f3 kkey c9\r\nEN\r\n\r\n", Expect::MetaItem(mark()), Ok(found));
    check("HD kkey f3\r\n", Expect::MetaItem(mark()), Ok(Answer::Item(item("", None, Some(mark())))));
    check("EN\r\n", Expect::MetaItem(mark()), Ok(Answer::Status(Status::NotFound)));
    check("VA 1 kother\r\nx\r\n", Expect::MetaItem(mark()), Err(Misbehaviour::Key));
    check("VA 1\r\nx\r\n", Expect::MetaItem(mark()), Err(Misbehaviour::Key));
    check("NS\r\n", Expect::MetaItem(mark()), Err(Misbehaviour::Kind));
    check("HD\r\n", Expect::MetaStored, Ok(Answer::Status(Status::Done)));
    check("NS\r\n", Expect::MetaStored, Ok(Answer::Status(Status::NotStored)));
    check("EX\r\n", Expect::MetaStored, Ok(Answer::Status(Status::Exists)));
    check("NF\r\n", Expect::MetaStored, Ok(Answer::Status(Status::NotFound)));
    check("EN\r\n", Expect::MetaStored, Err(Misbehaviour::Kind));
    check("EX\r\n", Expect::MetaDeleted, Ok(Answer::Status(Status::Exists)));
    check("NS\r\n", Expect::MetaDeleted, Err(Misbehaviour::Kind));
    check("EX\r\n", Expect::MetaNumber, Err(Misbehaviour::Kind));
    check("VA 2\r\n7 \r\n", Expect::MetaNumber, Ok(Answer::Number(7)));
    check("VA 1\r\nx\r\n", Expect::MetaNumber, Err(Misbehaviour::Kind));
    check("MN\r\n", Expect::MetaStored, Err(Misbehaviour::Kind));
}

#[test]
fn facts_of_an_item() {
    let facts = "HD kkey t-1 l5 h1 W X Z c18446744073709551615 f4294967295\r\n";
    let expected = Item {
        flags: u32::MAX,
        cas: Some(u64::MAX),
        ttl: Some(-1),
        last_access: Some(5),
        hit_before: Some(true),
        won: true,
        stale: true,
        already_won: true,
        key: Some(mark()),
        data: Bytes::new(),
    };
    check(facts, Expect::MetaItem(mark()), Ok(Answer::Item(expected)));
}

#[test]
fn classic_answers() {
    check(
        "VALUE key 3 1 9\r\nx\r\nEND\r\n",
        Expect::Value(mark()),
        Ok(Answer::Item(item("x", Some(9), None))),
    );
    check("END\r\n", Expect::Value(mark()), Ok(Answer::Status(Status::NotFound)));
    check("VALUE other 3 1\r\nx\r\nEND\r\n", Expect::Value(mark()), Err(Misbehaviour::Key));
    let twice = "VALUE key 3 1\r\nx\r\nVALUE key 3 1\r\nx\r\nEND\r\n";
    check(twice, Expect::Value(mark()), Err(Misbehaviour::Key));
    let each = Found { data: Bytes::from_static(b"x"), flags: 3, key: mark(), ..Found::default() };
    check(twice, Expect::Values(2), Ok(Answer::Items(vec![each.clone(), each], vec![])));
    check(twice, Expect::Values(1), Err(Misbehaviour::Key));
    check("END\r\n", Expect::Values(2), Ok(Answer::Items(vec![], vec![])));
    check(
        "STAT a 1\r\nSTAT b \r\nEND\r\n",
        Expect::Stats,
        Ok(Answer::Stats(vec![("a".into(), "1".into()), ("b".into(), String::new())])),
    );
    check("RESET\r\n", Expect::Stats, Ok(Answer::Status(Status::Done)));
    check("VERSION 1.6.18\r\n", Expect::Version, Ok(Answer::Version("1.6.18".into())));
    for (line, expect) in [
        ("STORED\r\n", Expect::Stored),
        ("DELETED\r\n", Expect::Deleted),
        ("TOUCHED\r\n", Expect::Touched),
        ("OK\r\n", Expect::Ok),
    ] {
        check(line, expect, Ok(Answer::Status(Status::Done)));
        check(line, Expect::Number, Err(Misbehaviour::Kind));
    }
    check("5\r\n", Expect::Number, Ok(Answer::Number(5)));
    check("what\r\n", Expect::Number, Err(Misbehaviour::Reply(ReplyError::Unknown)));
}

#[test]
fn an_error_line_ends_every_answer() {
    let refused = |text: &str| Ok(Answer::Refused(text.to_owned()));
    check("SERVER_ERROR busy\r\n", Expect::MetaItem(mark()), refused("SERVER_ERROR busy"));
    check("ERROR\r\n", Expect::Stored, refused("ERROR"));
    check("VALUE key 3 1\r\nx\r\nCLIENT_ERROR no\r\n", Expect::Values(9), refused("CLIENT_ERROR no"));
}

#[test]
fn a_value_that_is_too_long_is_skipped_and_no_other() {
    let value = "x".repeat(LIMIT + 1);
    let bytes = value.len() as u64;
    let long = format!("VALUE key 3 {bytes}\r\n{value}\r\n");
    check(
        &format!("VA {bytes} f3 kkey c9\r\n{value}\r\n"),
        Expect::MetaItem(mark()),
        Ok(Answer::TooLong(bytes)),
    );
    check(&format!("{long}END\r\n"), Expect::Value(mark()), Ok(Answer::TooLong(bytes)));
    let each = Found { data: Bytes::from_static(b"x"), flags: 3, key: mark(), ..Found::default() };
    let others = "VALUE key 3 1\r\nx\r\n";
    check(
        &format!("{others}{long}{others}END\r\n"),
        Expect::Values(3),
        Ok(Answer::Items(vec![each.clone(), each], vec![(mark(), bytes)])),
    );
    let refused = || Err(Misbehaviour::Reply(ReplyError::ValueTooLong { bytes, bytes_max: LIMIT }));
    check(&format!("VA {bytes} kother\r\n{value}\r\n"), Expect::MetaItem(mark()), refused());
    check(&format!("{long}{long}END\r\n"), Expect::Values(1), refused());
    check(&format!("VA {bytes}\r\n{value}\r\n"), Expect::MetaNumber, refused());
    let (bytes, bytes_max) = (SKIPPED_BYTES_MAX + 1, LIMIT);
    let refused = Err(Misbehaviour::Reply(ReplyError::ValueTooLong { bytes, bytes_max }));
    check(&format!("VA {bytes} kkey\r\n"), Expect::MetaItem(mark()), refused);
    // Nor is one refused that has come after an error line.
    check(
        &format!("{long}SERVER_ERROR no\r\n"),
        Expect::Values(2),
        Ok(Answer::Refused("SERVER_ERROR no".into())),
    );
}

#[test]
fn short_values_are_copied_and_long_ones_shared() {
    for (bytes, shared) in [(SHARED_BYTES_MIN - 1, false), (SHARED_BYTES_MIN, true)] {
        let reply = [format!("VA {bytes} kkey\r\n").as_bytes(), &vec![7; bytes], b"\r\n"].concat();
        let mut input = BytesMut::from(&reply[..]);
        let before = input.as_ptr() as usize;
        let answer = Reader::default().next(&mut input, Expect::MetaItem(mark()), &Limits::default());
        let Ok(Some(Answer::Item(item))) = answer else { panic!("{answer:?}") };
        let at = item.data.as_ptr() as usize;
        assert_eq!((before..before + reply.len()).contains(&at), shared, "{bytes}");
        assert!(item.data.len() == bytes && input.is_empty());
    }
}

#[test]
fn short_values_of_many_share_little_memory() {
    let one =
        |bytes: usize| [format!("VALUE key 0 {bytes}\r\n").as_bytes(), &vec![7; bytes], b"\r\n"].concat();
    let sizes = [100, 1000, 1024, 1025, 0, 5, 1024, 1024, 1024, 40_000, 3];
    let reply = [sizes.map(one).concat(), b"END\r\n".to_vec()].concat();
    let mut reader = Reader::default();
    let answer =
        reader.next(&mut BytesMut::from(&reply[..]), Expect::Values(sizes.len()), &Limits::default());
    let Ok(Some(Answer::Items(items, _))) = answer else { panic!("{answer:?}") };
    assert_eq!(items.iter().map(|item| item.data.len()).collect::<Vec<_>>(), sizes);
    assert!(items.iter().all(|item| item.data.iter().all(|byte| *byte == 7)));
    assert_eq!(reader.room.capacity(), 0, "nothing is shared with the next caller's answer");
}

proptest! {
    /// Whatever a server says, it is an answer, a fault, or not all there yet; and never a panic.
    #[test]
    fn any_bytes(lines in prop::collection::vec("(VA|HD|VALUE|STAT|END|[A-Z]{2,6})( [a-z0-9]{0,4}){0,4}", 0..6), split in 0_usize..40) {
        let bytes = lines.iter().map(|line| format!("{line}\r\n")).collect::<String>();
        let split = split.min(bytes.len());
        for expect in [Expect::MetaItem(mark()), Expect::Values(5), Expect::Stats, Expect::MetaNumber] {
            let whole = read(bytes.as_bytes(), expect, bytes.len());
            prop_assert_eq!(read(bytes.as_bytes(), expect, split), whole);
        }
    }
}
