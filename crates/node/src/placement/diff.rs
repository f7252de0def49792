//! `peerset placement diff`.

use std::io::Write;
use std::path::PathBuf;

use peerset_placement::{Diff, DiffError, Moves, Placement, Spec, Step};
use serde_json::json;

use crate::keys;
use crate::output::{Format, lossy, to_stdout};
use crate::pool::{self, Pool};

/// Keys that stand for all where there is no file of them and the placement is no ring.
const SAMPLE: u32 = 100_000;

/// What changes, and which keys to look at.
#[derive(Debug)]
pub(crate) struct DiffSettings {
    pub(crate) from: Pool,
    pub(crate) to: Pool,
    pub(crate) from_placement: Spec,
    pub(crate) to_placement: Spec,
    /// None for the whole key space.
    pub(crate) keys: Option<PathBuf>,
    /// Whether to name those that move.
    pub(crate) list: bool,
    pub(crate) format: Format,
}

/// What the amounts of a result are of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Basis {
    Keys,
    KeySpace,
    Sample,
}

/// Runs the command.
pub(crate) fn run(settings: &DiffSettings) -> anyhow::Result<()> {
    let before = Placement::build(&settings.from_placement, &pool::servers(&settings.from)?)?;
    let after = Placement::build(&settings.to_placement, &pool::servers(&settings.to)?)?;
    let diff = Diff::new(&before, &after);
    let result = Result { before: &before, after: &after };
    to_stdout(|out| {
        let (moves, basis) = match &settings.keys {
            Some(path) => {
                let mut moves = Moves::default();
                keys::for_each(path, |key| {
                    let step = diff.key(key);
                    moves.add(step);
                    if settings.list && step.moved() {
                        result.write_key(out, settings.format, key, step)?;
                    }
                    Ok(())
                })?;
                (moves, Basis::Keys)
            }
            None => match diff.exact() {
                Ok(moves) => (moves, Basis::KeySpace),
                Err(DiffError::NotRings | DiffError::Hashes) => {
                    (diff.sample((0..SAMPLE).map(|number| format!("key:{number}"))), Basis::Sample)
                }
                Err(error) => return Err(error.into()),
            },
        };
        match settings.format {
            Format::Text => result.write_text(out, &moves, basis),
            Format::Json => result.write_json(out, &moves, basis),
        }
    })
}

struct Result<'p> {
    before: &'p Placement,
    after: &'p Placement,
}

impl Result<'_> {
    fn ends(&self, step: Step) -> [Option<String>; 2] {
        let name = |placement: &Placement, at: Option<usize>| at.map(|at| placement.servers()[at].endpoint());
        [name(self.before, step.from), name(self.after, step.to)]
    }

    fn write_key(&self, out: &mut impl Write, format: Format, key: &[u8], step: Step) -> anyhow::Result<()> {
        let [from, to] = self.ends(step);
        match format {
            Format::Text => {
                out.write_all(key)?;
                writeln!(out, "\t{}\t{}", from.as_deref().unwrap_or("-"), to.as_deref().unwrap_or("-"))?;
            }
            Format::Json => writeln!(out, "{}", json!({ "key": lossy(key), "from": from, "to": to }))?,
        }
        Ok(())
    }

    fn write_text(&self, out: &mut impl Write, moves: &Moves, basis: Basis) -> anyhow::Result<()> {
        let percent = moves.moved_share() * 100.0;
        match basis {
            Basis::Keys => {
                writeln!(out, "{} of {} keys move ({percent:.2} %)", moves.moved(), moves.total())?;
            }
            Basis::KeySpace => writeln!(out, "{percent:.2} % of all keys move (exact, from the points)")?,
            Basis::Sample => writeln!(out, "{percent:.2} % of {} made-up keys move", moves.total())?,
        }
        for step in moves.iter().filter(Step::moved) {
            let [from, to] = self.ends(step).map(|end| end.unwrap_or_else(|| "-".into()));
            let share = moves.share(step.amount) * 100.0;
            match basis {
                Basis::KeySpace => writeln!(out, "{from}\t{to}\t{share:.2} %")?,
                _ => writeln!(out, "{from}\t{to}\t{}\t{share:.2} %", step.amount)?,
            }
        }
        Ok(())
    }

    fn write_json(&self, out: &mut impl Write, moves: &Moves, basis: Basis) -> anyhow::Result<()> {
        let count =
            |amount: u128| (basis != Basis::KeySpace).then(|| u64::try_from(amount).unwrap_or(u64::MAX));
        let all: Vec<_> = moves
            .iter()
            .filter(Step::moved)
            .map(|step| {
                let [from, to] = self.ends(step);
                json!({ "from": from, "to": to, "keys": count(step.amount), "share": moves.share(step.amount) })
            })
            .collect();
        let result = json!({
            "basis": match basis {
                Basis::Keys => "keys",
                Basis::KeySpace => "key space",
                Basis::Sample => "made-up keys",
            },
            "keys": count(moves.total()),
            "moved": count(moves.moved()),
            "moved_share": moves.moved_share(),
            "moves": all,
        });
        writeln!(out, "{result}")?;
        Ok(())
    }
}
