//! What is wrong in a config file, where, and what to do.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Collects what is wrong while a file is read.
#[derive(Debug, Default)]
pub(crate) struct Report {
    mistakes: Vec<Mistake>,
    warnings: Vec<Mistake>,
}

/// One thing that is wrong.
#[derive(Debug)]
pub(crate) struct Mistake {
    at: Range<usize>,
    what: String,
    /// Lines that say what to do.
    hint: Option<String>,
}

/// The mistakes of a file, in its order, each as `PATH:LINE:COLUMN: WHAT`, the line, a mark under the place, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) struct Mistakes {
    path: PathBuf,
    /// Each with the byte it begins at.
    shown: Vec<(usize, String)>,
}

/// As many are shown; whoever has more is served by fixing these.
const SHOWN_MAX: usize = 20;

impl Report {
    /// Something that has to be changed.
    pub(crate) fn mistake(&mut self, at: Range<usize>, what: impl Into<String>) -> &mut Mistake {
        Self::add(&mut self.mistakes, at, what.into())
    }

    /// What was read, or why it was not, as a mistake.
    pub(crate) fn take<T, E: fmt::Display>(&mut self, at: Range<usize>, read: Result<T, E>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                self.mistake(at, error.to_string());
                None
            }
        }
    }

    /// Something that is probably not meant.
    pub(crate) fn warning(&mut self, at: Range<usize>, what: impl Into<String>) -> &mut Mistake {
        Self::add(&mut self.warnings, at, format!("warning: {}", what.into()))
    }

    fn add(list: &mut Vec<Mistake>, at: Range<usize>, what: String) -> &mut Mistake {
        let last = list.len();
        list.push(Mistake { at, what, hint: None });
        &mut list[last]
    }

    /// What the TOML parser found.
    pub(super) fn syntax(&mut self, error: &toml::de::Error, text: &str) {
        let at = error.span().unwrap_or(0..0);
        if error.message() == super::DUPLICATE {
            let key = text.get(at.clone()).unwrap_or_default();
            // A header that stands twice makes duplicates of the keys below it too.
            let follows = |last: &Mistake| {
                is_header(text, last.at.start) && !text[last.at.start..at.start].contains("\n[")
            };
            if self.mistakes.last().is_some_and(follows) {
                return;
            }
            self.mistake(at, format!("{key} is already in this table"))
                .hint("keep one of the two: a prefix has one route, a pool one table, a setting one value");
            return;
        }
        // The parser tries to go on and stumbles over what follows from the first mistake of a line.
        let line = |at: usize| place(text, at).0;
        if self.mistakes.last().is_none_or(|last| line(last.at.start) != line(at.start)) {
            self.mistake(at, format!("not TOML: {}", error.message()));
        }
    }

    /// Whether anything has to be changed.
    pub(crate) fn has_mistakes(&self) -> bool {
        !self.mistakes.is_empty()
    }

    /// The warnings as text, or all mistakes.
    pub(super) fn finish(mut self, path: &Path, text: &str) -> Result<Vec<String>, Mistakes> {
        if !self.mistakes.is_empty() {
            return Err(self.mistakes(path, text));
        }
        self.warnings.sort_by_key(|warning| warning.at.start);
        Ok(self.warnings.iter().map(|warning| warning.show(path, text)).collect())
    }

    /// All mistakes, whatever their number.
    pub(super) fn mistakes(self, path: &Path, text: &str) -> Mistakes {
        let none = Mistakes { path: path.to_owned(), shown: Vec::new() };
        none.with(self.mistakes.iter().map(|mistake| (mistake.at.start, mistake.show(path, text))))
    }
}

impl Mistakes {
    /// The mistakes of both.
    pub(super) fn and(self, other: Mistakes) -> Mistakes {
        self.with(other.shown)
    }

    fn with(mut self, more: impl IntoIterator<Item = (usize, String)>) -> Mistakes {
        self.shown.extend(more);
        self.shown.sort_by_key(|(at, _)| *at);
        self
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = match self.shown.len() {
            1 => "a mistake".to_owned(),
            several => format!("{several} mistakes"),
        };
        write!(f, "the config file {} has {count}:", self.path.display())?;
        for (_, mistake) in self.shown.iter().take(SHOWN_MAX) {
            write!(f, "\n{mistake}")?;
        }
        match self.shown.len() {
            0..=SHOWN_MAX => Ok(()),
            more => write!(f, "\nand {} more", more - SHOWN_MAX),
        }
    }
}

