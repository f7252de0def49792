//! What the points say and what keys do.

use super::*;
use crate::{Kind, Server, Spec};

/// Keys whose characters all differ: FNV-1 leaves those that differ at their end beside each other.
fn spread_key(number: u64) -> String {
    format!("{:016x}", crate::hash::xxh3_64(&number.to_le_bytes()))
}

fn build(spec: &str, hosts: &[&str]) -> Placement {
    let servers: Vec<Server> = hosts.iter().map(|host| Server::new(*host, 11211)).collect();
    Placement::build(&spec.parse::<Spec>().unwrap(), &servers).unwrap()
}

#[test]
fn the_exact_answer_is_the_sample_s() {
    let check = |from: &Placement, to: &Placement| {
        let diff = Diff::new(from, to);
        let exact = diff.exact().unwrap();
        let sample = diff.sample((0..60_000).map(spread_key));
        for step in exact.iter().chain(sample.iter()) {
            let share = |moves: &Moves| {
                let same = |other: &Step| (other.from, other.to) == (step.from, step.to);
                moves.share(moves.iter().find(same).map_or(0, |step| step.amount))
            };
            let (exact, sample) = (share(&exact), share(&sample));
            assert!((exact - sample).abs() < 0.01, "{} {step:?}: {exact} {sample}", from.spec());
        }
    };
    for spec in ["ketama", "libmemcached:hash=crc", "mcset", "stathat", "groupcache-v3", "code-server"] {
        check(&build(spec, &["a", "b", "c"]), &build(spec, &["b", "d", "a"]));
    }
    // Different points, but keys hashed the same way.
    check(&build("ketama", &["a", "b"]), &build("evcache", &["a", "b"]));
}

#[test]
fn exact_totals_are_the_shares() {
    for spec in ["ketama", "stathat", "groupcache-v3", "libmemcached:hash=crc"] {
        let (from, to) = (build(spec, &["a", "b", "c"]), build(spec, &["c", "d"]));
        let moves = Diff::new(&from, &to).exact().unwrap();
        let sum =
            |of: &dyn Fn(&Step) -> bool| -> u128 { moves.iter().filter(of).map(|step| step.amount).sum() };
        for (server, share) in from.shares().into_iter().enumerate() {
            assert!((moves.share(sum(&|step| step.from == Some(server))) - share).abs() < 1e-12, "{spec}");
        }
        for (server, share) in to.shares().into_iter().enumerate() {
            assert!((moves.share(sum(&|step| step.to == Some(server))) - share).abs() < 1e-12, "{spec}");
        }
    }
}

#[test]
fn who_is_at_another_place_is_the_same() {
    let (from, to) = (build("ketama", &["a", "b"]), build("ketama", &["b", "a"]));
    assert_eq!(Diff::new(&from, &to).exact().unwrap().moved(), 0);
    // The same points on another machine, as when a shard is replaced.
    let replaced = |host| [Server { shard: Some(3), ..Server::new(host, 11211) }];
    let from = Placement::build(&Kind::Finagle.into(), &replaced("a")).unwrap();
    let to = Placement::build(&Kind::Finagle.into(), &replaced("b")).unwrap();
    assert_eq!(Diff::new(&from, &to).exact().unwrap().moved_share(), 1.0);
}

#[test]
fn empty_lists_own_nothing() {
    let (nobody, some) = (build("mcset", &[]), build("mcset", &["a"]));
    let key = Diff::new(&nobody, &some).key(b"key");
    assert!((key.from, key.to, key.moved()) == (None, Some(0), true));
    assert!(!Diff::new(&nobody, &nobody).key(b"key").moved());
    assert_eq!(Diff::new(&nobody, &some).sample::<&[u8]>([]).moved_share(), 0.0);
}

#[test]
fn what_cannot_be_compared_exactly() {
    let check = |from: &str, to: &str, expected| {
        let (from, to) = (build(from, &["a"]), build(to, &["a"]));
        assert_eq!(Diff::new(&from, &to).exact(), Err(expected));
    };
    check("ketama", "rendezvous", DiffError::NotRings);
    check("maglev", "maglev", DiffError::NotRings);
    check("ketama", "mcset", DiffError::Hashes);
    check("ketama:hash=crc", "ketama", DiffError::Hashes);
    check("twemproxy:tag={}", "twemproxy", DiffError::Hashes);
    check("ketama", "groupcache-v3", DiffError::Hashes);
}
