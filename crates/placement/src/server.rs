//! What a placement is built from: an ordered list of [`Server`]s.

use std::fmt;

/// One server, as the client that is to be matched has it in its configuration.
///
/// Spelling is part of a placement: `cache1`, `cache1.example.com` and `10.0.0.1` are three different servers to a ring
/// even where they are one machine. Bytes are taken as they stand, spaces included.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// A name given by hand: twemproxy's server name, mcrouter's tag, the URL of a groupcache peer. [`Kind`](crate::Kind)
    /// says for each placement whether it is read; where it is, it stands in for host and port.
    pub name: Option<String>,
    /// Host name or address, or the path of a unix socket, which starts with `/`.
    pub host: String,
    /// TCP port; 0 with a unix socket.
    pub port: u16,
    /// The address that `host` resolves to, which `evcache` and `spymemcached` make part of a label.
    pub ip: Option<String>,
    /// Relative to the other servers'; 1 by default. Not read by placements that know no weights.
    pub weight: f64,
    /// The shard id of a serverset, which `finagle` prefers to host and port.
    pub shard: Option<u32>,
}

impl Server {
    /// A server of weight 1 without name, address and shard.
    pub fn new(host: impl Into<String>, port: u16) -> Server {
        Server { name: None, host: host.into(), port, ip: None, weight: 1.0, shard: None }
    }

    /// The same with a name given by hand.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Server {
        Server { name: Some(name.into()), ..self }
    }

    /// The same with another weight.
    #[must_use]
    pub fn weighing(self, weight: f64) -> Server {
        Server { weight, ..self }
    }

    /// `host:port`, or the path of a unix socket alone.
    pub fn endpoint(&self) -> String {
        if self.is_unix() { self.host.clone() } else { self.host_port() }
    }

    /// The name given by hand, else the endpoint.
    pub fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.endpoint())
    }

    /// `host:port` whatever the host is.
    pub(crate) fn host_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// `host` alone on memcached's own port, else `host:port`: how libmemcached and those who follow it write a server.
    pub(crate) fn host_and_unusual_port(&self) -> String {
        if self.port == 11211 { self.host.clone() } else { self.host_port() }
    }

    pub(crate) fn is_unix(&self) -> bool {
        self.host.starts_with('/')
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.endpoint())
    }
}
