//! Every placement against what the original program answered, key by key.

use crate::testdata::{self, Tie, Vector};
use peerset_placement::{Kind, Placement, Server};
use std::collections::BTreeSet;

/// Nobody else places keys in these ways, so there is nobody to agree with.
const OUR_OWN: [Kind; 2] = [Kind::Maglev, Kind::Rendezvous];

/// The vectors of a folder, each asked of this library.
fn check(topic: &str) {
    let keys = testdata::keys();
    assert!(keys.len() >= 1000);
    let vectors = testdata::vectors(topic);
    assert!(!vectors.is_empty(), "{topic}/owners.txt is empty");
    let wrong: Vec<String> = vectors.iter().filter_map(|vector| disagreement(vector, &keys)).collect();
    assert!(wrong.is_empty(), "{topic}/owners.txt:\n{}", wrong.join("\n"));
}

/// What to read when owners differ: how many do, and the first of them.
fn disagreement(vector: &Vector, keys: &[Vec<u8>]) -> Option<String> {
    let Vector { list, spec, rank, owners } = vector;
    assert_eq!(owners.len(), keys.len(), "{list} {spec}");
    let placement = match Placement::build(spec, &testdata::servers(list)) {
        Ok(placement) => placement,
        Err(error) => return Some(format!("{list} {spec}: {error}")),
    };
    let found = |key: &[u8]| {
        let found = placement.owners(key, *rank);
        // The two ways to ask have to agree as well.
        assert_eq!(found.first().copied(), placement.owner(key), "{list} {spec} {}", key.escape_ascii());
        found.get(rank - 1).copied()
    };
    let asked = keys.iter().zip(owners).filter(|(_, owner)| owner.is_some());
    let wrong: Vec<_> = asked.clone().filter(|(key, owner)| found(key) != **owner).collect();
    let (key, owner) = wrong.first()?;
    let (wrong, asked, found) = (wrong.len(), asked.count(), found(key));
    let key = key.escape_ascii();
    Some(format!(
        "{list} {spec}/{rank}: {wrong} of {asked} keys differ; {key} belongs to {owner:?}, not {found:?}"
    ))
}

#[test]
fn shared_points() {
    let ties = testdata::ties();
    assert!(ties.len() >= 28);
    for Tie { servers, spec, keys } in ties {
        let placement = Placement::build(&spec, &servers).unwrap();
        for (key, owner) in keys {
            let at = servers.iter().map(Server::endpoint).collect::<Vec<_>>().join(" ");
            assert_eq!(placement.owner(key.as_bytes()), Some(owner), "{spec} of {at}: {key}");
        }
    }
}

macro_rules! topics {
    ($($test:ident $topic:literal)*) => {
        $(#[test] fn $test() { check($topic); })*

        #[test]
        fn every_topic_is_checked() {
            let checked = BTreeSet::from([$($topic.to_owned()),*]);
            assert_eq!(BTreeSet::from_iter(testdata::topics()), checked);
        }

        #[test]
        fn every_placement_has_vectors() {
            let mut kinds = BTreeSet::from(OUR_OWN);
            for topic in [$($topic),*] {
                kinds.extend(testdata::vectors(topic).iter().map(|vector| vector.spec.kind));
            }
            assert_eq!(kinds, Kind::all().collect());
        }
    };
}

topics! {
    chars "chars"
    code_server "code-server"
    evcache "evcache"
    finagle "finagle"
    go "go"
    groupcache_v3 "groupcache-v3"
    libmemcached "libmemcached"
    mcrouter "mcrouter"
    memcached_proxy "memcached-proxy"
    pymemcache "pymemcache"
    spymemcached "spymemcached"
    stathat "stathat"
    twemproxy "twemproxy"
}
