//! The task that follows one file: when to look, and what to believe.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::FileConfig;
use super::lines::{LineProblem, Reading, read};
use super::notice::Notices;
use super::trail::trail;
use crate::{Publisher, Revision, State};

pub(super) struct Follower {
    path: Arc<Path>,
    config: FileConfig,
    publisher: Publisher,
    problems: watch::Sender<Arc<[LineProblem]>>,
    revision: u64,
    /// Since when the file is missing or without a byte, while that is not yet believed.
    doubtful_since: Option<Instant>,
    /// The last trouble that was logged: a file that stays unreadable is not worth a line at every look.
    trouble: Option<String>,
}

/// What a look at the file found.
enum Look {
    Missing,
    /// Not a single byte, as after a truncation; a file with a comment is not blank.
    Blank,
    Bytes(Vec<u8>),
    Unreadable(io::Error),
}

impl From<io::Result<Vec<u8>>> for Look {
    fn from(read: io::Result<Vec<u8>>) -> Self {
        match read {
            Ok(bytes) if bytes.is_empty() => Look::Blank,
            Ok(bytes) => Look::Bytes(bytes),
            // A file where a folder should be is as good as no folder.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Look::Missing
            }
            Err(error) => Look::Unreadable(error),
        }
    }
}

impl Follower {
    pub(super) fn new(
        path: Arc<Path>,
        config: FileConfig,
        publisher: Publisher,
        problems: watch::Sender<Arc<[LineProblem]>>,
    ) -> Self {
        Follower { path, config, publisher, problems, revision: 0, doubtful_since: None, trouble: None }
    }

    /// Looks, and looks again after every notice and every poll interval, until it is dropped.
    pub(super) async fn run(mut self) {
        let mut notices = if self.config.notices { Notices::new() } else { Notices::none() };
        loop {
            let (path, bytes_max) = (self.path.clone(), self.config.file_bytes_max);
            // All that touches the file system is on a blocking thread: a network file system may take its time.
            let looked = tokio::task::spawn_blocking(move || {
                // Aimed first, so that a change after the look makes a notice.
                aim(&mut notices, &path);
                (read_file(&path, bytes_max), notices)
            });
            let Ok((read, back)) = looked.await else { return }; // the runtime is shutting down
            notices = back;
            self.heed(Look::from(read));
            self.wait(&mut notices).await;
        }
    }

    /// Returns when it is time to look again.
    async fn wait(&self, notices: &mut Notices) {
        let now = Instant::now();
        let poll = now + self.config.poll;
        let doubt = self.doubtful_since.map(|since| since + self.config.gone_after);
        if timeout_at(doubt.map_or(poll, |doubt| doubt.min(poll)), notices.changed()).await.is_ok() {
            self.settle(notices).await;
        } else if Instant::now() >= poll {
            // Nothing for that long may also mean that a watch has died with its folder.
            notices.forget_all();
        }
    }

    /// Waits until nothing happens for a while, but not for ever.
    async fn settle(&self, notices: &Notices) {
        let latest = Instant::now() + self.config.settle * 10;
        loop {
            let quiet = Instant::now() + self.config.settle;
            if timeout_at(quiet.min(latest), notices.changed()).await.is_err() {
                return;
            }
        }
    }

    fn heed(&mut self, look: Look) {
        match look {
            Look::Bytes(bytes) => {
                self.doubtful_since = None;
                let reading = read(&self.path, &bytes, self.config.limits.members_max);
                self.publish(reading);
            }
            Look::Unreadable(error) => {
                self.doubtful_since = None;
                let trouble = error.to_string();
                if self.trouble.as_ref() != Some(&trouble) {
                    let stays = match self.publisher.snapshot().state() {
                        State::Pending => "there is no set yet",
                        _ => "keeping the last set",
                    };
                    tracing::warn!(path = %self.path.display(), %error, "the member file cannot be read; {stays}");
                    self.trouble = Some(trouble);
                }
                self.publisher.lost();
            }
            Look::Missing if self.believe() => {
                self.trouble = None;
                self.report(Vec::new());
                self.revision += 1;
                if self.publisher.absent(Revision(self.revision)).changed {
                    tracing::warn!(path = %self.path.display(), "the member file does not exist");
                }
            }
            Look::Blank if self.believe() => self.publish(Reading::default()),
            Look::Missing | Look::Blank => {}
        }
    }

