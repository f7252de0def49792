//! ARCHITECTURE.md speaks of the crates there are: all of them, and only them.

use super::Problem;
use super::tree::Tree;
use super::workspace::Workspace;

const MAP: &str = "ARCHITECTURE.md";
const RULE: &str = "ARCHITECTURE.md names every crate, and only what exists";

pub(crate) fn check(workspace: &Workspace, tree: &Tree) -> Vec<Problem> {
    let Some(text) = tree.text(MAP) else {
        return vec![Problem {
            file: MAP.to_owned(),
            rule: RULE,
            what: "the file is missing".to_owned(),
            fix: "write the map of the code that a stranger needs".to_owned(),
        }];
    };
    let named: Vec<(usize, &str)> = paths(text).collect();
    let mut problems = Vec::new();
    for member in workspace.crates.iter().filter(|member| member.folder.starts_with("crates/")) {
        let is_it = |path: &str| path == member.folder || path.starts_with(&format!("{}/", member.folder));
        if !named.iter().any(|(_, path)| is_it(path)) {
            problems.push(Problem {
                file: MAP.to_owned(),
                rule: RULE,
                what: format!("{} is not named", member.folder),
                fix: format!("write `{}` and what it is for", member.folder),
            });
        }
    }
    for (number, path) in named {
        if !tree.has(path) {
            problems.push(Problem {
                file: format!("{MAP}:{number}"),
                rule: RULE,
                what: format!("there is no {path}"),
                fix: "name it when it is there, or mend the path".to_owned(),
            });
        }
    }
    problems
}

/// The words of a text that are paths into the folders where code lies. A pattern (`crates/*`, `crates/X`) is none.
fn paths(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let tops = ["crates/", "xtask/", "fuzz/", "testdata/"];
    text.lines().enumerate().flat_map(move |(index, line)| {
        let words = line.split(|c: char| !in_path(c) && !"*<>{}…".contains(c));
        let words = words.map(|word| word.trim_end_matches(['.', '/']));
        let ours = words.filter(move |word| tops.iter().any(|top| word.starts_with(top)));
        ours.filter(|word| word.chars().all(in_path) && *word != "crates/X")
            .map(move |word| (index + 1, word))
    })
}

fn in_path(c: char) -> bool {
    c.is_ascii_alphanumeric() || "/-_.".contains(c)
}
