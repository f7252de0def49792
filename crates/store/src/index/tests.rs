use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn at(raw: u32) -> Location {
    Location::from_raw(raw).unwrap()
}

/// Sorted, complete, and every entry found from its home.
fn check(index: &Index, expected: &BTreeSet<(u32, u32)>) {
    let entries: Vec<(u32, u32)> = index.entries().map(|(tag, location)| (tag, location.raw())).collect();
    assert!(entries.is_sorted_by_key(|&(tag, _)| tag));
    assert_eq!(&entries.iter().copied().collect::<BTreeSet<_>>(), expected);
    assert_eq!(index.len(), expected.len());
    for &(tag, raw) in expected {
        assert_eq!(index.find(tag, |location| location.raw() == raw), Some(at(raw)));
    }
}

/// Tags from a few places: the ends, where nothing may wrap, and one spot, where they crowd.
fn tag() -> impl Strategy<Value = u32> {
    prop_oneof![0..40u32, (u32::MAX - 40)..=u32::MAX, 0x8000_0000..0x8000_0010u32, any::<u32>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn behaves_like_a_set(steps in proptest::collection::vec((any::<bool>(), tag(), 1..400u32), 1..1500)) {
        let (mut index, mut expected) = (Index::new(), BTreeSet::new());
        for (insert, tag, raw) in steps {
            if insert {
                if expected.insert((tag, raw)) {
                    index.insert(tag, at(raw)).unwrap();
                }
            } else if let Some(&(tag, raw)) = expected.range((tag, 0)..).next() {
                index.remove(tag, at(raw));
                expected.remove(&(tag, raw));
                assert_eq!(index.find(tag, |location| location.raw() == raw), None);
            }
        }
        check(&index, &expected);
    }
}

#[test]
fn grows_to_eleven_bytes_an_entry_and_shrinks_again() {
    let (mut index, mut expected) = (Index::new(), BTreeSet::new());
    let tag_of = |raw: u32| raw.wrapping_mul(0x9E37_79B9);
    for raw in 1..=50_000 {
        index.insert(tag_of(raw), at(raw)).unwrap();
        expected.insert((tag_of(raw), raw));
        if raw > 10_000 {
            assert!(index.bytes() <= raw as usize * 12, "{} bytes for {raw}", index.bytes());
        }
    }
    check(&index, &expected);
    assert!(index.bytes() <= 50_000 * 23 / 2);

    for raw in 1..=45_000 {
        index.remove(tag_of(raw), at(raw));
        expected.remove(&(tag_of(raw), raw));
    }
    assert!(index.is_sparse());
    index.shrink().unwrap();
    assert!(!index.is_sparse());
    check(&index, &expected);
    assert!(index.bytes() <= 5_000 * 12 + 2 * PAGE_BYTES, "{} bytes", index.bytes());
}

#[test]
fn tags_that_all_want_the_last_place_still_fit() {
    let (mut index, mut expected) = (Index::new(), BTreeSet::new());
    for raw in 1..=300 {
        index.insert(u32::MAX, at(raw)).unwrap();
        expected.insert((u32::MAX, raw));
    }
    check(&index, &expected);
}

#[test]
fn entries_move() {
    let mut index = Index::new();
    index.insert(7, at(1)).unwrap();
    index.insert(7, at(2)).unwrap();
    index.relocate(7, at(1), at(9));
    check(&index, &BTreeSet::from([(7, 2), (7, 9)]));
}
