//! What memcached 1.6.18 does, observed on the real one; one table for each family. Cases that need a sequence of
//! requests are compared with a real memcached by the server's differential tests.

use peerset_store::{
    Arithmetic, ArithmeticOutcome, Config, Delete, DeleteOutcome, Direction, Expiry, Get, Key, KeyError,
    Mode, Put, PutOutcome, Recache, Store,
};

const NOW: u32 = 1_700_000_000;
const DAY: i64 = 24 * 60 * 60;

fn store() -> Store {
    Store::new(&Config::new(64 << 20, 1)).unwrap()
}

fn key(name: &str) -> Key<'_> {
    Key::new(name.as_bytes()).unwrap()
}

fn set(store: &Store, name: &str, value: &str) -> u64 {
    match store.put(&Put::new(key(name), value.as_bytes()), NOW) {
        PutOutcome::Stored { cas, .. } => cas,
        outcome => panic!("{outcome:?}"),
    }
}

fn value_at(store: &Store, name: &str, now: u32) -> Option<String> {
    store.get(key(name), &Get::PEEK, now, |hit| String::from_utf8(hit.value.to_vec()).unwrap())
}

fn value(store: &Store, name: &str) -> Option<String> {
    value_at(store, name, NOW)
}

#[test]
fn keys_have_1_to_250_bytes() {
    let check = |bytes: usize, expected: Option<KeyError>| {
        assert_eq!(Key::new(&vec![b'k'; bytes]).err(), expected);
    };
    check(0, Some(KeyError::Empty));
    check(1, None);
    check(250, None);
    check(251, Some(KeyError::TooLong { bytes: 251 }));
}

#[test]
fn expiry_times() {
    let check = |exptime: i64, alive: &[u32], gone: &[u32]| {
        let store = store();
        let put = Put { expiry: Expiry::from_wire(exptime, NOW), ..Put::new(key("k"), b"v") };
        for &after in alive.iter().chain(gone) {
            assert!(matches!(store.put(&put, NOW), PutOutcome::Stored { .. }));
            let found = value_at(&store, "k", NOW + after).is_some();
            assert_eq!(found, alive.contains(&after), "{exptime} after {after} s");
        }
    };
    check(0, &[0, 1, 1_000_000_000], &[]);
    check(1, &[0], &[1, 2]);
    check(30 * DAY, &[2_591_999], &[2_592_000]);
    check(30 * DAY + 1, &[], &[0]); // 31 January 1970
    check(i64::from(NOW) + 10, &[9], &[10]);
    check(i64::from(NOW), &[], &[0]);
    check(-1, &[], &[0]);
    check(i64::from(i32::MIN), &[], &[0]);
}

#[test]
fn modes_and_cas_values() {
    use Mode::{Add, Append, Prepend, Replace, Set};
    use PutOutcome::{Exists, NotFound, NotStored};
    let stored = |cas, value_len| PutOutcome::Stored { cas, value_len };
    // The item that is there has the CAS value 1.
    let check = |mode, there: bool, compare_cas, outcome, value_after: Option<&str>| {
        let store = store();
        if there {
            assert_eq!(set(&store, "k", "old"), 1);
        }
        let put = Put { mode, compare_cas, ..Put::new(key("k"), b"new") };
        assert_eq!(store.put(&put, NOW), outcome, "{put:?}");
        assert_eq!(value(&store, "k").as_deref(), value_after, "{put:?}");
    };
    check(Set, false, None, stored(1, 3), Some("new"));
    check(Set, true, None, stored(2, 3), Some("new"));
    check(Set, true, Some(1), stored(2, 3), Some("new"));
    check(Set, true, Some(2), Exists, Some("old"));
    check(Set, true, Some(0), Exists, Some("old"));
    check(Set, false, Some(1), NotFound, None);
    check(Set, false, Some(0), NotFound, None);
    check(Add, false, None, stored(1, 3), Some("new"));
    check(Add, false, Some(5), stored(1, 3), Some("new"));
    check(Add, true, None, NotStored, Some("old"));
    check(Add, true, Some(1), NotStored, Some("old"));
    check(Replace, true, None, stored(2, 3), Some("new"));
    check(Replace, false, None, NotStored, None);
    check(Replace, false, Some(1), NotFound, None);
    check(Replace, true, Some(2), Exists, Some("old"));
    check(Append, true, None, stored(2, 6), Some("oldnew"));
    check(Append, true, Some(1), stored(2, 6), Some("oldnew"));
    check(Append, true, Some(0), stored(2, 6), Some("oldnew"));
    check(Append, true, Some(2), Exists, Some("old"));
    check(Append, false, None, NotStored, None);
    check(Append, false, Some(1), NotStored, None);
    check(Prepend, true, None, stored(2, 6), Some("newold"));
    check(Prepend, false, None, NotStored, None);
}

