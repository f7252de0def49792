//! How a client treats its servers.

use std::time::Duration;

use peerset_proto_memcache::{KEY_BYTES_MAX, Limits};

use crate::handshake::Auth;
use crate::health::HealthConfig;
#[cfg(feature = "tls")]
use crate::tls::TlsConfig;

/// Settings of one server, as a rule the same for all servers of a pool.
///
/// Checked once, by whoever builds a client ([`check`](Self::check)).
///
/// ```
/// use std::time::Duration;
/// use peerset_client_memcache::ServerConfig;
///
/// let mut config = ServerConfig::default();
/// config.request_timeout = Duration::from_millis(250);
/// config.prefix = b"app:".to_vec();
/// config.check()?;
/// # Ok::<(), peerset_client_memcache::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The most connections to a server, shared by all callers; 1 to 64. All small requests take the first, since
    /// the more of them go together, the less each costs. Long values and reads of many keys take the least busy one, so
    /// that small requests need not wait behind them and the server can use several threads: memcached has four unless told
    /// otherwise, and serves a connection with one of them. Each is made when all before it are in use.
    pub connections: usize,
    /// From looking up the name to the answered handshake. A server that does not answer costs this once, then it is known.
    /// Of a name's several addresses each gets a share, and those that failed are tried last.
    pub connect_timeout: Duration,
    /// How long a server may be silent while it owes a reply: counted from the handing over of the request, and anew with
    /// all that comes from the server or that it takes after having been full. When it passes, the connection is given up
    /// with all that was in flight and the server ejected, so choose what no healthy server needs. A caller's own deadline
    /// may be shorter and has no such consequence.
    pub request_timeout: Duration,
    /// Requests waiting for a reply on one connection, or for the connection itself; what goes over is refused with
    /// [`Error::Overloaded`](crate::Error::Overloaded).
    pub queue_requests_max: usize,
    /// Bytes of requests waiting to be written to one connection. At least one request always fits.
    pub queue_bytes_max: usize,
    /// What is refused in replies, and the longest value a caller may store or read: a longer one is skipped, and who asked
    /// for it gets [`Error::ItemTooLong`](crate::Error::ItemTooLong). memcached's own limit for values is a megabyte unless
    /// started with `-I`.
    pub limits: Limits,
    /// When a server is ejected, and how long it stays away.
    pub health: HealthConfig,
    /// What servers started with `-Y` want to be told first.
    pub auth: Option<Auth>,
    /// Which commands are used.
    pub commands: Commands,
    /// Put before every key, and counted among its 250 bytes. Printable and without spaces. Owners are chosen by the
    /// key without it.
    pub prefix: Vec<u8>,
    /// Talk TLS.
    #[cfg(feature = "tls")]
    pub tls: Option<TlsConfig>,
}

impl Default for ServerConfig {
    /// Up to four connections, 500 ms to connect and for a request, 16384 requests of together 64 MiB.
    fn default() -> Self {
        ServerConfig {
            connections: 4,
            connect_timeout: Duration::from_millis(500),
            request_timeout: Duration::from_millis(500),
            queue_requests_max: 16 * 1024,
            queue_bytes_max: 64 * 1024 * 1024,
            limits: Limits::default(),
            health: HealthConfig::default(),
            auth: None,
            commands: Commands::default(),
            prefix: Vec::new(),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

/// Which commands are sent to a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Commands {
    /// Meta commands where the server's version knows them ([`Dialect`](crate::handshake::Dialect)).
    #[default]
    Probed,
    /// Classic ones, whatever the server's version: for what stands between and passes on only these.
    Classic,
}

/// A setting that makes no sense. Nothing was started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A number or time out of its range.
    #[error("{setting} has to be {wanted}")]
    Range {
        /// The field.
        setting: &'static str,
        /// What it may be.
        wanted: &'static str,
    },
    /// The prefix is no beginning of a key.
    #[error("the key prefix may have at most 249 bytes, without spaces and control characters")]
    Prefix,
}

impl ServerConfig {
    /// Whether every setting makes sense.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self) -> Result<(), ConfigError> {
        let range = |fine: bool, setting, wanted| match fine {
            true => Ok(()),
            false => Err(ConfigError::Range { setting, wanted }),
        };
        let HealthConfig { eject_after, retry_min, retry_max } = self.health;
        range((1..=64).contains(&self.connections), "connections", "1 to 64")?;
        range(!self.connect_timeout.is_zero(), "connect_timeout", "more than nothing")?;
        range(!self.request_timeout.is_zero(), "request_timeout", "more than nothing")?;
        range((1..=1 << 24).contains(&self.queue_requests_max), "queue_requests_max", "1 to 16777216")?;
        range(self.queue_bytes_max > 0, "queue_bytes_max", "at least 1")?;
        range(eject_after > 0, "eject_after", "at least 1")?;
        range(!retry_min.is_zero(), "retry_min", "more than nothing")?;
        range(retry_max >= retry_min, "retry_max", "no shorter than retry_min")?;
        let plain = self.prefix.iter().all(|&byte| byte > b' ' && byte != 0x7f);
        match plain && self.prefix.len() < KEY_BYTES_MAX {
            true => Ok(()),
            false => Err(ConfigError::Prefix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senseless_settings_are_named() {
        fn check(change: impl FnOnce(&mut ServerConfig), words: &str) {
            let mut config = ServerConfig::default();
            config.check().unwrap();
            change(&mut config);
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        check(|config| config.connections = 0, "connections has to be 1 to 64");
        check(|config| config.connect_timeout = Duration::ZERO, "connect_timeout");
        check(|config| config.request_timeout = Duration::ZERO, "request_timeout");
        check(|config| config.queue_requests_max = 0, "queue_requests_max");
        check(|config| config.queue_bytes_max = 0, "queue_bytes_max");
        check(|config| config.health.eject_after = 0, "eject_after");
        check(|config| config.health.retry_min = Duration::ZERO, "retry_min");
        check(|config| config.health.retry_max = Duration::ZERO, "retry_max");
        check(|config| config.prefix = b"two words".to_vec(), "key prefix");
        check(|config| config.prefix = vec![b'p'; 250], "key prefix");
    }
}
