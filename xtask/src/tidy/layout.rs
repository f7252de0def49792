//! Where files lie.

use super::Problem;
use super::tree::Tree;

pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut problem = |file: &str, rule, what: &str, fix: String| {
        problems.push(Problem { file: file.to_owned(), rule, what: what.to_owned(), fix });
    };
    for path in tree.paths() {
        let parts: Vec<&str> = path.split('/').collect();
        if parts.last() == Some(&"mod.rs") {
            let fix = format!("move it to {}.rs", path.trim_end_matches("/mod.rs"));
            problem(path, "a module is foo.rs, its parts lie in foo/", "a mod.rs", fix);
        }
        if let ["crates", name, "tests", file] = parts[..]
            && file.ends_with(".rs")
        {
            let fix = format!("make it a module of crates/{name}/tests/it/main.rs");
            problem(
                path,
                "one integration target a crate, since each is one more link",
                "a second test target",
                fix,
            );
        }
        let is_topic = matches!(parts[..], ["testdata", _] | ["crates", _, "testdata", _]);
        if is_topic && !path.contains('.') && !tree.has(&format!("{path}/README.md")) {
            let fix =
                "say in README.md what made the data, which version, and how to make it again".to_owned();
            problem(path, "every folder of test data explains itself", "no README.md", fix);
        }
    }
    problems
}
