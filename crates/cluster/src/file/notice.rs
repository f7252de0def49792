//! The operating system's notices about a set of directory entries.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

/// Notices changes of the entries of a trail. Without the operating system's help, say because its watches are used
/// up, it notices nothing, and the caller's polling is all there is.
pub(super) struct Notices {
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    shared: Arc<Shared>,
}

/// What the notifier's thread sees.
#[derive(Default)]
struct Shared {
    changed: Notify,
    trail: Mutex<Trail>,
}

#[derive(Default)]
struct Trail {
    entries: BTreeSet<PathBuf>,
    folders: BTreeSet<PathBuf>,
    /// A watched folder itself was moved or deleted: its watch is worth nothing, though the path may be back.
    uprooted: bool,
}

impl Notices {
    pub(super) fn new() -> Self {
        let shared = Arc::new(Shared::default());
        let heard = shared.clone();
        let watcher = notify::recommended_watcher(move |event| heard.hear(event));
        if let Err(error) = &watcher {
            tracing::warn!(%error, "the system gives no notice of changed files; looking at them from time to time");
        }
        Notices { watcher: watcher.ok(), watched: BTreeSet::new(), shared }
    }

    /// Notices nothing, by choice.
    pub(super) fn none() -> Self {
        Notices { watcher: None, watched: BTreeSet::new(), shared: Arc::default() }
    }

    /// Watches for changes of exactly these entries. True if it had to begin a watch, so that something may have
    /// happened in that folder before.
    pub(super) fn aim(&mut self, entries: BTreeSet<PathBuf>) -> bool {
        let folders: BTreeSet<PathBuf> =
            entries.iter().filter_map(|entry| entry.parent()).map(Path::to_owned).collect();
        let uprooted = {
            let mut trail = self.shared.trail.lock().unwrap_or_else(PoisonError::into_inner);
            trail.entries = entries;
            trail.folders.clone_from(&folders);
            std::mem::take(&mut trail.uprooted)
        };
        if uprooted {
            self.forget_all();
        }
        let Some(watcher) = &mut self.watcher else { return false };
        for folder in self.watched.difference(&folders) {
            let _ = watcher.unwatch(folder); // it may have gone together with its folder
        }
        self.watched.retain(|folder| folders.contains(folder));
        let mut begun = false;
        for folder in folders {
            if self.watched.contains(&folder) {
                continue;
            }
            match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => begun |= self.watched.insert(folder),
                // Gone again, or no watches left: the next look tries anew.
                Err(error) => {
                    tracing::debug!(folder = %folder.display(), %error, "the folder cannot be watched");
                }
            }
        }
        begun
    }

    /// Begins all watches anew at the next [`aim`](Self::aim), in case one died unnoticed.
    pub(super) fn forget_all(&mut self) {
        if let Some(watcher) = &mut self.watcher {
            for folder in std::mem::take(&mut self.watched) {
                let _ = watcher.unwatch(&folder);
            }
        }
    }

    /// Waits for a change since the last wait.
    ///
    /// # Cancel safety
    /// A change that is not returned is returned by the next call.
    pub(super) async fn changed(&self) {
        self.shared.changed.notified().await;
    }
}

impl Shared {
    /// Runs on the notifier's thread.
    fn hear(&self, event: notify::Result<Event>) {
        let mut trail = self.trail.lock().unwrap_or_else(PoisonError::into_inner);
        let relevant = match &event {
            Ok(event) => trail.concerns(event),
            Err(error) => {
                tracing::debug!(%error, "a notice of a changed file was lost");
                true
            }
        };
        if relevant {
            self.changed.notify_one();
        }
    }
}

impl Trail {
    fn concerns(&mut self, event: &Event) -> bool {
        match event.kind {
            // Our own reading opens the file: to heed that would be to read for ever.
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => {}
            EventKind::Access(_) => return false,
            _ => {}
        }
        let uprooted = event.paths.iter().any(|path| self.folders.contains(path));
        self.uprooted |= uprooted;
        uprooted || event.need_rescan() || event.paths.iter().any(|path| self.entries.contains(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, DataChange, Flag, ModifyKind, RemoveKind, RenameMode};

    #[test]
    fn only_the_trail_concerns_us_and_not_our_own_reading() {
        fn check(kind: EventKind, path: &str, concerns: bool, uprooted: bool) {
            let mut trail = Trail {
                entries: ["/a/pool".into(), "/a/..data".into()].into(),
                folders: ["/a".into()].into(),
                uprooted: false,
            };
            let event = Event::new(kind).add_path(path.into());
            assert_eq!((trail.concerns(&event), trail.uprooted), (concerns, uprooted), "{event:?}");
        }
        let (opened, written) = (AccessKind::Open(AccessMode::Any), AccessKind::Close(AccessMode::Write));
        check(EventKind::Access(opened), "/a/pool", false, false);
        check(EventKind::Access(AccessKind::Close(AccessMode::Read)), "/a/pool", false, false);
        check(EventKind::Access(opened), "/a", false, false);
        check(EventKind::Access(written), "/a/pool", true, false);
        check(EventKind::Modify(ModifyKind::Data(DataChange::Any)), "/a/pool", true, false);
        check(EventKind::Modify(ModifyKind::Name(RenameMode::To)), "/a/..data", true, false);
        check(EventKind::Create(CreateKind::File), "/a/other", false, false);
        check(EventKind::Remove(RemoveKind::Folder), "/a", true, true);
        let overflow = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert!(Trail::default().concerns(&overflow), "something was missed");
    }
}
