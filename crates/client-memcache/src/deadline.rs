//! How long a caller waits.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::Error;

/// The end of one operation, whatever steps it takes: set once, so that a second step has only what the first has left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    /// None if it is further away than the clock goes.
    at: Option<Instant>,
    limit: Duration,
}

impl Deadline {
    /// So long from now.
    pub(crate) fn after(limit: Duration) -> Deadline {
        Deadline { at: Instant::now().checked_add(limit), limit }
    }

    /// Does something until then.
    ///
    /// # Errors
    /// What it fails with, or that the time is up.
    ///
    /// # Cancel safety
    /// That of `operation`, which is dropped when the time is up.
    pub(crate) async fn bound<T>(
        self,
        operation: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        match self.at {
            None => operation.await,
            Some(at) => {
                let limit = self.limit;
                tokio::time::timeout_at(at, operation).await.unwrap_or(Err(Error::Deadline { limit }))
            }
        }
    }
}
