//! A memcached client: few pipelined connections shared by all callers, sharded over a watched set.

pub mod config;
pub mod handshake;
pub mod health;
#[cfg(feature = "tls")]
pub mod tls;

pub use config::{ConfigError, ServerConfig};