#[test]
fn an_append_keeps_flags_and_expiry_and_drops_marks() {
    let store = store();
    let expiry = Expiry::from_wire(100, NOW);
    let put = Put { flags: 5, expiry, binary_key: true, ..Put::new(key("k"), b"a") };
    let _ = store.put(&put, NOW);
    store.get(key("k"), &Get::CLASSIC, NOW, |hit| assert!(hit.binary_key)).unwrap();
    let _ = store.put(&Put { mode: Mode::Append, flags: 9, ..Put::new(key("k"), b"b") }, NOW);
    let seen = store
        .get(key("k"), &Get::CLASSIC, NOW, |hit| (hit.flags, hit.expiry, hit.fetched_before, hit.binary_key));
    assert_eq!(seen, Some((5, expiry, false, false)));
}

#[test]
fn appending_beyond_the_largest_item_changes_nothing() {
    let store = store();
    let long = "x".repeat(1_048_000);
    set(&store, "k", &long);
    let put = Put { mode: Mode::Append, ..Put::new(key("k"), &[b'y'; 1000]) };
    assert_eq!(store.put(&put, NOW), PutOutcome::NotStored);
    assert_eq!(value(&store, "k").unwrap().len(), 1_048_000);
    let too_large = vec![0; 1_048_517];
    assert_eq!(store.put(&Put::new(key("k"), &too_large), NOW), PutOutcome::TooLarge);
    assert!(!store.fits(key("k"), 0, 1_048_517) && store.fits(key("k"), 0, 1_048_516));
    assert!(matches!(store.put(&Put::new(key("k"), &too_large[1..]), NOW), PutOutcome::Stored { .. }));
}

#[test]
fn an_append_can_make_what_is_missing() {
    let store = store();
    let expiry = Expiry::from_wire(7, NOW);
    let put = Put { mode: Mode::Append, vivify: Some(expiry), ..Put::new(key("k"), b"v") };
    assert_eq!(store.put(&put, NOW), PutOutcome::Stored { cas: 1, value_len: 1 });
    assert_eq!(store.get(key("k"), &Get::CLASSIC, NOW, |hit| hit.expiry), Some(expiry));
    assert_eq!(store.put(&put, NOW), PutOutcome::Stored { cas: 2, value_len: 2 });
}

