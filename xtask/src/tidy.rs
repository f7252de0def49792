//! `cargo xtask tidy`: the rules of the repository that no compiler checks.
//!
//! The rules are pure functions of two pictures, [`Workspace`] (`cargo metadata`) and [`Tree`] (the text of the sources), so
//! that a test can hand each rule a repository that breaks it. Each [`Problem`] names a file, the rule and the remedy.

mod documents;
mod layout;
mod links;
mod manifests;
mod pure;
mod rings;
mod tree;
mod workspace;

#[cfg(test)]
mod tests;

use anyhow::{Result, bail};
use std::fmt;
use tree::Tree;
use workspace::Workspace;

/// Reads the repository and reports everything wrong with it at once.
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::load()?;
    let tree = Tree::load(".".as_ref())?;
    let problems = problems(&workspace, &tree);
    if problems.is_empty() {
        let (crates, files) = (workspace.crates.len(), tree.len());
        println!("    the rules hold ({crates} crates, {files} files)");
        return Ok(());
    }
    for problem in &problems {
        println!("{problem}\n");
    }
    bail!(
        "tidy: {} found",
        if problems.len() == 1 { "1 problem".to_owned() } else { format!("{} problems", problems.len()) }
    );
}

fn problems(workspace: &Workspace, tree: &Tree) -> Vec<Problem> {
    let mut problems = rings::check(workspace);
    problems.extend(pure::check(workspace, tree));
    problems.extend(manifests::check(workspace, tree));
    problems.extend(layout::check(tree));
    problems.extend(documents::check(workspace, tree));
    problems.extend(links::check(tree));
    problems
}

/// One broken rule.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    /// The file to edit, with `:LINE` where there is one.
    file: String,
    rule: &'static str,
    /// What is wrong in this case.
    what: String,
    fix: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { file, rule, what, fix } = self;
        write!(f, "{file}: {what}\n  rule: {rule}\n  fix:  {fix}")
    }
}
