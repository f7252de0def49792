//! Ring 0 stays pure: time, randomness and settings come in as arguments, bytes go in and out.
//!
//! Two looks at it. What a crate is built from, all the way down, because a dependency can bring a runtime or read the
//! operating system's randomness. And its own source, because the standard library has clocks and random state too.

use super::Problem;
use super::rings::{Ring, place};
use super::tree::Tree;
use super::workspace::{Crate, Workspace};

/// Packages that bring what ring 0 must not have. Tests may use them.
const PACKAGES: &[(&str, &str)] = &[
    ("tokio", "a runtime"),
    ("async-io", "a runtime"),
    ("smol", "a runtime"),
    ("mio", "sockets"),
    ("socket2", "sockets"),
    ("getrandom", "the operating system's randomness"),
    ("rand", "a generator that seeds itself"),
    ("fastrand", "a generator that seeds itself"),
    ("time", "a clock"),
    ("chrono", "a clock"),
    ("jiff", "a clock"),
];

/// Names of the standard library, the same. `new` and `with_capacity` of a map exist only for the hasher that seeds itself
/// from the operating system, so a map with another hasher is not caught by them.
const NAMES: &[(&str, &str)] = &[
    ("Instant::now", "a clock"),
    ("SystemTime::now", "a clock"),
    ("RandomState", "global randomness"),
    ("HashMap::new(", "global randomness: its hasher seeds itself"),
    ("HashMap::with_capacity(", "global randomness: its hasher seeds itself"),
    ("HashSet::new(", "global randomness: its hasher seeds itself"),
    ("HashSet::with_capacity(", "global randomness: its hasher seeds itself"),
    ("std::env", "the environment"),
    ("env::var", "the environment"),
    ("available_parallelism", "the environment"),
    ("std::net::Tcp", "sockets"),
    ("std::net::Udp", "sockets"),
    ("std::os::unix::net", "sockets"),
    ("std::fs", "files"),
    ("std::process", "processes"),
    ("thread::spawn", "threads of its own"),
    ("thread::sleep", "waiting"),
];

const FIX: &str = "take it as an argument (`now`, a seed, bytes) and let an outer ring supply it";

pub(crate) fn check(workspace: &Workspace, tree: &Tree) -> Vec<Problem> {
    let pure = workspace.crates.iter().filter(|member| place(member) == Some(Ring::Pure));
    pure.flat_map(|member| dependencies(member).into_iter().chain(sources(member, tree))).collect()
}

fn dependencies(member: &Crate) -> Vec<Problem> {
    let banned = PACKAGES.iter().filter_map(|(name, brings)| Some((member.reaches.get(*name)?, brings)));
    banned
        .map(|(way, brings)| Problem {
            file: member.manifest(),
            rule: "ring 0 is built without runtime, clock, sockets or global randomness",
            what: format!("{} reaches {brings}, through {}", member.name, way.join(" → ")),
            fix: "choose a lighter dependency, or switch off the feature that brings it".to_owned(),
        })
        .collect()
}

/// Tests and fuzz bodies are left out: a model to compare with may well be an ordinary `HashMap`.
fn sources(member: &Crate, tree: &Tree) -> Vec<Problem> {
    let folder = format!("{}/src/", member.folder);
    let mut problems = Vec::new();
    for (path, text) in tree.texts(&folder, ".rs") {
        let is_test = |part: &str| matches!(part.trim_end_matches(".rs"), "tests" | "fuzzing");
        if path[folder.len()..].split('/').any(is_test) {
            continue;
        }
        for (number, line) in without_tests(text) {
            // Comments and examples in documentation may name what the code must not do.
            let code = line.split("//").next().unwrap_or_default();
            for (_, brings) in NAMES.iter().filter(|(name, _)| code.contains(name)) {
                problems.push(Problem {
                    file: format!("{path}:{number}"),
                    rule: "ring 0 calls no clock, environment, socket or global randomness",
                    what: format!("`{}` is {brings}", code.trim()),
                    fix: FIX.to_owned(),
                });
            }
        }
    }
    problems
}

/// The numbered lines above an inline module of tests, which stands last in its file.
fn without_tests(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        pair[0].trim() == "#[cfg(test)]" && pair[1].trim_start().starts_with("mod ") && pair[1].ends_with('{')
    });
    let end = tests.unwrap_or(lines.len());
    lines.into_iter().take(end).enumerate().map(|(index, line)| (index + 1, line))
}