#[test]
fn numbers() {
    use Direction::{Decrement, Increment};
    let check = |stored: &str, direction, delta, number: Option<u64>, after: &str| {
        let store = store();
        set(&store, "n", stored);
        let outcome = store.arithmetic(&Arithmetic::new(key("n"), direction, delta), NOW);
        match (outcome, number) {
            (ArithmeticOutcome::NonNumeric, None) => {}
            (ArithmeticOutcome::Done { number, cas: 2, .. }, Some(expected)) if number == expected => {}
            _ => panic!("{stored:?} {direction:?} {delta}: {outcome:?}"),
        }
        assert_eq!(value(&store, "n").as_deref(), Some(after), "{stored:?} {direction:?} {delta}");
    };
    check("9", Increment, 1, Some(10), "10");
    check("10", Decrement, 1, Some(9), "9 ");
    check("9 ", Increment, 1, Some(10), "10");
    check("5", Decrement, 6, Some(0), "0");
    check("18446744073709551615", Increment, 1, Some(0), "0                   ");
    check("1", Increment, u64::MAX, Some(0), "0");
    check("12 abc", Increment, 1, Some(13), "13    ");
    check("12\0zz", Increment, 1, Some(13), "13   ");
    check(" 7", Increment, 1, Some(8), "8 ");
    check("\u{b}7", Increment, 1, Some(8), "8 ");
    check("+5", Increment, 1, Some(6), "6 ");
    check("-0", Increment, 1, Some(1), "1 ");
    check("-18446744073709551615", Increment, 1, Some(2), "2                    ");
    check("007", Increment, 1, Some(8), "8  ");
    for other in ["", " ", "-5", "5x", "x5", "18446744073709551616", "+ 5", "--5", "1.5"] {
        check(other, Increment, 1, None, other);
    }
}

#[test]
fn counting_needs_an_item_with_that_cas_value() {
    let check = |compare_cas, expected: Option<u64>| {
        let store = store();
        assert_eq!(set(&store, "n", "5"), 1);
        let wanted = Arithmetic { compare_cas, ..Arithmetic::new(key("n"), Direction::Increment, 1) };
        match (store.arithmetic(&wanted, NOW), expected) {
            (ArithmeticOutcome::Done { number, .. }, Some(expected)) => assert_eq!(number, expected),
            (outcome, _) => assert_eq!((outcome, expected), (ArithmeticOutcome::Exists, None)),
        }
    };
    check(None, Some(6));
    check(Some(0), Some(6));
    check(Some(1), Some(6));
    check(Some(2), None);
    let missing = store().arithmetic(&Arithmetic::new(key("n"), Direction::Increment, 1), NOW);
    assert_eq!(missing, ArithmeticOutcome::NotFound);
}

#[test]
fn counting_can_make_what_is_missing() {
    let store = store();
    let (expiry, touch) = (Expiry::from_wire(30, NOW), Expiry::from_wire(60, NOW));
    let wanted = Arithmetic {
        initial: Some((99, expiry)),
        touch: Some(touch),
        ..Arithmetic::new(key("n"), Direction::Increment, 1)
    };
    let done = |number, cas, expiry_before, expiry, created| ArithmeticOutcome::Done {
        number,
        cas,
        expiry_before,
        expiry,
        created,
    };
    assert_eq!(store.arithmetic(&wanted, NOW), done(99, 1, Expiry::NEVER, expiry, true));
    // The number grows longer, and memcached forgets the new expiry, though it tells of it.
    assert_eq!(store.arithmetic(&wanted, NOW), done(100, 2, expiry, touch, false));
    assert_eq!(store.arithmetic(&wanted, NOW), done(101, 3, expiry, touch, false));
    assert_eq!(store.get(key("n"), &Get::PEEK, NOW, |hit| hit.expiry), Some(touch));
}

#[test]
fn a_miss_can_make_an_item_and_win() {
    let store = store();
    let expiry = Expiry::from_wire(30, NOW);
    let how = Get { vivify: Some(expiry), ..Get::META };
    let see = |how: &Get, now| {
        store.get(key("k"), how, now, |hit| {
            assert!(hit.value.is_empty());
            (hit.expiry_before, hit.expiry, hit.fetched_before, hit.won, hit.win_sent)
        })
    };
    assert_eq!(see(&how, NOW), Some((Expiry::NEVER, expiry, false, true, false)));
    assert_eq!(see(&how, NOW), Some((expiry, expiry, true, false, true)));
    assert_eq!(see(&Get::CLASSIC, NOW + 30), None);
    assert_eq!(store.stats().expired_on_access, 1);
}

