//! Noticing that the config file is to be read again.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Interval, interval};

/// How often the config file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks at the file, and listens for SIGHUP.
pub(super) struct ConfigWatch {
    file: Option<PathBuf>,
    seen: Option<Stamp>,
    hangup: Option<Signal>,
    /// When the file is looked at. Kept, so that pools that change all the time do not put it off.
    looks: Interval,
}

/// By which a change of the file is noticed, also where it is replaced by one as long and as old.
#[derive(PartialEq, Eq, Clone, Copy)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    inode: u64,
    changed: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Option<Stamp> {
        let metadata = fs::metadata(path).ok()?;
        Some(Stamp {
            modified: metadata.modified().ok(),
            bytes: metadata.len(),
            inode: metadata.ino(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

impl ConfigWatch {
    /// Changes from now on.
    pub(super) fn new(file: Option<PathBuf>) -> ConfigWatch {
        ConfigWatch {
            seen: file.as_deref().and_then(Stamp::of),
            file,
            hangup: signal(SignalKind::hangup()).ok(),
            looks: interval(LOOK_EVERY),
        }
    }

    /// Returns when the file is to be read again: it changed, or somebody sent SIGHUP.
    ///
    /// # Cancel safety
    /// Safe: what comes meanwhile is noticed the next time.
    pub(super) async fn changed(&mut self) {
        loop {
            let hangup = async {
                match &mut self.hangup {
                    Some(signal) => signal.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = hangup => {
                    if let Some(file) = &self.file {
                        self.seen = Stamp::of(file);
                        return;
                    }
                    tracing::info!("SIGHUP: there is no config file to read again, as none was given by --config");
                }
                _ = self.looks.tick() => {
                    let now = self.file.as_deref().and_then(Stamp::of);
                    // A file that is away for a moment is being replaced.
                    if now.is_some() && now != self.seen {
                        self.seen = now;
                        return;
                    }
                }
            }
        }
    }
}
