//! What a client can ask.

use peerset_proto_memcache::request::Direction;

use super::Client;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::operation::{
    Count, CountOptions, Delete, DeleteOptions, Deleted, Get, GetOptions, Mode, Operation, SetOptions, Store,
    Stored, Touch,
};
use crate::{Cas, Expiry, Key, Value};

/// Reading.
impl Client {
    /// The item of this key; none is a miss.
    ///
    /// # Errors
    /// [`Error`]; reads change nothing, so any of them may be tried again as its [`retry`](Error::retry) says. This holds
    /// for all reads.
    ///
    /// # Cancel safety
    /// Safe, as for every operation of [`Client`].
    pub async fn get(&self, key: Key<'_>) -> Result<Option<Value>, Error> {
        self.get_with(key, GetOptions::default()).await
    }

    /// The item with its version, to be changed by [`cas`](Self::cas).
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn gets(&self, key: Key<'_>) -> Result<Option<Value>, Error> {
        self.get_with(key, GetOptions { cas: true, ..GetOptions::default() }).await
    }

    /// The item, which from now on lives so long.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn gat(&self, key: Key<'_>, expiry: Expiry) -> Result<Option<Value>, Error> {
        self.get_with(key, GetOptions { expiry: Some(expiry), ..GetOptions::default() }).await
    }

    /// The item, and what the options ask for.
    ///
    /// One caller makes a value anew while all others use the old one:
    ///
    /// ```no_run
    /// # async fn example(client: &peerset_client_memcache::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// # fn render() -> Vec<u8> { Vec::new() }
    /// # use std::time::Duration;
    /// use peerset_client_memcache::{Expiry, GetOptions, Key, Win};
    ///
    /// let mut options = GetOptions::default();
    /// options.vivify = Some(Duration::from_secs(30)); // on a miss one caller wins, for at most 30 s
    /// options.recache = Some(Duration::from_secs(60)); // and again in the last minute of the value's life
    /// let key = Key::new("page:42")?;
    /// let page = client.get_with(key, options).await?;
    /// if page.is_none_or(|page| page.win == Win::Won) {
    ///     client.set(key, &render(), Expiry::After(Duration::from_secs(3600))).await?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`get`](Self::get); and [`Error::NotSupported`] if the options take meta commands and the server has none.
    pub async fn get_with(&self, key: Key<'_>, options: GetOptions) -> Result<Option<Value>, Error> {
        self.ask(Get::new(key, options)).await
    }

    /// Lets an item live so long from now on; whether there is one. Not a read: who wins a stale item is still open. Only
    /// of a [binary key](Key::binary) it is one, since classic commands do not know these.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn touch(&self, key: Key<'_>, expiry: Expiry) -> Result<bool, Error> {
        self.ask(Touch::new(key, expiry)).await
    }
}

/// Storing. All take the value by reference: it is copied into the connection's buffer.
impl Client {
    /// Stores a value.
    ///
    /// It is [`Stored::Stored`] but where nobody stores anything: the null route, and a pool whose owner of the key is
    /// down under the policy [`OwnerDown::Miss`](peerset_route::OwnerDown::Miss).
    ///
    /// # Errors
    /// [`Error`]. Look at [`Error::changed`] before trying again: after a timeout the value may be stored, or be stored
    /// yet. This holds for all writes.
    ///
    /// # Cancel safety
    /// Safe, as for every operation of [`Client`].
    pub async fn set(
        &self,
        key: Key<'_>,
        value: impl AsRef<[u8]> + Send,
        expiry: Expiry,
    ) -> Result<Stored, Error> {
        self.store(key, value.as_ref(), expiry, Mode::Set).await
    }