#[test]
fn one_reader_recaches_what_ends_soon() {
    use Recache::{FoundBelow, TouchedBelow};
    let at = |exptime| Expiry::from_wire(exptime, NOW);
    let check = |ends, touch: Option<i64>, recache, won| {
        let store = store();
        let _ = store.put(&Put { expiry: at(ends), ..Put::new(key("k"), b"v") }, NOW);
        let how = Get { recache: Some(recache), touch: touch.map(at), ..Get::META };
        let seen = store.get(key("k"), &how, NOW, |hit| hit.won);
        assert_eq!(seen, Some(won), "{ends} {touch:?} {recache:?}");
        let again = store.get(key("k"), &how, NOW, |hit| (hit.won, hit.win_sent));
        assert_eq!(again, Some((false, won)), "only one wins");
    };
    check(20, None, FoundBelow(at(30)), true);
    check(30, None, FoundBelow(at(30)), false);
    check(0, None, FoundBelow(at(30)), false);
    check(20, None, FoundBelow(at(0)), false);
    check(20, None, FoundBelow(at(-1)), false);
    check(20, Some(100), TouchedBelow(at(30)), false);
    check(100, Some(20), TouchedBelow(at(30)), true);
}

#[test]
fn a_stale_item_is_served_and_won_once() {
    let store = store();
    set(&store, "k", "v");
    let expiry = Expiry::from_wire(30, NOW);
    let delete = Delete { mark_stale: true, touch: Some(expiry), ..Delete::new(key("k")) };
    assert_eq!(store.delete(&delete, NOW), DeleteOutcome::Done);
    let see = |how| {
        store
            .get(key("k"), how, NOW, |hit| (hit.cas, hit.expiry, [hit.stale, hit.won, hit.win_sent]))
            .unwrap()
    };
    assert_eq!(see(&Get::CLASSIC), (2, expiry, [true, false, false]), "a classic get takes no part");
    assert_eq!(see(&Get::META), (2, expiry, [true, true, false]));
    assert_eq!(see(&Get::META), (2, expiry, [true, false, true]));
    // An older value than the one marked stale may still be better than none: it stays stale.
    let older = Put { compare_cas: Some(1), invalidate: true, ..Put::new(key("k"), b"w") };
    assert_eq!(store.put(&older, NOW), PutOutcome::Stored { cas: 3, value_len: 1 });
    assert_eq!(see(&Get::META), (3, expiry, [true, false, true]));
    let newest = Put { compare_cas: Some(3), invalidate: true, ..Put::new(key("k"), b"x") };
    assert_eq!(store.put(&newest, NOW), PutOutcome::Stored { cas: 4, value_len: 1 });
    assert_eq!(see(&Get::META), (4, Expiry::NEVER, [false, false, false]));
}

#[test]
fn deleting() {
    let check = |compare_cas, outcome| {
        let store = store();
        assert_eq!(set(&store, "k", "v"), 1);
        assert_eq!(store.delete(&Delete { compare_cas, ..Delete::new(key("k")) }, NOW), outcome);
        assert_eq!(value(&store, "k").is_none(), outcome == DeleteOutcome::Done);
    };
    check(None, DeleteOutcome::Done);
    check(Some(1), DeleteOutcome::Done);
    check(Some(2), DeleteOutcome::Exists);
    check(Some(0), DeleteOutcome::Exists);
    assert_eq!(store().delete(&Delete::new(key("k")), NOW), DeleteOutcome::NotFound);
}

#[test]
fn deleting_only_the_value() {
    let store = store();
    set(&store, "k", "value");
    let delete = Delete { drop_value: Some(3), ..Delete::new(key("k")) };
    assert_eq!(store.delete(&delete, NOW), DeleteOutcome::Done);
    let seen = store.get(key("k"), &Get::PEEK, NOW, |hit| (hit.value.len(), hit.flags, hit.cas, hit.stale));
    assert_eq!(seen, Some((0, 3, 1, false)));
    let delete = Delete { mark_stale: true, cas_new: Some(77), ..delete };
    assert_eq!(store.delete(&delete, NOW), DeleteOutcome::Done);
    let seen = store.get(key("k"), &Get::PEEK, NOW, |hit| (hit.value.len(), hit.cas, hit.stale));
    assert_eq!(seen, Some((0, 77, true)));
}

