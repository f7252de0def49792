//! Keys from a file or standard input: one a line, any number of them, in constant memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};

/// A longer line holds no key that any cache takes.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// Keys between two updates of the progress bar.
const KEYS_PER_TICK: u64 = 10_000;

/// Calls `each` with every key: the bytes of a line without its end. Empty lines are left out.
///
/// `-` is standard input. Progress is shown on stderr while that is a terminal.
pub(crate) fn for_each(path: &Path, mut each: impl FnMut(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let (input, total): (Box<dyn Read>, Option<u64>) = if path == Path::new("-") {
        (Box::new(io::stdin().lock()), None)
    } else {
        let file = File::open(path).with_context(|| format!("cannot read keys from {}", path.display()))?;
        let metadata = file.metadata()?;
        (Box::new(file), metadata.is_file().then_some(metadata.len()))
    };
    let progress = progress_bar(total);
    let mut input = BufReader::with_capacity(1 << 16, input);
    let mut line = Vec::new();
    let (mut number, mut bytes) = (0u64, 0);
    loop {
        line.clear();
        let read = input
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .with_context(|| format!("reading {}", shown(path).display()))?;
        if read == 0 {
            break;
        }
        number += 1;
        bytes += read as u64;
        if line.len() as u64 == LINE_BYTES_MAX && !line.ends_with(b"\n") {
            bail!(
                "{}, line {number}: longer than {LINE_BYTES_MAX} bytes; write one key a line",
                shown(path).display()
            );
        }
        let key = line.strip_suffix(b"\n").unwrap_or(&line);
        let key = key.strip_suffix(b"\r").unwrap_or(key);
        if !key.is_empty() {
            each(key)?;
        }
        if number % KEYS_PER_TICK == 0 {
            progress.set_position(bytes);
        }
    }
    progress.finish_and_clear();
    Ok(())
}

fn shown(path: &Path) -> PathBuf {
    if path == Path::new("-") { "standard input".into() } else { path.into() }
}

fn progress_bar(total: Option<u64>) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match total {
        Some(total) => (ProgressBar::new(total), "{bar:40} {bytes} of {total_bytes}, {eta} left"),
        None => (ProgressBar::new_spinner(), "{spinner} {bytes} read, {bytes_per_sec}"),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
