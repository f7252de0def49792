//! Seeded random command sequences, sent to a node and to memcached: every byte of the replies is compared.

use peerset_testkit::{Memcached, differential};

use crate::wire::node;

/// One connection at a time, so that replies have one right answer.
#[track_caller]
fn check(seeds: std::ops::Range<u64>, settings: &[&str], their_settings: &[&str]) {
    let (ours, theirs) = (node(settings), Memcached::start(their_settings));
    differential::check(seeds, ours.addr(), theirs.addr());
}

#[test]
fn replies_are_memcacheds_byte_for_byte() {
    check(0..150, &[], &[]);
}

#[test]
fn replies_are_memcacheds_with_small_items() {
    check(1000..1050, &["--max-item", "2kb"], &["-I", "2k", "-o", "slab_chunk_max=1"]);
}
