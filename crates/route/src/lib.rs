//! Who is asked, and who next.
//!
//! ```text
//!  Snapshot + Spec ──► Fleet ──► owner(key)                 one pool: which server has this key
//!  Route ──► Table ──► first(operation, key) ──► Step       all pools: which pool is asked,
//!                      next(step, …, Outcome) ──► Step …    and which one then
//! ```
//!
//! - A [`Fleet`] is the servers of one pool at one moment, with a placement over them. When the members change, build
//!   another and swap it in.
//! - A [`Route`] says in words which pools serve which keys: shard, failover, by prefix, null, error, nested at will. A
//!   [`Table`] is a route compiled: whoever carries requests asks it for the first [`Step`], takes it, and tells what
//!   came of it to get the next one. Nothing is allocated, and nothing is remembered between steps but a number.
//! - An [`Outcome`] is what an answer means to routes, defined once for each [`Operation`]; an [`Absent`] is what is
//!   answered when nobody is asked. A new route needs no more than these.
//! - [`OwnerDown`] is what a client hears of a pool whose owner of the key is down; [`shorten`] is the expiry of what
//!   lands on a stand-in.
//!
//! No runtime, no I/O, no clock: a proxy that polls sockets and a client of futures step through the same tables.
//!
//! ```
//! use std::time::Duration;
//! use peerset_route::{Operation, Outcome, Route, Table};
//!
//! let route = Route::prefix(
//!     [("session:", Route::failover([Route::shard("east"), Route::shard("west")]))],
//!     Route::shard("west"),
//! );
//! let table = Table::compile(&route, &["east", "west"])?;
//!
//! let first = table.first(Operation::Store, b"session:42");
//! assert_eq!(table.pool_of(first), Some("east"));
//! let stand_in = table.next(first.at, Operation::Store, b"session:42", Outcome::Failed).expect("there is a second");
//! assert_eq!(table.pool_of(stand_in), Some("west"));
//! assert_eq!(stand_in.expiry, Some(Duration::from_secs(10))); // what lands there is to be gone soon
//! assert!(table.next(stand_in.at, Operation::Store, b"session:42", Outcome::Failed).is_none());
//! # Ok::<(), peerset_route::RouteError>(())
//! ```

mod expiry;
mod fleet;
mod operation;
mod outcome;
mod owner_down;
mod route;
mod table;

pub use expiry::shorten;
pub use fleet::{Fleet, FleetError, FleetServer, server_of};
pub use operation::{Absent, Operation};
pub use outcome::{Answer, Outcome};
pub use owner_down::{OwnerDown, OwnerDownError};
pub use route::{EXPIRY_DEFAULT, Failover, On, Prefixes, Route};
pub use table::{Ask, NodeId, PoolId, RouteError, Step, Table};