impl Mistake {
    /// Says what to do.
    pub(crate) fn hint(&mut self, hint: impl Into<String>) {
        self.hint = Some(hint.into());
    }

    fn show(&self, path: &Path, text: &str) -> String {
        let (line, column) = place(text, self.at.start);
        let mut shown = format!("{}:{line}:{column}: {}", path.display(), self.what);
        let (excerpt, mark) = excerpt(text, &self.at);
        // What is shown may end up in a log, where a password has no place.
        if !excerpt.trim().is_empty()
            && !text.lines().nth(line - 1).is_some_and(|line| line.contains("password"))
        {
            shown += &format!("\n  {excerpt}\n  {mark}");
        }
        for line in self.hint.iter().flat_map(|hint| hint.lines()) {
            shown += &format!("\n  {line}");
        }
        shown
    }
}

/// Whether the line of a place is a table's header.
fn is_header(text: &str, at: usize) -> bool {
    text[..at].rsplit('\n').next().is_some_and(|line| line.trim_start().starts_with('['))
}

/// Line and column, in characters, from 1.
pub(super) fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(at)];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (line, before[start..].chars().count() + 1)
}

/// Characters shown before a place, and at it and behind it.
const BEFORE: usize = 40;
const BEHIND: usize = 70;

/// The line of a place, cut to what a terminal shows, and a line with carets under the place.
fn excerpt(text: &str, at: &Range<usize>) -> (String, String) {
    let start = text.floor_char_boundary(at.start);
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |length| start + length);
    let end = text.floor_char_boundary(at.end).clamp(start, line_end);
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let before: Vec<char> = text[line_start..start].chars().map(printable).collect();
    let lead = if before.len() > BEFORE { "…" } else { "" };
    let before: String = before[before.len().saturating_sub(BEFORE)..].iter().collect();
    let behind: String = text[start..line_end].trim_end().chars().take(BEHIND).map(printable).collect();
    let tail = if text[start..line_end].trim_end().chars().nth(BEHIND).is_some() { "…" } else { "" };
    let carets = text[start..end].chars().count().clamp(1, BEHIND);
    let indent = lead.chars().count() + before.chars().count();
    (format!("{lead}{before}{behind}{tail}"), format!("{:indent$}{}", "", "^".repeat(carets)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_shown_in_their_place() {
        #[track_caller]
        fn check(text: &str, at: Range<usize>, expected: &str) {
            let mut report = Report::default();
            report.mistake(at, "odd").hint("do\nthis");
            let shown = report.finish(Path::new("f"), text).unwrap_err().to_string();
            assert_eq!(shown, format!("the config file f has a mistake:\n{expected}"));
        }
        check("a = 1\nbé = 2\n", 9..10, "f:2:3: odd\n  bé = 2\n    ^\n  do\n  this");
        check("a = 1\nb = 2", 0..9, "f:1:1: odd\n  a = 1\n  ^^^^^\n  do\n  this");
        check("", 0..0, "f:1:1: odd\n  do\n  this");
        check("a\tb\r\n", 2..3, "f:1:3: odd\n  a b\n    ^\n  do\n  this");
        check("auth = { password = 'p q' }", 7..12, "f:1:8: odd\n  do\n  this");
        let long = format!("x = '{}!{}'", "a".repeat(100), "b".repeat(100));
        let expected = format!(
            "f:1:106: odd\n  …{}!{}…\n  {}^\n  do\n  this",
            "a".repeat(40),
            "b".repeat(69),
            " ".repeat(41)
        );
        check(&long, 105..106, &expected);
    }

    #[test]
    fn no_more_are_shown_than_can_be_read() {
        let mut report = Report::default();
        (0..25).rev().for_each(|at| {
            report.mistake(at..at, format!("number {at}"));
        });
        let shown = report.finish(Path::new("f"), &" ".repeat(30)).unwrap_err().to_string();
        assert!(
            shown.starts_with("the config file f has 25 mistakes:\nf:1:1: number 0\n")
                && shown.ends_with("\nand 5 more"),
            "{shown}"
        );
    }
}
