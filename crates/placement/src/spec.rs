//! A placement with its options, and the text that says both: `twemproxy:hash=md5,tag={}`.

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

/// Settings of a placement; `None` is the default. A kind has only those that [`Kind::options`] names, and building
/// refuses the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Options {
    /// `hash=NAME`: what a key is hashed with; one of [`Kind::hashes`].
    pub hash: Option<Hash>,
    /// `chars=signed|unsigned`: how C reads bytes of 0x80 and above; signed, as on x86, by default.
    pub chars: Option<Chars>,
    /// `distribution=ketama|modula` of twemproxy.
    pub distribution: Option<Distribution>,
    /// `omode=default|ketama|twemproxy|evcache` of memcached's proxy, `format=spymemcached|libmemcached` of
    /// spymemcached: how labels are written.
    pub labels: Option<Labels>,
    /// `weighted=true|false` of libmemcached's spy: ketama's points whatever the weights are.
    pub weighted: Option<bool>,
    /// `keys=str|bytes` of pymemcache: how the application passes keys, which are hashed as Python shows them.
    pub keys: Option<PythonKeys>,
    /// `tag={}`: where a key holds the first byte and later the second, only what is between them is hashed.
    pub tag: Option<[u8; 2]>,
    /// `stop=|#|` of memcached's proxy: a key is hashed up to this text.
    pub stop: Option<String>,
    /// `seed=TEXT`: a text whose XXH3 seeds the hash of keys.
    pub seed: Option<String>,
    /// `salt=TEXT` of mcrouter: is appended to the key.
    pub salt: Option<String>,
    /// `points=N` of each server.
    pub points: Option<u32>,
    /// `table=N` slots of Maglev, a prime.
    pub table: Option<u32>,
}

/// What twemproxy does with a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Distribution {
    /// Finds it on a ring.
    Ketama,
    /// Divides it by the sum of weights.
    Modula,
}

/// How a ring's labels are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Labels {
    /// `addr:port`, hashed with XXH3.
    Default,
    /// `addr:port`.
    Ketama,
    /// `addr`, with the port unless that is 11211.
    Twemproxy,
    /// `addr/addr:port`.
    Evcache,
    /// `host/ip:port`.
    Spymemcached,
    /// `host`, with the port unless that is 11211.
    Libmemcached,
}

/// How a Python program passes keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PythonKeys {
    /// As text.
    Str,
    /// As bytes, which are hashed as `b'…'`.
    Bytes,
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
mod tests {
    use super::*;

    #[test]
    fn texts_come_back() {
        let check = |text: &str| {
            assert_eq!(text.parse::<Spec>().map(|spec| spec.to_string()).as_deref(), Ok(text));
        };
        check("ketama");
        check("ketama:hash=crc,chars=unsigned");
        check("twemproxy:hash=crc32,distribution=modula,tag={}");
        check("twemproxy:tag=,,");
        check("twemproxy:tag==,");
        check("memcached-proxy-ring:hash=md5,omode=evcache,stop=|#|,points=40");
        check("spymemcached:hash=native,format=libmemcached");
        check("ketama-spy:weighted=true");
        check("pymemcache:keys=bytes");
        check("maglev:table=65537");
        check("mcrouter-ch3:salt=a=b");
    }

    #[test]
    fn other_spellings_are_taken() {
        let check = |text: &str, expected: &str| {
            assert_eq!(text.parse::<Spec>().map(|spec| spec.to_string()).as_deref(), Ok(expected));
        };
        check("ketama:", "ketama");
        check("twemproxy:tag={},hash=crc32a,", "twemproxy:hash=crc32a,tag={}");
        check("stathat:hash=crc32", "stathat:hash=crc32a");
        check("finagle:hash=fnv1a-32", "finagle:hash=fnv1a_32");
        check("libmemcached:hash=default", "libmemcached:hash=one_at_a_time");
    }

    #[test]
    fn errors_say_what_there_is() {
        let check = |text: &str, expected: &str| {
            assert_eq!(text.parse::<Spec>().unwrap_err().to_string(), expected);
        };
        check("ketana:hash=md5", "no placement \"ketana\"; did you mean ketama?");
        check("mcset:hash=md5", "mcset has no option \"hash\"; it has points");
        check("rendezvous:x", "rendezvous has no option \"x\"; it has none");
        check("stathat:points=0", "points=\"0\": write a whole number from 1");
        check("stathat:points", "points=\"\": write a whole number from 1");
        check("stathat:points=99999999999", "points=\"99999999999\": write a whole number from 1");
        check("stathat:hash=md5", "hash=\"md5\": write crc32a, or another of crc32a, fnv1a_32");
        check("twemproxy:tag={", "tag=\"{\": write two characters of ASCII");
        check("twemproxy:tag=€", "tag=\"€\": write two characters of ASCII");
        check("twemproxy:distribution=random", "distribution=\"random\": write ketama or modula");
    }
}
