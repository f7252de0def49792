//! `peerset watch`: who is there, one line a change.

mod line;

use std::io::Write;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use peerset_cluster::{Closed, DiscoveryUrl, Snapshot, Watch};
use tokio::time::sleep;

use crate::answer;
use crate::daemon::{self, Stop};
use crate::output::{Format, reader_gone, to_stdout};
use crate::source::{self, Look, Source};

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
        let answer = answer::first(&source, &mut watch, *limit).await?;
        return print(line(&answer, *format)).await;
    }
    let mut shown = first_line(&source, &mut watch).await;
    let mut last = None;
    while let Ok(snapshot) = shown {
        let line = line(&snapshot, *format);
        // What changed may be nothing that a line shows.
        if last.as_ref() != Some(&line) {
            print(line.clone()).await?;
            last = Some(line);
        }
        shown = watch.changed().await;
    }
    Ok(())
}

/// The first answer, or that there is none if it takes a while: a set that is there at once is no change from pending.
async fn first_line(source: &Source, watch: &mut Watch) -> Result<Snapshot, Closed> {
    tokio::select! {
        biased;
        answer = watch.answer() => answer,
        () = sleep(answer::SILENCE) => {
            answer::note_waiting(source);
            watch.changed().await
        }
    }
}

fn line(snapshot: &Snapshot, format: Format) -> String {
    match format {
        Format::Text => line::text(snapshot),
        Format::Json => line::json(snapshot, tokio::time::Instant::now().into(), SystemTime::now()),
    }
}

/// Prints a line and hands it on. Off the thread that keeps the session, which a reader that takes nothing must not hold up.
async fn print(line: String) -> anyhow::Result<()> {
    let printed = tokio::task::spawn_blocking(move || to_stdout(|out| Ok(writeln!(out, "{line}")?)));
    printed.await.context("the line could not be printed")?
}
