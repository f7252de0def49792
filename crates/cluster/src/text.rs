//! A piece of an input that remembers where it came from, so that every error can point at its place.

use std::ops::Range;

/// A slice of some input and the byte position at which it starts there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub(crate) text: &'a str,
    pub(crate) at: usize,
}

/// What is wrong, and with which bytes of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault<P> {
    pub(crate) at: Range<usize>,
    pub(crate) problem: P,
}

impl<P> Fault<P> {
    pub(crate) fn map<Q>(self, wrap: impl FnOnce(P) -> Q) -> Fault<Q> {
        Fault { at: self.at, problem: wrap(self.problem) }
    }
}

impl<'a> Piece<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Piece { text, at: 0 }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.text.is_empty()
    }

    /// The bytes of the input this piece covers.
    pub(crate) fn range(self) -> Range<usize> {
        self.at..self.at + self.text.len()
    }

    pub(crate) fn fault<P>(self, problem: P) -> Fault<P> {
        Fault { at: self.range(), problem }
    }

    /// Points at the character that starts `offset` bytes into this piece, or just past its end.
    pub(crate) fn fault_at<P>(self, offset: usize, problem: P) -> Fault<P> {
        let width = self.text[offset..].chars().next().map_or(0, char::len_utf8);
        Fault { at: self.at + offset..self.at + offset + width, problem }
    }

    /// The empty piece just past this one: where something is missing.
    pub(crate) fn end(self) -> Piece<'a> {
        self.split_at(self.text.len()).1
    }

    /// # Panics
    /// Unless `offset` is a character boundary of the text, as `str::find` and `char_indices` return.
    pub(crate) fn split_at(self, offset: usize) -> (Piece<'a>, Piece<'a>) {
        let (left, right) = self.text.split_at(offset);
        (Piece { text: left, at: self.at }, Piece { text: right, at: self.at + offset })
    }

    pub(crate) fn strip_prefix(self, prefix: &str) -> Option<Piece<'a>> {
        let text = self.text.strip_prefix(prefix)?;
        Some(Piece { text, at: self.at + prefix.len() })
    }

    /// What is before and after the first `separator`.
    pub(crate) fn split_once(self, separator: char) -> Option<(Piece<'a>, Piece<'a>)> {
        let (left, rest) = self.split_at(self.text.find(separator)?);
        Some((left, rest.split_at(separator.len_utf8()).1))
    }

    /// Everything between the separators; an empty piece yields itself, as `str::split` does.
    pub(crate) fn split(self, separator: char) -> impl Iterator<Item = Piece<'a>> {
        let mut at = self.at;
        self.text.split(separator).map(move |text| {
            let piece = Piece { text, at };
            at += text.len() + separator.len_utf8();
            piece
        })
    }

    /// The same without white space around it.
    pub(crate) fn trim(self) -> Piece<'a> {
        let start = self.text.len() - self.text.trim_start().len();
        Piece { text: self.text.trim(), at: self.at + start }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_keeps_its_place() {
        let input = "é=a,, b ,c";
        let whole = Piece::new(input);
        let (_, list) = whole.split_once('=').unwrap();
        let mut pieces: Vec<_> = list.split(',').map(Piece::trim).collect();
        pieces.extend([list.end(), whole.strip_prefix("é=").unwrap()]);
        for piece in pieces {
            assert_eq!(&input[piece.range()], piece.text);
        }
        assert_eq!(whole.fault_at(0, ()).at, 0..2, "a whole character");
        assert_eq!(whole.fault_at(input.len(), ()).at, input.len()..input.len());
    }
}
