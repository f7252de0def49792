//! The client: one type whatever is behind it.

use std::sync::Arc;
use std::time::Duration;

use crate::place::Place;

mod many;
mod operations;
mod servers;

pub use many::{Failed, Many};
pub use servers::ServerView;

/// A handle to one server, a sharded pool of them, or several pools behind a route, with the same operations for each.
///
/// Made by [`Client::server`], [`Client::sharded`] and [`Client::routed`], within a tokio runtime whose tasks drive the
/// connections.
///
/// - **Sharing**: a clone is a handle to the same connections and costs a reference count. Share one among all tasks:
///   their requests go out together, and the more of them there are, the less each one costs.
/// - **Order**: requests of one task follow one another; those of several tasks reach a server in the order of their
///   first polls.
/// - **Cost**: a request takes the lock of its connection twice and allocates nothing but what its answer needs.
///
/// # Cancel safety
/// Any future of a client may be dropped at any time. A request that has been sent may be executed all the same; its
/// reply is swallowed, and never reaches another caller.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) place: Arc<Place>,
    pub(crate) deadline: Option<Duration>,
}

impl Client {
    pub(crate) fn of(place: Place) -> Client {
        Client { place: Arc::new(place), deadline: None }
    }

    /// A handle to the same connections whose operations each take at most `limit`, and then fail with
    /// [`Error::Deadline`](crate::Error::Deadline). Unlike [`request_timeout`](crate::ServerConfig::request_timeout) that has no consequence for
    /// anybody else.
    #[must_use]
    pub fn deadline(&self, limit: Duration) -> Client {
        Client { place: self.place.clone(), deadline: Some(limit) }
    }
}
