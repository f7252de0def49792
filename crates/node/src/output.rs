//! Results on standard output, as text or as JSON.

use std::io::{self, BufWriter, StdoutLock, Write};
use std::os::fd::AsFd;

use clap::ValueEnum;
use peerset_cluster::State;
use serde::Deserialize;
use tokio::io::Interest;
use tokio::net::unix::pipe;

/// How results are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
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

/// Returns when nobody reads standard output any more; never where that cannot be known, as of a file.
pub(crate) async fn reader_gone() {
    // Nothing is written here, so that it does not matter that standard output may block.
    let watched = io::stdout().as_fd().try_clone_to_owned();
    match watched.and_then(|stdout| pipe::Sender::from_file_unchecked(stdout.into())) {
        Ok(stdout) => drop(stdout.ready(Interest::ERROR).await),
        Err(_) => std::future::pending().await,
    }
}
