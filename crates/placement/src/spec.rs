//! A placement with its options, and the text that says both: `twemproxy:hash=md5,tag={}`.

mod options;

pub use options::{Distribution, Labels, Options, PythonKeys};

use crate::nearest::nearest;
use crate::{Chars, Hash, Kind, ParseError};
use std::fmt;
use std::str::FromStr;

/// A [`Kind`] and how it is set.
///
/// As text it is the name, and after a colon the options that differ from the defaults: `stathat:points=100`.
/// A `tag` is any two bytes, commas included.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// Which placement.
    pub kind: Kind,
    /// How it is set.
    pub options: Options,
}

impl From<Kind> for Spec {
    fn from(kind: Kind) -> Spec {
        Spec { kind, options: Options::default() }
    }
}

impl Default for Spec {
    fn default() -> Spec {
        Kind::DEFAULT.into()
    }
}

impl FromStr for Spec {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Spec, ParseError> {
        let (name, mut rest) = text.split_once(':').unwrap_or((text, ""));
        let mut spec = Spec::from(name.parse::<Kind>()?);
        while !rest.is_empty() {
            let (option, after) = rest.split_at(rest.find(['=', ',']).unwrap_or(rest.len()));
            let kind = spec.kind;
            let Some(&option) = kind.options().iter().find(|known| **known == option) else {
                return Err(ParseError::Option { kind, option: option.to_owned(), options: kind.options() });
            };
            let after = after.strip_prefix('=').unwrap_or_default();
            // A tag may hold a comma, so that its two bytes are counted.
            let length = match option {
                "tag" if after.is_char_boundary(2) => 2,
                _ => after.find(',').unwrap_or(after.len()),
            };
            let (value, behind) = after.split_at(length);
            spec.set(option, value)?;
            rest = behind.strip_prefix(',').unwrap_or(behind);
        }
        Ok(spec)
    }
}

impl Spec {
    fn set(&mut self, option: &'static str, value: &str) -> Result<(), ParseError> {
        let wrong = |wants: String| ParseError::Value { option, value: value.to_owned(), wants };
        let text = || (!value.is_empty()).then(|| value.to_owned()).ok_or_else(|| wrong("a text".to_owned()));
        let number = || {
            let number = value.parse().ok().filter(|number| *number > 0);
            number.ok_or_else(|| wrong("a whole number from 1".to_owned()))
        };
        let options = &mut self.options;
        match option {
            "hash" => options.hash = Some(hash(self.kind, value).map_err(wrong)?),
            "chars" => options.chars = Some(choose(value, CHARS).map_err(wrong)?),
            "distribution" => options.distribution = Some(choose(value, DISTRIBUTIONS).map_err(wrong)?),
            "omode" => options.labels = Some(choose(value, OMODES).map_err(wrong)?),
            "format" => options.labels = Some(choose(value, FORMATS).map_err(wrong)?),
            "weighted" => options.weighted = Some(choose(value, BOOLS).map_err(wrong)?),
            "keys" => options.keys = Some(choose(value, PYTHON_KEYS).map_err(wrong)?),
            "tag" => {
                let tag = value.as_bytes().try_into();
                options.tag = Some(tag.map_err(|_| wrong("two characters of ASCII".to_owned()))?);
            }
            "stop" => options.stop = Some(text()?),
            "seed" => options.seed = Some(text()?),
            "salt" => options.salt = Some(text()?),
            "points" => options.points = Some(number()?),
            _ => options.table = Some(number()?),
        }
        Ok(())
    }

    /// Option and value of everything that is set.
    fn settings(&self) -> Vec<(&'static str, String)> {
        let Options {
            hash,
            chars,
            distribution,
            labels,
            weighted,
            keys,
            tag,
            stop,
            seed,
            salt,
            points,
            table,
        } = &self.options;
        let spelt = |hash: &Hash| match (self.kind, hash) {
            (Kind::Twemproxy, Hash::Crc) => "crc32".to_owned(),
            _ => hash.to_string(),
        };
        let labels_option = if self.kind == Kind::Spymemcached { "format" } else { "omode" };
        let tag = tag.map(|tag| String::from_utf8_lossy(&tag).into_owned());
        let all = [
            ("hash", hash.as_ref().map(spelt)),
            ("chars", name_of(*chars, CHARS)),
            ("distribution", name_of(*distribution, DISTRIBUTIONS)),
            (labels_option, name_of(*labels, OMODES).or_else(|| name_of(*labels, FORMATS))),
            ("weighted", name_of(*weighted, BOOLS)),
            ("keys", name_of(*keys, PYTHON_KEYS)),
            ("tag", tag),
            ("stop", stop.clone()),
            ("seed", seed.clone()),
            ("salt", salt.clone()),
            ("points", points.map(|points| points.to_string())),
            ("table", table.map(|table| table.to_string())),
        ];
        all.into_iter().filter_map(|(option, value)| Some((option, value?))).collect()
    }

    /// The first option that is set and that the kind does not have.
    pub(crate) fn foreign_option(&self) -> Option<&'static str> {
        let set = self.settings().into_iter().map(|(option, _)| option);
        set.into_iter().find(|option| !self.kind.options().contains(option))
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.name().fmt(f)?;
        for (at, (option, value)) in self.settings().into_iter().enumerate() {
            write!(f, "{}{option}={value}", if at == 0 { ':' } else { ',' })?;
        }
        Ok(())
    }
}

type Names<T> = &'static [(&'static str, T)];

const CHARS: Names<Chars> = &[("signed", Chars::Signed), ("unsigned", Chars::Unsigned)];
const DISTRIBUTIONS: Names<Distribution> =
    &[("ketama", Distribution::Ketama), ("modula", Distribution::Modula)];
const OMODES: Names<Labels> = &[
    ("default", Labels::Default),
    ("ketama", Labels::Ketama),
    ("twemproxy", Labels::Twemproxy),
    ("evcache", Labels::Evcache),
];
const FORMATS: Names<Labels> =
    &[("spymemcached", Labels::Spymemcached), ("libmemcached", Labels::Libmemcached)];
const BOOLS: Names<bool> = &[("true", true), ("false", false)];
const PYTHON_KEYS: Names<PythonKeys> = &[("str", PythonKeys::Str), ("bytes", PythonKeys::Bytes)];

/// The value of that name, else what there is.
fn choose<T: Copy>(name: &str, names: Names<T>) -> Result<T, String> {
    let chosen = names.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    chosen.ok_or_else(|| names.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(" or "))
}

fn name_of<T: Copy + PartialEq>(value: Option<T>, names: Names<T>) -> Option<String> {
    names.iter().find(|(_, known)| Some(*known) == value).map(|(name, _)| (*name).to_owned())
}

/// A hash by one of its names, if the kind has it.
fn hash(kind: Kind, name: &str) -> Result<Hash, String> {
    // What others call CRC-32 is something else to twemproxy, and both are wanted under the name users have in their files.
    let meant = match (kind, name) {
        (Kind::Twemproxy, "crc32") => Some(Hash::Crc),
        (_, "crc32") => Some(Hash::Crc32),
        _ => Hash::NAMES.iter().find(|(_, names)| names.contains(&name)).map(|(hash, _)| *hash),
    };
    let known = || kind.hashes().iter().copied();
    meant.filter(|hash| known().any(|known| known == *hash)).ok_or_else(|| {
        let names: Vec<String> = known().map(|hash| hash.to_string()).collect();
        let near = nearest(name, names.iter(), |name| name).cloned().unwrap_or_default();
        format!("{near}, or another of {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests;
