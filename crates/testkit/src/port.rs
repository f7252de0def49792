//! Ports that stay a test's own while nobody listens on them.

use std::fs;
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

const COUNT: u16 = 12_000;

/// Where Linux's usual range of outgoing ports begins.
const FIRST_OUTGOING: u16 = 32_768;

/// Below are those of well-known servers.
const FIRST_MIN: u16 = 2_000;

impl Port {
    /// Claims a port on which nobody listens.
    ///
    /// # Panics
    /// When all twelve thousand are in use.
    #[track_caller]
    pub fn claim() -> Port {
        let end = end(first_outgoing());
        let first = end - COUNT;
        // From a random place on, so that tests started together do not try the same ones.
        let start = fastrand::u16(..COUNT);
        let mut candidates = (0..COUNT).map(|step| first + (start + step) % COUNT);
        candidates
            .find_map(Port::try_claim)
            .unwrap_or_else(|| panic!("no port from {first} to {end} is free"))
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

/// Where the range begins from which the system picks ports; the usual one if it does not tell.
fn first_outgoing() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    range.split_ascii_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(FIRST_OUTGOING)
}

/// The end of our ports. A system that takes nearly all for outgoing connections leaves no room below them.
fn end(first_outgoing: u16) -> u16 {
    if first_outgoing < FIRST_MIN + COUNT { FIRST_OUTGOING } else { first_outgoing.min(FIRST_OUTGOING) }
}

#[test]
fn ports_are_below_those_of_outgoing_connections() {
    for (first_outgoing, expected) in [(32_768, 32_768), (49_152, 32_768), (15_000, 15_000), (1_024, 32_768)]
    {
        assert_eq!(end(first_outgoing), expected);
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