#[test]
fn touching_and_looking() {
    let store = store();
    set(&store, "k", "v");
    let see = |how, now| store.get(key("k"), how, now, |hit| (hit.fetched_before, hit.accessed));
    assert_eq!(see(&Get::PEEK, NOW + 5), Some((false, NOW)));
    assert_eq!(see(&Get::CLASSIC, NOW + 5), Some((false, NOW)));
    assert_eq!(see(&Get::PEEK, NOW + 9), Some((true, NOW + 5)));
    assert!(store.touch(key("k"), Expiry::from_wire(10, NOW), NOW));
    assert!(value_at(&store, "k", NOW + 9).is_some() && value_at(&store, "k", NOW + 10).is_none());
    assert!(!store.touch(key("k"), Expiry::NEVER, NOW + 10));
}

#[test]
fn chosen_cas_values_do_not_disturb_the_counter() {
    let store = store();
    let put = Put { cas_new: Some(1000), ..Put::new(key("k"), b"1") };
    assert_eq!(store.put(&put, NOW), PutOutcome::Stored { cas: 1000, value_len: 1 });
    assert_eq!(set(&store, "other", "v"), 1);
}

#[test]
fn flushing() {
    // What is stored when, at which second the flush is asked for and with what delay, and who is still there when.
    let check = |stored_at: u32, exptime, looked_at: u32, found| {
        let store = store();
        let put =
            |at| assert!(matches!(store.put(&Put::new(key("k"), b"v"), NOW + at), PutOutcome::Stored { .. }));
        if stored_at == 0 {
            put(0);
        }
        store.flush_all(exptime, NOW);
        if stored_at > 0 {
            put(stored_at - 1);
        }
        let seen = value_at(&store, "k", NOW + looked_at).is_some();
        assert_eq!(seen, found, "stored {stored_at}, flush {exptime}, looked {looked_at}");
    };
    // 0: before the flush; n: after it, n - 1 seconds later.
    check(0, 0, 0, false);
    check(0, -1, 0, false);
    check(1, 0, 0, true);
    check(1, 0, 5, true);
    check(0, 1, 0, false);
    check(1, 1, 0, false);
    check(2, 1, 1, true);
    check(0, 2, 0, true);
    check(0, 2, 1, false);
    check(2, 2, 1, false);
    check(3, 2, 2, true);
    check(0, i64::from(NOW) + 2, 0, true);
    check(0, i64::from(NOW) + 2, 1, false);
}

#[test]
fn a_flush_takes_a_cas_value_and_replaces_the_one_before() {
    let store = store();
    assert_eq!(set(&store, "k", "v"), 1);
    store.flush_all(100, NOW);
    assert_eq!(set(&store, "k", "v"), 2, "not when it is for later");
    store.flush_all(0, NOW);
    assert_eq!(set(&store, "k", "v"), 4);
    assert!(value_at(&store, "k", NOW + 200).is_some(), "the later flush was forgotten");
    assert_eq!(store.stats().flushed, 1);
}

#[test]
fn counters() {
    let store = store();
    set(&store, "a", "1");
    set(&store, "a", "22");
    let _ = store.put(&Put { flags: 1, ..Put::new(key("bb"), b"333") }, NOW);
    let stats = store.stats();
    assert_eq!((stats.items, stats.items_total), (2, 3));
    assert_eq!(stats.bytes, (59 + 1 + 2) + (59 + 4 + 2 + 3));
    store.reset_stats();
    let stats = store.stats();
    assert_eq!((stats.items, stats.items_total, stats.bytes), (2, 0, 130));
}
