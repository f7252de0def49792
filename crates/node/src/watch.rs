//! `peerset watch`: who is there, one line a change.

mod line;

use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use peerset_cluster::{Closed, DiscoveryUrl, Snapshot, Watch};
use tokio::time::sleep;

use crate::answer;
use crate::daemon::{self, Stop};
use crate::output::{Format, reader_gone, to_stdout};
use crate::source::{self, Look};

/// What to watch, and how to show it.
#[derive(Debug)]
pub(crate) struct WatchSettings {
    pub(crate) url: DiscoveryUrl,
    pub(crate) format: Format,
    /// Ends with the first answer.
    pub(crate) once: bool,
    /// How long that may take; none is for ever.
    pub(crate) limit: Option<Duration>,
    pub(crate) look: Look,
}

/// Runs until the reader, the source or a signal ends it.
pub(crate) fn run(settings: &WatchSettings) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let mut stop = Stop::listen()?;
        let result = tokio::select! {
            result = watch(settings) => result,
            () = stop.signalled() => Ok(()),
            () = reader_gone() => Ok(()),
        };
        daemon::settle().await;
        result
    });
    // Does not wait for a line that nobody reads.
    runtime.shutdown_background();
    result
}

async fn watch(settings: &WatchSettings) -> anyhow::Result<()> {
    let WatchSettings { url, format, once, limit, look } = settings;
    let source = source::open(url, look)?;
    let mut watch = source.watch();
    if *once {
        let answer = answer::first(&mut watch, url, look, *limit).await?;
        return print(answer, *format).await;
    }
    let mut shown = first_line(&mut watch, url).await;
    while let Ok(snapshot) = shown {
        print(snapshot, *format).await?;
        shown = watch.changed().await;
    }
    Ok(())
}

/// The first answer, or that there is none if it takes a while: a set that is there at once is no change from pending.
async fn first_line(watch: &mut Watch, url: &DiscoveryUrl) -> Result<Snapshot, Closed> {
    tokio::select! {
        biased;
        answer = watch.answer() => answer,
        () = sleep(answer::SILENCE) => {
            answer::note_waiting(url);
            watch.changed().await
        }
    }
}

/// Prints a line and hands it on. Off the thread that keeps the session, which a reader that takes nothing must not hold up.
async fn print(snapshot: Snapshot, format: Format) -> anyhow::Result<()> {
    let line = match format {
        Format::Text => line::text(&snapshot),
        Format::Json => line::json(&snapshot, tokio::time::Instant::now().into()),
    };
    let printed = tokio::task::spawn_blocking(move || to_stdout(|out| Ok(writeln!(out, "{line}")?)));
    printed.await.context("the line could not be printed")?
}
