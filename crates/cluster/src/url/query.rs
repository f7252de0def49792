//! `?KEY=VALUE&…`, read by asking for the parameters a scheme knows.

use crate::percent;
use crate::text::{Fault, Piece};
use crate::url::UrlProblem as Problem;
use crate::url::parse::{Bad, bad};
use crate::url::scheme::nearest;

/// One `KEY=VALUE`, the value decoded.
pub(super) struct Parameter<'a> {
    pub(super) key: Piece<'a>,
    pub(super) raw: Piece<'a>,
    pub(super) value: String,
}

impl Parameter<'_> {
    pub(super) fn part(&self) -> String {
        format!("parameter {}", self.key.text)
    }

    /// What is wrong with the value.
    pub(super) fn bad(&self, problem: Problem) -> Bad {
        bad(self.part(), self.raw.fault(problem))
    }

    /// A decimal number.
    pub(super) fn number(&self) -> Result<u32, Bad> {
        let digits = self.value.bytes().all(|byte| byte.is_ascii_digit());
        self.value.parse().ok().filter(|_| digits).ok_or_else(|| self.bad(Problem::NotANumber))
    }
}

/// Reads all parameters. `known` are the keys the scheme has; one that ends in a dot stands for all that begin with it.
/// `many` are the keys that may stand more than once.
pub(super) fn parameters<'a>(
    query: Option<Piece<'a>>,
    known: &[&'static str],
    many: &[&'static str],
) -> Result<Vec<Parameter<'a>>, Bad> {
    let mut parameters: Vec<Parameter<'a>> = Vec::new();
    for pair in query.into_iter().flat_map(|query| query.split('&')) {
        let (key, raw) = pair.split_once('=').map_or((pair, None), |(key, raw)| (key, Some(raw)));
        let is_known = |name: &str| match name.ends_with('.') {
            true => key.text.len() > name.len() && key.text.starts_with(name),
            false => key.text == name,
        };
        let part = format!("parameter {}", key.text);
        if !known.iter().any(|name| is_known(name)) {
            let nearest = nearest(key.text, known.iter().copied());
            return Err(bad("parameter", key.fault(Problem::UnknownParameter { nearest })));
        }
        let Some(raw) = raw.filter(|raw| !raw.is_empty()) else {
            return Err(bad(part, pair.end().fault(Problem::NoValue)));
        };
        if !many.contains(&key.text) && parameters.iter().any(|before| before.key.text == key.text) {
            return Err(bad(part, pair.fault(Problem::Repeated)));
        }
        let value = percent::decode(raw).map_err(|fault: Fault<_>| bad(part, fault.map(Problem::Percent)))?;
        parameters.push(Parameter { key, raw, value: value.into_owned() });
    }
    Ok(parameters)
}
