//! Making a script that differs shorter, so that a person can see why.

use std::time::{Duration, Instant};

use super::replay::Replay;
use super::{Mismatch, Script};

/// Longer than most need, shorter than a test's patience.
const TIME_MAX: Duration = Duration::from_secs(60);

/// A server that says nothing is believed sooner than in the first run.
const PATIENCE: Duration = Duration::from_secs(2);

/// Runs of one script, one of which must have an outcome that no tick explains.
const RUNS_MAX: usize = 16;

/// Removes batches, then commands, for as long as what is left still differs. None if it does so no more, or only when a
/// clock ticks.
///
/// - **Cost**: a run for each removal tried, O(n log n) of them for n commands when few matter.
/// - Greedy: the result is short, not the shortest.
pub(crate) fn shrink(script: &Script, found: &Mismatch, replay: &mut Replay) -> Option<Box<Mismatch>> {
    let patience = std::mem::replace(&mut replay.patience, PATIENCE);
    let deadline = Instant::now() + TIME_MAX;
    let mut runs = 0;
    let mut shortest = script.clone();
    shortest.batches.truncate(found.before.len() + 1);
    let mut differs = |candidate: &Script| {
        // What differs only because a clock ticked is nothing, and what it was kept for would be missed at the end.
        let mut outcomes = (0..RUNS_MAX).map_while(|_| {
            runs += 1;
            (Instant::now() < deadline).then(|| replay.run(candidate))
        });
        let told = outcomes.find_map(|outcome| match outcome {
            Ok(()) => Some(false),
            Err(mismatch) => (mismatch.ticks == 0).then_some(true),
        });
        told.unwrap_or(false)
    };
    remove_chunks(&mut shortest, &mut differs, |s| s.batches.len(), |s, range| drop(s.batches.drain(range)));
    for at in (0..shortest.batches.len()).rev() {
        remove_chunks(
            &mut shortest,
            &mut differs,
            |s| s.batches[at].commands.len(),
            |s, range| drop(s.batches[at].commands.drain(range)),
        );
    }
    shortest.batches.retain(|batch| !batch.commands.is_empty());
    replay.patience = patience;
    // What a tick made differ on the way is caught by a last run without one.
    let last = (0..RUNS_MAX).map_while(|_| replay.run(&shortest).err()).find(|mismatch| mismatch.ticks == 0);
    let size = |script: &Script| script.batches.iter().map(|batch| batch.commands.len()).sum::<usize>();
    last.map(|mismatch| {
        let shrunk =
            format!("shortened from {} to {} commands in {runs} runs", size(script), size(&shortest));
        Box::new(Mismatch { shrunk, ..*mismatch })
    })
}

/// Tries to do without ever smaller chunks, the last one first: what matters for a difference is mostly near it.
fn remove_chunks(
    script: &mut Script,
    differs: &mut impl FnMut(&Script) -> bool,
    len: impl Fn(&Script) -> usize,
    remove: impl Fn(&mut Script, std::ops::Range<usize>),
) {
    let mut chunk = len(script).div_ceil(2).max(1);
    loop {
        let mut end = len(script);
        while end > 0 {
            let start = end.saturating_sub(chunk);
            let mut candidate = script.clone();
            remove(&mut candidate, start..end);
            if differs(&candidate) {
                *script = candidate;
            }
            end = start;
        }
        if chunk == 1 {
            return;
        }
        chunk = chunk.div_ceil(2);
    }
}

#[test]
fn only_what_matters_is_left() {
    use super::{Batch, Command};
    let commands = (0..40_u8).map(|n| Command::default().bytes(vec![n])).collect();
    let mut script =
        Script { seed: 0, keys: Vec::new(), keys_base64: Vec::new(), batches: vec![Batch { commands }] };
    let bytes = |s: &Script| {
        let mut out = Vec::new();
        s.batches[0].commands.iter().for_each(|command| command.render(&Default::default(), &mut out));
        out
    };
    let mut differs = |s: &Script| [3, 17, 39].iter().all(|n| bytes(s).contains(n));
    remove_chunks(
        &mut script,
        &mut differs,
        |s| s.batches[0].commands.len(),
        |s, r| drop(s.batches[0].commands.drain(r)),
    );
    assert_eq!(bytes(&script), [3, 17, 39]);
}
