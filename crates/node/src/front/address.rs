//! Where to listen, and how a listener is opened.

use std::fmt;
use std::fs;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use mio::net::{TcpListener, UnixListener};
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, TcpKeepalive, Type};

/// Connections the kernel holds for a listener until they are accepted.
const BACKLOG: i32 = 4096;

/// How long a connection is silent before the kernel asks whether the peer is still there.
const KEEPALIVE: Duration = Duration::from_secs(120);

/// An address to listen on: `HOST:PORT` or `unix:PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListenAddress {
    /// TCP; port 0 lets the system choose.
    Tcp(SocketAddr),
    /// A unix socket at this path.
    Unix(PathBuf),
}

/// An address that cannot be listened on, as text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AddressError {
    /// Not of the form.
    #[error(
        "`{0}` is not an address to listen on: write HOST:PORT (such as 127.0.0.1:11211 or [::1]:11211) or unix:PATH"
    )]
    Form(String),
    /// The host name has no address.
    #[error("`{0}`: the host has no address: {1}")]
    Resolve(String, io::Error),
}

impl FromStr for ListenAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(path) = text.strip_prefix("unix:") {
            if path.is_empty() {
                return Err(AddressError::Form(text.into()));
            }
            return Ok(ListenAddress::Unix(path.into()));
        }
        if let Ok(address) = text.parse() {
            return Ok(ListenAddress::Tcp(address));
        }
        match text.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && !host.contains(':') && port.parse::<u16>().is_ok() => {
                let mut addresses =
                    text.to_socket_addrs().map_err(|error| AddressError::Resolve(text.into(), error))?;
                addresses.next().map(ListenAddress::Tcp).ok_or_else(|| AddressError::Form(text.into()))
            }
            _ => Err(AddressError::Form(text.into())),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenAddress::Tcp(address) => address.fmt(f),
            ListenAddress::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A listener that holds its address. A unix socket's file is removed when it is dropped.
#[derive(Debug)]
pub(crate) enum BoundListener {
    /// On TCP.
    Tcp(TcpListener),
    /// On a unix socket.
    Unix(UnixListener, PathBuf),
}

/// An address that could not be opened, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BindError {
    /// Somebody listens there.
    #[error(
        "{0} is in use: another process listens there. Stop it (`ss -ltnp` names it) or choose another address with --listen"
    )]
    InUse(ListenAddress),
    /// A low port or a protected folder.
    #[error("{0}: no permission to listen there. {hint}; choose another with --listen", hint = permission_hint(.0))]
    Permission(ListenAddress),
    /// An address of another machine.
    #[error("{0} is no address of this machine (`ip address` lists them); choose one, or 0.0.0.0 for all")]
    NotHere(ListenAddress),
    /// The folder of a socket is missing.
    #[error("{0}: there is no such folder; make it, or choose another path")]
    NoFolder(ListenAddress),
    /// The path holds something that is not a socket.
    #[error("{0} exists and is not a socket; it was left alone. Choose another path")]
    NotASocket(ListenAddress),
    /// Anything else the system says.
    #[error("cannot listen on {0}")]
    System(ListenAddress, #[source] io::Error),
}

fn permission_hint(address: &ListenAddress) -> &'static str {
    match address {
        ListenAddress::Tcp(_) => "Ports below 1024 need privileges",
        ListenAddress::Unix(_) => "The folder belongs to somebody else",
    }
}