    /// Stores a value if there is none.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub async fn add(
        &self,
        key: Key<'_>,
        value: impl AsRef<[u8]> + Send,
        expiry: Expiry,
    ) -> Result<Stored, Error> {
        self.store(key, value.as_ref(), expiry, Mode::Add).await
    }

    /// Stores a value if there is one.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub async fn replace(
        &self,
        key: Key<'_>,
        value: impl AsRef<[u8]> + Send,
        expiry: Expiry,
    ) -> Result<Stored, Error> {
        self.store(key, value.as_ref(), expiry, Mode::Replace).await
    }

    /// Puts something behind the value there is.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub async fn append(&self, key: Key<'_>, value: impl AsRef<[u8]> + Send) -> Result<Stored, Error> {
        self.store(key, value.as_ref(), Expiry::Never, Mode::Append).await
    }

    /// Puts something before the value there is.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub async fn prepend(&self, key: Key<'_>, value: impl AsRef<[u8]> + Send) -> Result<Stored, Error> {
        self.store(key, value.as_ref(), Expiry::Never, Mode::Prepend).await
    }

    /// Stores a value if the item still has the version that [`gets`](Self::gets) told.
    ///
    /// A version is a number of the server that told it. Only the owner of the key is asked, and no stand-in of a route nor
    /// next owner, to whom the same number may be that of a newer value; while the owner is down, the answer is the policy's:
    /// [`Stored::NotFound`] by [`OwnerDown::Miss`](peerset_route::OwnerDown::Miss), else [`Error::ServerDown`].
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub async fn cas(
        &self,
        key: Key<'_>,
        value: impl AsRef<[u8]> + Send,
        expiry: Expiry,
        cas: Cas,
    ) -> Result<Stored, Error> {
        let options = SetOptions { expiry, cas: Some(cas), ..SetOptions::default() };
        self.set_with(key, value, options).await
    }

    /// Stores a value as the options say.
    ///
    /// # Errors
    /// As [`set`](Self::set); and [`Error::NotSupported`] if the options take meta commands and the server has none.
    pub async fn set_with(
        &self,
        key: Key<'_>,
        value: impl AsRef<[u8]> + Send,
        options: SetOptions,
    ) -> Result<Stored, Error> {
        self.ask(Store::new(key, value.as_ref(), options)).await
    }

    /// Deletes an item.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub async fn delete(&self, key: Key<'_>) -> Result<Deleted, Error> {
        self.delete_with(key, DeleteOptions::default()).await
    }

    /// Deletes an item as the options say, or marks it stale.
    ///
    /// # Errors
    /// As [`set`](Self::set); and [`Error::NotSupported`] if the server has no meta commands.
    pub async fn delete_with(&self, key: Key<'_>, options: DeleteOptions) -> Result<Deleted, Error> {
        self.ask(Delete::new(key, options)).await
    }

    async fn store(&self, key: Key<'_>, value: &[u8], expiry: Expiry, mode: Mode) -> Result<Stored, Error> {
        self.ask(Store::new(key, value, SetOptions { mode, expiry, ..SetOptions::default() })).await
    }
}

/// Counting.
impl Client {
    /// Counts up, wrapping at 2^64, and gives the new number; none if there is no such item.
    ///
    /// # Errors
    /// As [`set`](Self::set); [`Error::Refused`] if the value is no number.
    pub async fn incr(&self, key: Key<'_>, delta: u64) -> Result<Option<u64>, Error> {
        self.incr_with(key, delta, CountOptions::default()).await
    }

    /// Counts down, stopping at 0, and gives the new number; none if there is no such item.
    ///
    /// # Errors
    /// As [`incr`](Self::incr).
    pub async fn decr(&self, key: Key<'_>, delta: u64) -> Result<Option<u64>, Error> {
        self.decr_with(key, delta, CountOptions::default()).await
    }

    /// Counts up as the options say.
    ///
    /// # Errors
    /// As [`incr`](Self::incr); and [`Error::NotSupported`] if the server has no meta commands.
    pub async fn incr_with(
        &self,
        key: Key<'_>,
        delta: u64,
        options: CountOptions,
    ) -> Result<Option<u64>, Error> {
        self.ask(Count::new(key, Direction::Increment, delta, options)).await
    }

    /// Counts down as the options say.
    ///
    /// # Errors
    /// As [`incr_with`](Self::incr_with).
    pub async fn decr_with(
        &self,
        key: Key<'_>,
        delta: u64,
        options: CountOptions,
    ) -> Result<Option<u64>, Error> {
        self.ask(Count::new(key, Direction::Decrement, delta, options)).await
    }
}

impl Client {
    /// Asks about one key.
    async fn ask<O: Operation>(&self, operation: O) -> Result<O::Answer, Error> {
        match self.deadline {
            None => self.place.ask(operation).await,
            Some(limit) => Deadline::after(limit).bound(self.place.ask(operation)).await,
        }
    }
}
