//! The two things a backend can do: tell who is there, and put somebody there.

use std::fmt;
use std::pin::Pin;

use crate::{Member, Membership, RegisterError, SourceName, Watch};

/// A boxed future, so that traits with async methods can be used as `dyn`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A source of members.
///
/// A driver is a handle whose task holds a [`Publisher`](crate::Publisher); the handle keeps a [`Watch`] to clone from.
/// Dropping the last handle closes the source as [`close`](Self::close) does. Every implementation runs the
/// [contract test-suite](crate::contract). Memberships count as handles, watches do not: see [`Watch::keeping`].
///
/// Usable as `dyn Discover`: a process chooses its sources by URL, at run time.
pub trait Discover: fmt::Debug + Send + Sync {
    /// What the source calls itself in logs: its URL, without secrets.
    fn source(&self) -> SourceName;

    /// A new view of the set. It yields its first snapshot at once, and costs nothing to open or drop.
    fn watch(&self) -> Watch;

    /// Closes the source: every watch delivers its newest snapshot and ends; resources are freed in the background.
    /// Closing twice does nothing. A watch opened afterwards yields the last snapshot and ends.
    fn close(&self);
}

/// A backend in which this process can appear as a member.
///
/// The one method returns a boxed future instead of being an `async fn`, which would not be usable as `dyn Register`;
/// it is called a few times in the life of a process, so the box costs nothing that matters. All that is common to
/// registration is in [`Membership`], a plain struct: a driver only carries out the wishes of its other half,
/// [`Intent`](crate::Intent).
pub trait Register: fmt::Debug + Send + Sync {
    /// Prepares a membership, not yet registered, for `member`. Its id stays through any number of
    /// [`register`](Membership::register) and [`deregister`](Membership::deregister) cycles.
    ///
    /// # Errors
    /// The member breaks a limit, its id is held by another membership of this backend, or the backend is closed.
    /// Nothing was sent to the backend. The id is free again as soon as that membership is dropped.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    fn create_membership(&self, member: Member) -> BoxFuture<'_, Result<Membership, RegisterError>>;
}
