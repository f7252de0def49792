//! Asking for many keys at once.

use super::Client;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::operation::Keys;
use crate::{Key, Value};

/// What came of asking for many keys.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
#[must_use = "a failure looks like a miss until `failures` is looked at"]
pub struct Many {
    /// In the place of each key its item; none is a miss, unless a failure names it.
    pub found: Vec<Option<Value>>,
    /// What could not be asked. Empty, as a rule.
    pub failures: Vec<Failed>,
}

/// Keys that could not be asked for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failed {
    /// The numbers of the keys.
    pub keys: Vec<usize>,
    /// Why, and on which server.
    pub error: Error,
}

impl Many {
    /// All items, if every key could be asked for.
    ///
    /// # Errors
    /// The first failure; what was found is dropped.
    pub fn all(self) -> Result<Vec<Option<Value>>, Error> {
        match self.failures.into_iter().next() {
            None => Ok(self.found),
            Some(failed) => Err(failed.error),
        }
    }
}

impl Client {
    /// The items of many keys: one request to each server concerned, all of them at the same time.
    ///
    /// What some servers answered is there even if others failed. Under a [`deadline`](Self::deadline) that passes,
    /// servers that have not answered fail.
    ///
    /// ```no_run
    /// # async fn example(client: &peerset_client_memcache::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use peerset_client_memcache::Key;
    ///
    /// let keys = [Key::new("user:1")?, Key::new("user:2")?];
    /// let many = client.get_many(&keys).await;
    /// for (key, item) in keys.iter().zip(&many.found) {
    ///     println!("{key}: {item:?}");
    /// }
    /// for failed in &many.failures {
    ///     eprintln!("{} keys: {}", failed.keys.len(), failed.error);
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn get_many(&self, keys: &[Key<'_>]) -> Many {
        self.many(keys, false).await
    }

    /// The items of many keys with their versions.
    pub async fn gets_many(&self, keys: &[Key<'_>]) -> Many {
        self.many(keys, true).await
    }

    async fn many(&self, keys: &[Key<'_>], cas: bool) -> Many {
        let deadline = self.deadline.map(Deadline::after);
        self.place.get_many(Keys { keys, cas, deadline }).await
    }
}
