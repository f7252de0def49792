//! Seeded random command sequences, sent to a node and to memcached: every byte of the replies is compared.

use peerset_testkit::{Memcached, differential};

use crate::wire::node;

/// Without its maintainer thread, which holds items it is about to move: what incr then does to one depends on the
/// moment. And with memory enough that neither evicts: what goes then, each decides for itself.
const DETERMINISTIC: [&str; 4] = ["-o", "no_lru_maintainer", "-m", "1024"];

/// One connection at a time, so that replies have one right answer.
#[track_caller]
fn check(seeds: std::ops::Range<u64>, settings: &[&str], their_settings: &[&str]) {
    let (ours, theirs) = (
        node(&[&["--memory", "1gb"], settings].concat()),
        Memcached::start(&[&DETERMINISTIC, their_settings].concat()),
    );
    differential::check(seeds, ours.addr(), theirs.addr());
}

/// In three, so that each has its own patience and both cores have work.
mod replies_are_memcacheds_byte_for_byte {
    use super::check;

    #[test]
    fn first_seeds() {
        check(0..100, &[], &[]);
    }

    #[test]
    fn second_seeds() {
        check(100..200, &[], &[]);
    }

    #[test]
    fn third_seeds() {
        check(200..300, &[], &[]);
    }
}

#[test]
fn replies_are_memcacheds_with_smaller_items() {
    check(1000..1060, &["--max-item", "512kb"], &["-I", "512k"]);
}