    /// Whether the file has been missing or blank for long enough. At the start there is no set to protect.
    fn believe(&mut self) -> bool {
        let now = Instant::now();
        let since = *self.doubtful_since.get_or_insert(now);
        let believed = self.publisher.snapshot().is_empty() || now >= since + self.config.gone_after;
        if believed {
            self.doubtful_since = None;
        }
        believed
    }

    fn publish(&mut self, reading: Reading) {
        self.trouble = None;
        self.report(reading.problems);
        self.revision += 1;
        self.publisher.publish(reading.members, Revision(self.revision));
    }

    /// Logs problems that were not there at the last reading, and keeps all.
    fn report(&self, problems: Vec<LineProblem>) {
        for problem in problems.iter().filter(|problem| !self.problems.borrow().contains(problem)) {
            tracing::warn!(path = %problem.path.display(), line = problem.line, column = problem.column,
                problem = %problem.problem, "a bad line is left out");
        }
        self.problems.send_if_modified(|kept| {
            let changed = **kept != *problems;
            *kept = problems.into();
            changed
        });
    }
}

/// Watches what the path leads over now; again if a watch was begun, since the way may have changed before. Blocks.
fn aim(notices: &mut Notices, path: &Path) {
    for _ in 0..8 {
        if !notices.aim(trail(path)) {
            return;
        }
    }
}

/// Reads the whole file, or says that it is too large. Blocks.
fn read_file(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        // Opening a pipe would wait for somebody to write to it.
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut bytes = Vec::new();
    // By what is read and not by what the metadata say: files in /proc say 0, and a file may grow meanwhile.
    File::open(path)?.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("the file is over {bytes_max} bytes"),
        ));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SourceName, channel};
    use std::time::Duration;

    fn text(lines: &str) -> Look {
        Look::Bytes(lines.into())
    }

    fn denied() -> Look {
        Look::Unreadable(io::ErrorKind::PermissionDenied.into())
    }

    /// Each look comes so many milliseconds after the one before; states and ids are those after it.
    #[tokio::test(start_paused = true)]
    async fn what_is_believed_when() {
        async fn check(steps: Vec<(u64, Look, &str)>) {
            let config = FileConfig::default();
            assert_eq!(config.gone_after, Duration::from_millis(1000));
            let (publisher, watch) = channel(SourceName::new("file"), config.limits.clone());
            let path: Arc<Path> = Path::new("pool").into();
            let mut follower = Follower::new(path, config, publisher, watch::channel(Arc::default()).0);
            for (at, (after, look, expected)) in steps.into_iter().enumerate() {
                tokio::time::advance(Duration::from_millis(after)).await;
                follower.heed(look);
                let snapshot = watch.borrow();
                let ids: Vec<_> = snapshot.members().iter().map(|member| member.id.as_str()).collect();
                assert_eq!(
                    format!("{} {}", snapshot.state(), ids.join(" ")).trim_end(),
                    expected,
                    "step {at}"
                );
            }
        }
        use Look::{Blank, Missing};
        check(vec![(0, Missing, "absent"), (0, text("a:1"), "ready a:1")]).await;
        check(vec![(0, Blank, "ready"), (0, Missing, "absent"), (0, Blank, "ready")]).await;
        check(vec![(0, denied(), "pending"), (0, text("a:1"), "ready a:1"), (0, denied(), "stale a:1")])
            .await;
        // An editor's gap, then a true deletion.
        check(vec![
            (0, text("a:1"), "ready a:1"),
            (0, Missing, "ready a:1"),
            (999, Missing, "ready a:1"),
            (0, text("b:1"), "ready b:1"),
            (0, Missing, "ready b:1"),
            (999, Missing, "ready b:1"),
            (1, Missing, "absent"),
        ])
        .await;
        // Truncated and written again; then truncated for good. Only comments are not blank.
        check(vec![
            (0, text("a:1"), "ready a:1"),
            (0, Blank, "ready a:1"),
            (500, Missing, "ready a:1"),
            (0, text("a:1\nb:1"), "ready a:1 b:1"),
            (0, text("# nobody"), "ready"),
            (0, text("a:1"), "ready a:1"),
            (0, Blank, "ready a:1"),
            (1000, Blank, "ready"),
        ])
        .await;
        // Unreadable in between begins the wait anew, and what is stale goes like what is ready.
        check(vec![
            (0, text("a:1"), "ready a:1"),
            (0, Missing, "ready a:1"),
            (900, denied(), "stale a:1"),
            (900, Missing, "stale a:1"),
            (1000, Missing, "absent"),
        ])
        .await;
    }
}
