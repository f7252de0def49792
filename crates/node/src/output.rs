//! Results on standard output, as text or as JSON.

use std::io::{self, BufWriter, StdoutLock, Write};

use clap::ValueEnum;
use peerset_cluster::State;

/// How results are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Lines for people and for cut, sort and awk
    #[default]
    Text,
    /// JSON
    Json,
}

/// Runs `write` on standard output. A reader that closes it, as `head` does, is no failure.
pub(crate) fn to_stdout(
    write: impl FnOnce(&mut BufWriter<StdoutLock<'static>>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    match write(&mut out).and_then(|()| Ok(out.flush()?)) {
        Err(error) if is_closed(&error) => Ok(()),
        other => other,
    }
}

fn is_closed(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// A key as JSON text: bytes that are not UTF-8 are shown as U+FFFD.
pub(crate) fn lossy(key: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(key)
}

/// The state of a set in a word.
pub(crate) fn state(state: State) -> &'static str {
    match state {
        State::Pending => "pending",
        State::Ready => "ready",
        State::Absent => "absent",
        State::Stale { .. } => "stale",
    }
}
