//! Every target as a plain test: its corpus as it is, then as many mutations as a second or two allows. The seed is fixed,
//! so a failure here is a failure everywhere.

use peerset_fuzz::run::{Budget, run};
use peerset_fuzz::targets::{PARSER, PLACEMENTS, REPLIES, STORE, Target, URLS, ZNODES};
use peerset_fuzz::{artifact, corpus};

#[track_caller]
fn check(target: &Target, mutations: u64) {
    let corpus = corpus::load(target.name).expect("a corpus in corpus/TARGET");
    if let Err(crash) = run(target, &corpus, 0x005e_ed00, Budget::Inputs(mutations), |_| {}) {
        let path = artifact::keep(target, &crash.input).expect("artifacts/ can be written");
        panic!("{crash}\n{}", artifact::replay(target, &path));
    }
}

#[test]
fn parser() {
    check(&PARSER, 20_000);
}

#[test]
fn replies() {
    check(&REPLIES, 20_000);
}

#[test]
fn urls() {
    check(&URLS, 20_000);
}

#[test]
fn placements() {
    check(&PLACEMENTS, 20_000);
}

#[test]
fn znodes() {
    check(&ZNODES, 20_000);
}

#[test]
fn store() {
    // An input here is hundreds of operations on large values, each checked against the model: a few milliseconds.
    check(&STORE, 2_000);
}
