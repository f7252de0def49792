//! The text of the repository, read once.

use anyhow::{Context as _, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Every path of the repository, with the text of those that rules read (`.rs`, `.md`, `.toml`).
#[derive(Default)]
pub(crate) struct Tree {
    /// By path from the root, with `/`: `crates/store/src/lib.rs`.
    texts: BTreeMap<String, String>,
    /// All files and folders, the root as the empty path.
    paths: BTreeSet<String>,
}

/// Not ours to judge: build products, and what fuzzing found.
const SKIPPED: &[&str] = &["target", "artifacts"];

impl Tree {
    pub(crate) fn load(root: &Path) -> Result<Tree> {
        let mut tree = Tree::default();
        tree.add_folder(root, "")?;
        Ok(tree)
    }

    fn add_folder(&mut self, folder: &Path, name: &str) -> Result<()> {
        self.paths.insert(name.to_owned());
        for entry in folder.read_dir().with_context(|| format!("cannot read {}", folder.display()))? {
            let entry = entry?;
            let Ok(file_name) = entry.file_name().into_string() else { continue };
            let path = if name.is_empty() { file_name.clone() } else { format!("{name}/{file_name}") };
            if entry.file_type()?.is_dir() {
                let hidden =
                    file_name.starts_with('.') && !matches!(file_name.as_str(), ".ci" | ".config" | ".cargo");
                if !hidden && !SKIPPED.contains(&file_name.as_str()) {
                    self.add_folder(&entry.path(), &path)?;
                }
            } else {
                if [".rs", ".md", ".toml"].iter().any(|end| file_name.ends_with(end)) {
                    let text = std::fs::read_to_string(entry.path())
                        .with_context(|| format!("cannot read {path}"))?;
                    self.texts.insert(path.clone(), text);
                }
                self.paths.insert(path);
            }
        }
        Ok(())
    }

    /// A tree of these files, for tests of rules.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::default();
        for (path, text) in files {
            tree.texts.insert((*path).to_owned(), (*text).to_owned());
            let folders = path.match_indices('/').map(|(at, _)| path[..at].to_owned());
            tree.paths.extend(folders.chain([String::new(), (*path).to_owned()]));
        }
        tree
    }

    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// Whether the path is a file or a folder here; a closing `/` is allowed.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.paths.contains(path.trim_end_matches('/'))
    }

    /// Every file and folder.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// The texts below a folder (`crates/store/src/`), or all with the empty prefix, whose names end so.
    pub(crate) fn texts<'t>(
        &'t self,
        prefix: &'t str,
        end: &'t str,
    ) -> impl Iterator<Item = (&'t str, &'t str)> {
        let below = move |(path, _): &(&String, &String)| path.starts_with(prefix) && path.ends_with(end);
        self.texts.iter().filter(below).map(|(path, text)| (path.as_str(), text.as_str()))
    }
}
