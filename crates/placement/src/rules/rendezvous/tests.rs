//! Values of mcrouter's own tests, and ours with and without weights.

use super::*;

fn mcrouter(kind: Kind, weights: &[f64]) -> Rule {
    let server =
        |(at, weight): (usize, &f64)| Server::new("h", 1).named(format!("xxx.{at}.yy")).weighing(*weight);
    let servers: Vec<Server> = weights.iter().enumerate().map(server).collect();
    build(&kind.into(), &servers)
}

fn counts(rule: &Rule, keys: usize, servers: usize) -> Vec<usize> {
    let Rule::Rendezvous(rendezvous) = rule else { panic!("{rule:?}") };
    let mut counts = vec![0; servers];
    for key in 0..keys {
        counts[rendezvous.owner(format!("mykey:{key}").as_bytes())] += 1;
    }
    counts
}

#[test]
fn values_of_mcrouters_own_tests() {
    let rising: Vec<u8> = (0..256_u32).map(|byte| (byte as u8).wrapping_sub(128)).collect();
    let check = |kind, servers, expected: [usize; 4]| {
        let Rule::Rendezvous(rendezvous) = mcrouter(kind, &vec![1.0; servers]) else { panic!() };
        let owners = [&rising[..], b"sample", b"", b"mykey"].map(|key| rendezvous.owner(key));
        assert_eq!(owners, expected, "{kind} {servers}");
    };
    check(Kind::McrouterRendezvous, 3, [1, 1, 1, 1]);
    check(Kind::McrouterRendezvous, 343, [183, 45, 291, 132]);
    check(Kind::McrouterWeightedRendezvous, 3, [1, 0, 2, 1]);
    check(Kind::McrouterWeightedRendezvous, 343, [142, 115, 279, 302]);
}

#[test]
fn counts_of_mcrouters_own_tests() {
    let plain = mcrouter(Kind::McrouterRendezvous, &[1.0; 3]);
    assert_eq!(counts(&plain, 1000, 3), [337, 353, 310]);
    let check = |weights: &[f64], expected: &[usize]| {
        let weighted = mcrouter(Kind::McrouterWeightedRendezvous, weights);
        assert_eq!(counts(&weighted, 10_000, weights.len()), expected, "{weights:?}");
    };
    check(&[1.0, 1.0, 1.0], &[3409, 3360, 3231]);
    check(&[1.0, 0.5, 0.1], &[6292, 3118, 590]);
    check(&[1.0, 0.0, 0.5], &[6737, 0, 3263]);
}

#[test]
fn equal_weights_are_no_weights() {
    let servers: Vec<Server> = (0..20).map(|port| Server::new("a", port).weighing(3.0)).collect();
    let spec = Kind::Rendezvous.into();
    let Rule::Rendezvous(plain) = build(&spec, &servers) else { panic!() };
    assert!(plain.weights.is_empty());
    let weighted = Rendezvous { weights: vec![3.0; 20].into(), ..plain.clone() };
    for key in 0..10_000_u32 {
        let key = key.to_string();
        assert_eq!(plain.owner(key.as_bytes()), weighted.owner(key.as_bytes()), "{key}");
    }
}
