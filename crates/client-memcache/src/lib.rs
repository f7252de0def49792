//! A memcached client: few pipelined connections shared by all callers, sharded over a watched set.

mod builder;
mod client;
pub mod config;
mod counters;
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
pub use operation::{CountOptions, DeleteOptions, Deleted, GetOptions, Mode, SetOptions, Stored};
pub use peerset_proto_memcache::request::KeyError;
pub use value::{Cas, Ttl, Value, Win};
