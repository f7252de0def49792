//! Tables and values of a config file, read with their places at hand.

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::Report;
use super::nearest::nearest;

/// A value and where it stands.
pub(crate) type Value<'d> = Spanned<DeValue<'d>>;

/// One table and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Section<'d> {
    table: &'d DeTable<'d>,
    /// Of the whole table if it is written in braces, else of its header.
    pub(crate) at: Range<usize>,
}

impl<'d> Section<'d> {
    pub(crate) fn new(table: &'d DeTable<'d>, at: Range<usize>) -> Self {
        Section { table, at }
    }

    /// The table that the value has to be.
    pub(crate) fn of(value: &'d Value<'d>, report: &mut Report) -> Option<Self> {
        match value.get_ref() {
            DeValue::Table(table) => Some(Section::new(table, value.span())),
            other => {
                report.mistake(value.span(), format!("this has to be a table, not {}", a(other)));
                None
            }
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'d Value<'d>> {
        self.table.get(name)
    }

    /// What `read` makes of the value of this name, if there is one.
    pub(crate) fn read<T>(
        &self,
        name: &str,
        read: impl FnOnce(&'d Value<'d>, &mut Report) -> Option<T>,
        report: &mut Report,
    ) -> Option<T> {
        read(self.get(name)?, report)
    }

    /// All keys and values in the order in which they are written.
    pub(crate) fn entries(&self) -> Vec<(&'d Spanned<DeString<'d>>, &'d Value<'d>)> {
        let mut entries: Vec<_> = self.table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries
    }

    /// Reports every key that is none of `names`.
    pub(crate) fn refuse_unknown(&self, what: &str, names: &[&str], report: &mut Report) {
        for (key, _) in self.entries() {
            let written = &**key.get_ref();
            if !names.contains(&written) {
                unknown(what, key.span(), written, names, report);
            }
        }
    }
}

/// Reports a name that is none of `names`, with the one that was probably meant.
pub(crate) fn unknown(what: &str, at: Range<usize>, written: &str, names: &[&str], report: &mut Report) {
    let meant = nearest(written, names).map(|name| format!("; did you mean {name}?")).unwrap_or_default();
    let known = match names {
        [] => "are none".to_owned(),
        [only] => format!("is {only}"),
        several => format!("are {}", several.join(", ")),
    };
    report.mistake(at, format!("there is no {what} {written:?}{meant}")).hint(format!("there {known}"));
}

/// The text that the value has to be.
pub(crate) fn text<'d>(value: &'d Value<'d>, report: &mut Report) -> Option<&'d str> {
    match value.get_ref() {
        DeValue::String(text) => Some(text),
        other => {
            report.mistake(value.span(), format!("this has to be a text in quotes, not {}", a(other)));
            None
        }
    }
}

/// What the text of the value says.
pub(crate) fn parsed<T>(value: &Value<'_>, report: &mut Report) -> Option<T>
where
    T: FromStr,
    T::Err: Display,
{
    let read = text(value, report)?.parse::<T>();
    report.take(value.span(), read)
}

/// The whole number within `range` that the value has to be.
pub(crate) fn whole(value: &Value<'_>, range: RangeInclusive<u64>, report: &mut Report) -> Option<u64> {
    let number = match value.get_ref() {
        DeValue::Integer(digits) => u64::from_str_radix(digits.as_str(), digits.radix()).ok(),
        _ => None,
    };
    let fitting = number.filter(|number| range.contains(number));
    if fitting.is_none() {
        report.mistake(
            value.span(),
            format!("this has to be a whole number from {} to {}", range.start(), range.end()),
        );
    }
    fitting
}

/// Where a part of a text value stands in the file. The whole value, if the text is not written as it reads.
pub(crate) fn text_at(value: &Value<'_>, part: Range<usize>) -> Range<usize> {
    let (at, text) = (value.span(), value.get_ref().as_str().unwrap_or_default());
    match at.len() == text.len() + 2 {
        true => at.start + 1 + part.start..at.start + 1 + part.end.max(part.start + 1),
        false => at, // escapes, or three quotes
    }
}

/// The kind of a value, with its article.
pub(crate) fn a(value: &DeValue<'_>) -> String {
    let kind = value.type_str();
    format!("{} {kind}", if kind.starts_with(['a', 'i']) { "an" } else { "a" })
}
