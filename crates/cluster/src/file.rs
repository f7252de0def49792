//! `file:`, a list of members in a file that is followed as it changes.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::{Discover, Limits, Member, SourceName, Watch, channel};

mod follow;
mod lines;
mod notice;
mod trail;

pub use lines::LineProblem;

/// A source that reads a file and follows it.
///
/// One item a line, `HOST:PORT[@WEIGHT][=NAME]` as in a `static:` list; empty lines do not count, and a `#` at the start
/// of a line or after white space begins a comment.
///
/// ```text
/// # the pool of the shop
/// 10.0.0.1:11211
/// 10.0.0.2:11211@2=big   # twice the memory
/// unix:/run/memcached.sock
/// ```
///
/// | the file | the set |
/// |---|---|
/// | can be read | ready, with the members of all good lines |
/// | has a bad line | ready without that line, which is in [`problems`](Self::problems) and in the log |
/// | does not exist, nor perhaps its folder | absent, once it stayed away for [`FileConfig::gone_after`] |
/// | becomes empty | ready and empty, once it stayed empty for as long |
/// | cannot be read: permission, I/O error, a folder, too large | stale with the last good set; pending if there was none |
///
/// Deletion is the file's own word that there is no such set, so the last good one is not kept; to empty a pool on
/// purpose and keep it known, leave a comment in the file. The wait before a file counts as gone or emptied spans the
/// moments in which editors have moved the old file away or truncated it. Write changes to another file and rename it
/// into place, and no reader ever sees a half.
///
/// **Followed** are renames into place, rewrites in place, deletion and creation, folders that appear later, and
/// symbolic links anywhere on the path, such as the `..data` of a Kubernetes ConfigMap: by the operating system's
/// notices, and by a look every [`FileConfig::poll`] for file systems that give none.
///
/// - **Revision**: counts the readings, from 1.
/// - **Cost**: one task, and the notifier's thread; each reading is done on a blocking thread and bounded by
///   [`FileConfig::file_bytes_max`].
/// - Clones are handles to the same source; it is closed with the last one.
#[derive(Clone)]
pub struct FileSource {
    path: Arc<Path>,
    view: Watch,
    problems: watch::Receiver<Arc<[LineProblem]>>,
    task: Arc<Task>,
}

/// How a [`FileSource`] follows its file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileConfig {
    /// How long the file must be quiet before it is read, so that a file being written is read when it is whole. A
    /// file that is never quiet is read after ten times this.
    pub settle: Duration,
    /// How long the file must be missing, or without a single byte, before that is believed. Longer than `settle`.
    pub gone_after: Duration,
    /// How often to look without having been told: the bound on the delay where the file system gives no notice.
    pub poll: Duration,
    /// Whether to ask the operating system for notices. Without them there is no thread, and the poll is all there is:
    /// for a network file system that gives none anyway.
    pub notices: bool,
    /// A larger file is not read at all, and the set goes stale. A line of a usual member takes 20 to 40 bytes.
    pub file_bytes_max: u64,
    /// Bounds of the set; lines beyond [`Limits::members_max`] are problems.
    pub limits: Limits,
}

impl Default for FileConfig {
    fn default() -> Self {
        FileConfig {
            settle: Duration::from_millis(50),
            gone_after: Duration::from_secs(1),
            poll: Duration::from_secs(5),
            notices: true,
            file_bytes_max: 1 << 20,
            limits: Limits::default(),
        }
    }
}

/// Why a file is not followed. That it cannot be read is no error: it may be later.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// There is no path, or no working directory to which it is relative.
    #[error("{path:?} cannot be made an absolute path")]
    Path {
        /// The path as given.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        error: io::Error,
    },
    /// A file is followed in the background, by a runtime whose time driver is enabled.
    #[error("a file must be opened inside a tokio runtime")]
    NoRuntime,
}

/// Ends the following when the last handle is gone.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl FileSource {
    /// Begins to follow the file with default settings. The set is pending until the first reading.
    ///
    /// # Errors
    /// The path is empty, or there is no tokio runtime.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        Self::with_config(path, FileConfig::default())
    }

    /// Begins to follow the file.
    ///
    /// # Errors
    /// The path is empty, or there is no tokio runtime.
    pub fn with_config(path: impl AsRef<Path>, config: FileConfig) -> Result<Self, FileError> {
        let given = path.as_ref();
        // Once, at the start: a later change of the working directory must not mean another file.
        let path: Arc<Path> = std::path::absolute(given)
            .map_err(|error| FileError::Path { path: given.to_owned(), error })?
            .into();
        let runtime = Handle::try_current().map_err(|_| FileError::NoRuntime)?;
        let (publisher, view) =
            channel(SourceName::new(&format!("file:{}", given.display())), config.limits.clone());
        let (reports, problems) = watch::channel(Arc::default());
        let follower = follow::Follower::new(path.clone(), config, publisher, reports);
        let task = runtime.spawn(follower.run());
        Ok(FileSource { path, view, problems, task: Arc::new(Task(task.abort_handle())) })
    }

    /// The members of a file with these bytes, and its bad lines: what following it would show, for who looks once.
    /// `path` is how problems call the file.
    pub fn parse(path: &Path, bytes: &[u8], limits: &Limits) -> (Vec<Member>, Vec<LineProblem>) {
        let reading = lines::read(&path.into(), bytes, limits.members_max);
        (reading.members, reading.problems)
    }

    /// The file, as an absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bad lines of the newest reading, in order, at most 100 of them.
    pub fn problems(&self) -> Arc<[LineProblem]> {
        self.problems.borrow().clone()
    }
}

impl Discover for FileSource {
    fn source(&self) -> SourceName {
        self.view.borrow().source().clone()
    }

    fn watch(&self) -> Watch {
        self.view.clone()
    }

    fn close(&self) {
        self.task.0.abort();
    }
}

impl fmt::Debug for FileSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSource").field("path", &self.path).field("newest", &self.view.borrow()).finish()
    }
}
