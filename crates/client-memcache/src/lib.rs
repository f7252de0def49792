//! A memcached client: few pipelined connections shared by all callers, over one server, a sharded pool, or a route.
//!
//! ```text
//!  Client ──► one server ─────────────────────────────┐
//!         ──► shards: Watch ─► Fleet ─► owner(key) ───┼──► Server ──► lane ═► outbox ─► one write ─► memcached
//!         ──► routes: Table ─► pool, then another ────┘    health     slots ◄═ driver ◄─ one read ◄─
//! ```
//!
//! - **Speed**: requests of many tasks go out in one write and their replies come back in one read, so that the more
//!   callers there are, the less each costs: with 128 tasks about 1 µs of CPU and 0.1 system calls a request, a tenth of
//!   what a pool of connections takes (`cargo xtask bench client`). A lone caller writes itself, and is as fast as
//!   on a connection of its own.
//! - **Commands**: meta where the server knows them (probed by `version`), which memcached 1.6.18 answers in batches;
//!   classic otherwise and for many keys at once.
//! - **Cancelling** is safe at every await: a request that was sent keeps its place, and its reply is swallowed.
//! - **A hung server** costs one timeout, not one a request: all that waits for it fails together, it is ejected, and
//!   requests fail at once until a probe is answered. What is answered meanwhile is a policy.
//! - **Members** come and go as their source says: new servers are connected to before they take traffic, requests in
//!   flight finish where they began, and losing the source loses nobody.
//! - **Logs**: all that is said of a server is said in its span `memcached`, whose field `server` names it: `server is down`
//!   (a warning), `server is back`, and each connection at the level debug. Requests are counted ([`Counters`]), not logged:
//!   a future runs in its caller's task, and so in the caller's own span.
//! - **Limits** on everything that waits, and errors that say whose fault it is, whether anything may have changed, and
//!   where asking again makes sense.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use peerset_client_memcache::{Client, Expiry, Key};
//! use peerset_cluster::{Discover, FileSource};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let source = FileSource::open("/etc/peerset/servers")?;
//! let client = Client::sharded(source.watch().keeping(source)).placement("ketama".parse()?).build()?;
//!
//! let key = Key::new("user:42")?;
//! client.set(key, "Ada", Expiry::After(Duration::from_secs(60))).await?;
//! match client.get(key).await? {
//!     Some(item) => println!("{:?} from {:?}", item.data, client.locate(key)),
//!     None => println!("evicted, expired, or its server is down"),
//! }
//! # Ok(()) }
//! ```
//!
//! # For other drivers
//! [`health`], [`handshake`], [`config`] and [`tls`] do no I/O: a program that polls sockets itself uses them as this
//! client does.
//!
//! # What it does not do
//! It never tries a request again by itself: only the caller knows whether doing something twice is harmless. It does not
//! compress, serialise or split values. The binary protocol, which memcached has deprecated, is not spoken, nor is UDP.

mod builder;
mod client;
pub mod config;
mod counters;
mod deadline;
mod error;
mod expiry;
pub mod handshake;
pub mod health;
mod key;
mod lane;
mod operation;
mod place;
mod routes;
mod server;
mod shards;
#[cfg(feature = "tls")]
pub mod tls;
mod value;

pub use builder::{BuildError, ShardedBuilder};
pub use client::{Client, Failed, Many, ServerView};
pub use config::{Commands, ConfigError, ServerConfig};
pub use counters::Counters;
pub use error::{Changed, Down, Error, Misbehaviour, Retry};
pub use expiry::Expiry;
pub use key::Key;
pub use operation::{CountOptions, DeleteOptions, Deleted, Flush, GetOptions, Mode, SetOptions, Stored};
pub use peerset_proto_memcache::request::KeyError;
pub use value::{Cas, Ttl, Value, Win};
