//! Words of a line, split at spaces when asked for.

use memchr::memchr;

/// The part of a line that is split lazily: words with one or more spaces between them, none at either end.
///
/// Never holds `\n` or NUL, so writing it back cannot end the line early.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Words<'b>(&'b [u8]);

impl<'b> Words<'b> {
    /// No words at all.
    pub const NONE: Words<'static> = Words(b"");

    /// Takes `text` as words, trimming spaces; `None` if a `\r`, `\n` or NUL in it could end the line early.
    pub fn new(text: &'b [u8]) -> Option<Words<'b>> {
        if text.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            None
        } else {
            Some(Words::of_line(text))
        }
    }

    /// As [`Words::new`] for text that a parser cut from one line.
    #[inline]
    pub(crate) fn of_line(text: &'b [u8]) -> Words<'b> {
        let mut text = text;
        while let [b' ', rest @ ..] = text {
            text = rest;
        }
        while let [rest @ .., b' '] = text {
            text = rest;
        }
        Words(text)
    }

    /// The words with the spaces between them, as they came.
    pub fn as_bytes(&self) -> &'b [u8] {
        self.0
    }

    /// Whether there is no word.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The words from first to last.
    #[inline]
    pub fn iter(&self) -> WordIter<'b> {
        WordIter(self.0)
    }
}

impl<'b> IntoIterator for Words<'b> {
    type Item = &'b [u8];
    type IntoIter = WordIter<'b>;
    fn into_iter(self) -> WordIter<'b> {
        self.iter()
    }
}

impl std::fmt::Debug for Words<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// Iterator over [`Words`]; no word is empty.
#[derive(Clone, Debug)]
pub struct WordIter<'b>(&'b [u8]);

impl<'b> WordIter<'b> {
    /// What has not been split yet, beginning with a word or a space.
    #[inline]
    pub(crate) fn rest(&self) -> &'b [u8] {
        self.0
    }

    /// As `next`, by plain steps: faster for the few bytes of a command or flag, where calling `memchr` costs more
    /// than it saves.
    #[inline]
    pub(crate) fn next_short(&mut self) -> Option<&'b [u8]> {
        while let [b' ', rest @ ..] = self.0 {
            self.0 = rest;
        }
        if self.0.is_empty() {
            return None;
        }
        let end = self.0.iter().position(|&byte| byte == b' ').unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(word)
    }

    /// Splits all of `line`, spaces at its ends included.
    #[inline]
    pub(crate) fn over(line: &'b [u8]) -> WordIter<'b> {
        WordIter(line)
    }
}

impl<'b> Iterator for WordIter<'b> {
    type Item = &'b [u8];

    #[inline]
    fn next(&mut self) -> Option<&'b [u8]> {
        while let [b' ', rest @ ..] = self.0 {
            self.0 = rest;
        }
        if self.0.is_empty() {
            return None;
        }
        let end = memchr(b' ', self.0).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(word)
    }
}
