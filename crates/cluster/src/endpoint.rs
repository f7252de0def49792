//! Where something listens: a host and a port, or a Unix socket.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU16;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

pub(crate) mod parse;
#[cfg(test)]
mod tests;

pub use parse::{EndpointError, EndpointProblem};

/// Where a member listens: `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`.
///
/// `unix:` always begins a path: a host that is called so is written `unix.:PORT`.
///
/// An address as it was written, not as it resolves: nothing here asks DNS. Two endpoints are equal if they are written
/// alike, letter case of host names included, because placements hash these very bytes and clients in other languages
/// hash them as given. Only IPv6 addresses are brought to their canonical form (RFC 5952).
///
/// - **Shape**: a host that is a valid name or address, a port from 1 to 65535; or a socket path of 1 to 107 bytes.
/// - **Order**: IPv4 by number, IPv6 by number, names by bytes, then Unix sockets; ports by number within a host.
/// - **Cost**: a clone copies at most a reference-counted pointer.
/// - **Round trip**: parsing what [`Display`](fmt::Display) shows gives an equal endpoint.
///
/// ```
/// use peerset_cluster::{Endpoint, Host};
///
/// let endpoint: Endpoint = "[0:0::1]:11211".parse()?;
/// assert_eq!(endpoint.to_string(), "[::1]:11211");
/// assert_eq!(endpoint.port(), Some(11211));
/// assert!(matches!(endpoint.host(), Some(Host::V6(_))));
/// assert!("cache1".parse::<Endpoint>().unwrap_err().to_string().contains("there is no port"));
/// # Ok::<(), peerset_cluster::EndpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// A TCP listener.
    Tcp {
        /// A name or an address.
        host: Host,
        /// Never 0, which means "any" to a listener and nothing to a caller.
        port: NonZeroU16,
    },
    /// A Unix stream socket.
    Unix(SocketPath),
}

/// The host part of an [`Endpoint`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// An IPv4 address, always in four decimal parts.
    V4(Ipv4Addr),
    /// An IPv6 address without a zone.
    V6(Ipv6Addr),
    /// A host name, still to be resolved.
    Name(HostName),
}

/// A host name: 1 to 253 bytes of ASCII letters, digits, `-`, `_` in labels separated by single dots; a final dot
/// (an absolute name) is kept. Internationalised names are written in their ASCII form (`xn--…`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(Arc<str>);

/// The path of a Unix socket: 1 to 107 bytes of UTF-8 without control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketPath(Arc<str>);

impl Endpoint {
    /// A TCP endpoint from parts that come apart, as in serverset JSON; an IPv6 `host` may stand without brackets.
    ///
    /// # Errors
    /// What is wrong with the host or the port; positions count from the start of `host`.
    pub fn tcp(host: &str, port: u16) -> Result<Self, EndpointError> {
        parse::from_parts(host, port)
    }

    /// A Unix socket.
    ///
    /// # Errors
    /// The path is empty, longer than 107 bytes, or holds a control character.
    pub fn unix(path: &str) -> Result<Self, EndpointError> {
        parse::unix_path(path)
    }

    /// The host, unless this is a Unix socket.
    pub fn host(&self) -> Option<&Host> {
        match self {
            Endpoint::Tcp { host, .. } => Some(host),
            Endpoint::Unix(_) => None,
        }
    }

    /// The port, unless this is a Unix socket.
    pub fn port(&self) -> Option<u16> {
        match self {
            Endpoint::Tcp { port, .. } => Some(port.get()),
            Endpoint::Unix(_) => None,
        }
    }

    /// The socket address, if the host is an address and needs no resolving.
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        match self {
            Endpoint::Tcp { host: Host::V4(ip), port } => Some(SocketAddr::new(IpAddr::V4(*ip), port.get())),
            Endpoint::Tcp { host: Host::V6(ip), port } => Some(SocketAddr::new(IpAddr::V6(*ip), port.get())),
            _ => None,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Tcp { host: Host::V6(ip), port } => write!(f, "[{ip}]:{port}"),
            Endpoint::Tcp { host, port } => write!(f, "{host}:{port}"),
            Endpoint::Unix(path) => write!(f, "unix:{path}"),
        }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        parse::from_text(text)
    }
}

impl TryFrom<SocketAddr> for Endpoint {
    type Error = EndpointError;

    /// Fails on port 0 and on an IPv6 zone, which means nothing on another machine.
    fn try_from(addr: SocketAddr) -> Result<Self, EndpointError> {
        match addr {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => {
                Self::tcp(&format!("{}%{}", v6.ip(), v6.scope_id()), v6.port())
            }
            _ => Self::tcp(&addr.ip().to_string(), addr.port()),
        }
    }
}

impl fmt::Display for Host {
    /// An IPv6 address stands here without brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::V4(ip) => ip.fmt(f),
            Host::V6(ip) => ip.fmt(f),
            Host::Name(name) => name.fmt(f),
        }
    }
}

impl HostName {
    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl SocketPath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path as the file system wants it.
    pub fn as_path(&self) -> &Path {
        Path::new(&*self.0)
    }
}

impl fmt::Display for SocketPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
