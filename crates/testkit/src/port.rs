//! Ports that stay a test's own while nobody listens on them.

use std::net::{SocketAddr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixListener};

/// A TCP port of 127.0.0.1 that no other test takes, also while the server on it is down.
///
/// A port that the system picks comes from the range it picks outgoing connections' ports from, too: a server that is
/// killed may find its port taken when it comes back, and a client that tries to reach it meanwhile can even be
/// connected to itself. These are below that range, and claimed by a name that the kernel frees with the process.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _claim: UnixListener,
}

/// Below 32768, where Linux's usual range of outgoing ports begins.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

impl Port {
    /// Claims a port on which nobody listens.
    ///
    /// # Panics
    /// When all twelve thousand are in use.
    #[track_caller]
    pub fn claim() -> Port {
        // From a random place on, so that tests started together do not try the same ones.
        let start = fastrand::u16(..COUNT);
        let mut candidates = (0..COUNT).map(|step| FIRST + (start + step) % COUNT);
        candidates.find_map(Port::try_claim).unwrap_or_else(|| panic!("no port is free from {FIRST} on"))
    }

    fn try_claim(number: u16) -> Option<Port> {
        let name = UnixAddr::from_abstract_name(format!("peerset-testkit-port-{number}")).ok()?;
        let claim = UnixListener::bind_addr(&name).ok()?;
        // Somebody who knows nothing of the claims may listen there.
        TcpListener::bind(("127.0.0.1", number)).ok()?;
        Some(Port { number, _claim: claim })
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// The port on 127.0.0.1.
    pub fn addr(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.number))
    }
}

#[test]
fn claimed_until_dropped() {
    let port = Port::claim();
    assert!(Port::try_claim(port.number).is_none());
    let number = port.number;
    drop(port);
    assert!(Port::try_claim(number).is_some());
}

#[test]
fn what_somebody_listens_on_is_not_claimed() {
    let port = Port::claim();
    let listener = TcpListener::bind(port.addr()).unwrap();
    let number = port.number;
    drop(port);
    assert!(Port::try_claim(number).is_none());
    drop(listener);
}
