//! What is asked of a server about a key: one file for each family of operations.

use std::time::Duration;

use peerset_route as route;

use crate::Key;
use crate::error::Error;
use crate::lane::{Answer, Request};
use crate::server::Server;

mod count;
mod delete;
mod get;
mod many;
mod store;
mod touch;
mod whole;

pub(crate) use count::Count;
pub use count::CountOptions;
pub(crate) use delete::Delete;
pub use delete::{DeleteOptions, Deleted};
pub(crate) use get::Get;
pub use get::GetOptions;
pub(crate) use many::{Keys, Part};
pub(crate) use store::Store;
pub use store::{Mode, SetOptions, Stored};
pub(crate) use touch::Touch;
pub use whole::Flush;
pub(crate) use whole::{FlushAll, Stats, Version};

/// A request about one key, from bytes to the caller's type. All that a route needs to know is here too, so that neither
/// shards nor routes know operations, nor operations them.
pub(crate) trait Operation: Request + Copy + Send + Sync {
    /// What the caller gets.
    type Answer: Send;

    /// What it is to a route.
    fn kind(&self) -> route::Operation;

    fn key(&self) -> Key<'_>;

    /// Lets what is stored live no longer than this.
    fn shorten(&mut self, at_most: Duration);

    /// The caller's answer.
    fn decode(self, answer: Answer, server: &Server) -> Result<Self::Answer, Error>;

    /// The answer of an empty server that stores nothing.
    fn absent(self) -> Self::Answer;

    /// What an answer means to a route.
    fn said(answer: &Self::Answer) -> route::Answer;
}