impl BoundListener {
    /// Opens the listener.
    pub(crate) fn bind(address: &ListenAddress) -> Result<BoundListener, BindError> {
        let explain = |error: io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => BindError::InUse(address.clone()),
            io::ErrorKind::PermissionDenied => BindError::Permission(address.clone()),
            io::ErrorKind::AddrNotAvailable => BindError::NotHere(address.clone()),
            io::ErrorKind::NotFound => BindError::NoFolder(address.clone()),
            _ => BindError::System(address.clone(), error),
        };
        match address {
            ListenAddress::Tcp(socket_address) => {
                Ok(BoundListener::Tcp(TcpListener::from_std(listen_tcp(*socket_address).map_err(explain)?)))
            }
            ListenAddress::Unix(path) => {
                remove_stale_socket(address, path)?;
                let socket =
                    listen(Domain::UNIX, None, &SockAddr::unix(path).map_err(explain)?).map_err(explain)?;
                Ok(BoundListener::Unix(UnixListener::from_std(socket.into()), path.clone()))
            }
        }
    }

    /// The address in fact bound, with the port that the system chose.
    pub(crate) fn address(&self) -> io::Result<ListenAddress> {
        match self {
            BoundListener::Tcp(listener) => listener.local_addr().map(ListenAddress::Tcp),
            BoundListener::Unix(_, path) => Ok(ListenAddress::Unix(path.clone())),
        }
    }
}

impl Drop for BoundListener {
    fn drop(&mut self) {
        if let BoundListener::Unix(_, path) = self
            && let Err(error) = fs::remove_file(&*path)
        {
            tracing::debug!(%error, path = %path.display(), "the socket file was not removed");
        }
    }
}

/// A TCP listener, not blocking, that a restarted process can open again at once.
pub(crate) fn listen_tcp(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    listen(Domain::for_address(address), Some(Protocol::TCP), &address.into()).map(Into::into)
}

/// Has the kernel ask now and then whether the peer of a silent connection is still there.
pub(crate) fn keep_alive(socket: &impl AsFd) -> io::Result<()> {
    SockRef::from(socket).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))
}

fn listen(domain: Domain, protocol: Option<Protocol>, address: &SockAddr) -> io::Result<Socket> {
    let socket = Socket::new(domain, Type::STREAM, protocol)?;
    if protocol.is_some() {
        socket.set_reuse_address(true)?;
        // Accepted connections inherit it: without, a peer whose host is gone would hold its place for ever.
        keep_alive(&socket)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

/// A process that was killed leaves its socket file behind: one that nobody answers on is removed, any other is not.
fn remove_stale_socket(address: &ListenAddress, path: &Path) -> Result<(), BindError> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    if !metadata.file_type().is_socket() {
        return Err(BindError::NotASocket(address.clone()));
    }
    // Only a refusal says that nobody is there: a socket of another kind, or of somebody else, fails differently.
    match std::os::unix::net::UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
        _ => return Err(BindError::InUse(address.clone())),
    }
    fs::remove_file(path).map_err(|error| BindError::System(address.clone(), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(
            text.parse::<ListenAddress>().ok().map(|address| address.to_string()).as_deref(),
            expected
        );
    }

    #[test]
    fn addresses_parse_or_say_why() {
        check("127.0.0.1:11211", Some("127.0.0.1:11211"));
        check("[::1]:0", Some("[::1]:0"));
        check("unix:/run/p.sock", Some("unix:/run/p.sock"));
        check("localhost", None);
        check(":11211", None);
        check("::1:11211x", None);
        check("127.0.0.1:70000", None);
        check("unix:", None);
        check("", None);
    }

    #[test]
    fn a_port_in_use_is_named() {
        let first = BoundListener::bind(&"127.0.0.1:0".parse().unwrap()).unwrap();
        let error = BoundListener::bind(&first.address().unwrap()).unwrap_err();
        assert!(matches!(error, BindError::InUse(_)), "{error}");
    }

    #[test]
    fn a_stale_socket_is_replaced_and_a_file_is_not() {
        let folder = std::env::temp_dir().join(format!("peerset-address-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("s");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let address = ListenAddress::Unix(path.clone());

        let bound = BoundListener::bind(&address).unwrap();
        assert!(matches!(BoundListener::bind(&address), Err(BindError::InUse(_))));
        drop(bound);
        assert!(!path.exists());

        let datagram = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
        assert!(matches!(BoundListener::bind(&address), Err(BindError::InUse(_))));
        assert!(path.exists());
        drop(datagram);
        fs::remove_file(&path).unwrap();

        fs::write(&path, "a file").unwrap();
        assert!(matches!(BoundListener::bind(&address), Err(BindError::NotASocket(_))));
        fs::remove_dir_all(folder).unwrap();
    }
}
