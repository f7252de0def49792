//! What every `Cargo.toml` says: its name, and what it takes from the workspace.

use super::Problem;
use super::rings::{Ring, place};
use super::tree::Tree;
use super::workspace::{Crate, Workspace};

/// Inherited, so that one edit in the root changes all. `cargo metadata` gives values and not where they come from, so the
/// text is read; our manifests write these keys in one way.
const INHERITED: &[(&str, &str)] = &[
    ("[package]", "version.workspace = true"),
    ("[package]", "edition.workspace = true"),
    ("[package]", "rust-version.workspace = true"),
    ("[package]", "license.workspace = true"),
    ("[lints]", "workspace = true"),
];

pub(crate) fn check(workspace: &Workspace, tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for member in &workspace.crates {
        problems.extend(name(member));
        let manifest = member.manifest();
        let text = tree.text(&manifest).unwrap_or_default();
        let mut wanted: Vec<(&str, &str, &str)> = INHERITED
            .iter()
            .map(|(section, line)| {
                (*section, *line, "every crate takes version, edition, licence and lints from the root")
            })
            .collect();
        if place(member) == Some(Ring::Beside) {
            wanted.push(("[package]", "publish = false", "what only developers run is never published"));
        }
        for (section, line, rule) in wanted {
            if !section_has(text, section, line) {
                problems.push(Problem {
                    file: manifest.clone(),
                    rule,
                    what: format!("{section} lacks `{line}`"),
                    fix: "add the line".to_owned(),
                });
            }
        }
    }
    problems
}

/// `crates/store` holds `peerset-store`; `crates/peerset` is the facade; tools lie in the root.
fn name(member: &Crate) -> Option<Problem> {
    let folder = member.folder.strip_prefix("crates/").unwrap_or(&member.folder);
    let has_prefix = member.name.starts_with("peerset") || member.name == "xtask";
    (folder != member.short_name() || !has_prefix).then(|| Problem {
        file: member.manifest(),
        rule: "a crate's folder is its name without `peerset-`",
        what: format!("{} lies in {}", member.name, member.folder),
        fix: format!("name it peerset-{folder}, or move it to crates/{}", member.short_name()),
    })
}

fn section_has(text: &str, section: &str, wanted: &str) -> bool {
    let mut here = false;
    text.lines().map(str::trim).any(|line| {
        if line.starts_with('[') {
            here = line == section;
        }
        here && line == wanted
    })
}
