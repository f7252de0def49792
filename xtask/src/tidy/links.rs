//! Relative links in documents lead somewhere: the file exists, and so does the heading.

use super::Problem;
use super::tree::Tree;

pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.texts("", ".md") {
        for (number, link) in links(text) {
            let is_elsewhere = link.contains("://") || link.starts_with("mailto:");
            if !is_elsewhere && let Err(what) = follow(tree, path, link) {
                problems.push(Problem {
                    file: format!("{path}:{number}"),
                    rule: "relative links resolve",
                    what,
                    fix: "mend the link, or write the file".to_owned(),
                });
            }
        }
    }
    problems
}

fn follow(tree: &Tree, from: &str, link: &str) -> Result<(), String> {
    let (file, heading) = link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
    let target = if file.is_empty() { from.to_owned() } else { resolve(from, file) };
    if !tree.has(&target) {
        return Err(format!("({link}) leads to {target}, which does not exist"));
    }
    match (heading, tree.text(&target)) {
        (Some(heading), Some(text))
            if target.ends_with(".md") && !anchors(text).any(|anchor| anchor == heading) =>
        {
            Err(format!("({link}) names no heading of {target}"))
        }
        _ => Ok(()),
    }
}

/// `../README.md` seen from `crates/store/notes.md` is `crates/README.md`.
fn resolve(from: &str, link: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// `[text](target)` and `[name]: target`, with their line numbers, outside code.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    prose(text).flat_map(|(number, line)| {
        let definition =
            line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target);
        // Every second piece between backquotes is code, where brackets mean something else.
        let spans = line.split('`').step_by(2);
        let inline =
            spans.flat_map(|span| span.split("](").skip(1)).filter_map(|rest| rest.split(')').next());
        let targets = definition.into_iter().chain(inline);
        targets.filter_map(move |target| Some((number, target.split_whitespace().next()?)))
    })
}

/// Anchors as forges derive them from headings: lower case, spaces to hyphens, punctuation dropped.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let headings = prose(text)
        .filter(|(_, line)| line.starts_with('#'))
        .map(|(_, line)| line.trim_start_matches('#').trim());
    headings.map(|heading| {
        let kept = heading.to_lowercase().replace(' ', "-");
        kept.chars().filter(|&c| c.is_alphanumeric() || c == '-' || c == '_').collect()
    })
}

/// The numbered lines that are not inside a fenced block.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        (!fenced && !is_fence).then_some((index + 1, line))
    })
}
