//! What is logged while a test runs.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Level;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

/// Hears all that is logged on this thread until it is dropped, so that a test has its runtime on one thread.
#[derive(Debug)]
pub struct Log {
    text: Text,
    _guard: DefaultGuard,
}

impl Log {
    /// Begins to listen, to this level and whatever is more severe.
    pub fn listen(most: Level) -> Log {
        let text = Text::default();
        let subscriber =
            tracing_subscriber::fmt().with_max_level(most).with_ansi(false).with_writer(text.clone());
        Log { text, _guard: subscriber.set_default() }
    }

    /// What was logged until now, as `peerset` writes it on stderr.
    pub fn lines(&self) -> Vec<String> {
        let text = self.text.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
    }

    /// How often they have the words.
    pub fn count(&self, words: &str) -> usize {
        self.lines().iter().map(|line| line.matches(words).count()).sum()
    }
}

#[derive(Debug, Default, Clone)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl io::Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Text {
    type Writer = Text;

    fn make_writer(&self) -> Text {
        self.clone()
    }
}
