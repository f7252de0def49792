//! Feeding a body, and catching what it says.

use crate::corpus::Seed;
use crate::mutate::Mutator;
use crate::targets::Target;
use std::any::Any;
use std::panic;
use std::time::{Duration, Instant};

/// How long to go on after the corpus itself.
#[derive(Clone, Copy, Debug)]
pub enum Budget {
    /// This many mutated inputs: the same run every time.
    Inputs(u64),
    /// As many as fit.
    Time(Duration),
}

/// A run that found nothing.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// How many inputs were tried, the corpus included.
    pub inputs: u64,
}

/// An input on which a body panicked.
#[derive(Debug, thiserror::Error)]
#[error("{target} panicked: {message}\n  on {:?}", input.escape_ascii().to_string())]
pub struct Crash {
    /// The name of the target.
    pub target: &'static str,
    /// The input, as found.
    pub input: Vec<u8>,
    /// What the panic said.
    pub message: String,
}

/// Runs a target over its corpus as it is, then over mutations of it, until the budget is spent or an input fails.
///
/// `watch` sees each input before the body does, for a watchdog.
///
/// # Errors
/// The first crash.
pub fn run(
    target: &Target,
    corpus: &[Seed],
    seed: u64,
    budget: Budget,
    mut watch: impl FnMut(&[u8]),
) -> Result<Report, Crash> {
    let start = Instant::now();
    let mut inputs = 0;
    for seed in corpus {
        watch(&seed.bytes);
        check(target, &seed.bytes)?;
        inputs += 1;
    }
    let bytes: Vec<Vec<u8>> = corpus.iter().map(|seed| seed.bytes.clone()).collect();
    let mut mutator = Mutator::new(seed, &bytes, target.tokens, target.bytes_max);
    let mut mutated = 0;
    while match budget {
        Budget::Inputs(count) => mutated < count,
        Budget::Time(time) => start.elapsed() < time,
    } {
        let input = mutator.next_input();
        watch(&input);
        check(target, &input)?;
        mutated += 1;
    }
    Ok(Report { inputs: inputs + mutated })
}

/// Runs a body once.
///
/// # Errors
/// It panicked.
pub fn check(target: &Target, input: &[u8]) -> Result<(), Crash> {
    let body = target.body;
    panic::catch_unwind(|| body(input)).map_err(|panic| Crash {
        target: target.name,
        input: input.to_vec(),
        message: message(&*panic),
    })
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("(no message)").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails on an input that holds `x` twice, which no seed below does.
    const FRAGILE: Target = Target {
        name: "fragile",
        what: "",
        body: |input| assert!(input.iter().filter(|&&byte| byte == b'x').count() < 2, "two of them"),
        tokens: &[b"x"],
        bytes_max: 100,
    };

    #[test]
    fn finds_what_mutation_can_reach() {
        let corpus = [Seed { name: "one".to_owned(), bytes: b"a x b\n".to_vec() }];
        let crash = run(&FRAGILE, &corpus, 1, Budget::Inputs(10_000), |_| {}).unwrap_err();
        assert_eq!(crash.message, "two of them");
        assert!(check(&FRAGILE, &crash.input).is_err(), "the input alone fails too");
    }

    #[test]
    fn the_budget_is_kept_and_the_corpus_tried_as_it_is() {
        let corpus = [Seed { name: "none".to_owned(), bytes: Vec::new() }];
        let sound = Target { body: |_| {}, ..FRAGILE };
        let mut seen = Vec::new();
        let report = run(&sound, &corpus, 1, Budget::Inputs(50), |input| seen.push(input.to_vec())).unwrap();
        assert_eq!((report.inputs, seen.len()), (51, 51));
        assert_eq!(seen[0], b"");
    }
}
