//! A network that fails on demand.

mod faults;
mod link;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use faults::{Faults, Manner};
use link::Link;

use crate::Port;

/// A TCP proxy in front of any address that delays, swallows, cuts and garbles as the test says, while it runs.
///
/// - **Scope**: a fault set here holds for connections that are open and for those to come, until it is set otherwise
///   or [healed](FaultProxy::heal); [`close`](FaultProxy::close), [`half_close`](FaultProxy::half_close) and
///   [`inject`](FaultProxy::inject) happen once, to the connections that are open.
/// - **Cost**: five threads a connection, so dozens of connections and not thousands; 20 µs a direction without faults.
///
/// ```no_run
/// # use std::time::Duration;
/// use peerset_testkit::{FaultProxy, Memcached, Way};
///
/// let server = Memcached::start(&[]);
/// let network = FaultProxy::start(server.addr());
/// network.delay(Way::ToServer, Duration::from_millis(30)); // a client of `network.addr()` sees a slow server
/// ```
#[derive(Debug)]
pub struct FaultProxy {
    port: Port,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

/// One of the two ways that bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    faults: Faults,
    /// Connections in the order in which they came, the closed ones too until the next one comes.
    links: std::sync::Mutex<Vec<Arc<Link>>>,
    accepted: AtomicUsize,
    ending: AtomicBool,
}

impl FaultProxy {
    /// Listens on a port of its own and forwards to `target`, which need not be there yet.
    #[track_caller]
    pub fn start(target: SocketAddr) -> FaultProxy {
        let port = Port::claim();
        let listener = TcpListener::bind(port.addr()).expect("a claimed port is free");
        let shared = Arc::new(Shared {
            target,
            faults: Faults::default(),
            links: std::sync::Mutex::default(),
            accepted: AtomicUsize::new(0),
            ending: AtomicBool::new(false),
        });
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept(&listener)
        });
        FaultProxy { port, shared, acceptor: Some(acceptor) }
    }

    /// Where clients connect.
    pub fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    /// Connections taken so far.
    pub fn connections(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Connections of which neither side has closed.
    pub fn connections_open(&self) -> usize {
        self.shared.open_links().len()
    }

    /// Lets bytes arrive so much later, in their order. What is on its way already arrives when it would have.
    pub fn delay(&self, way: Way, latency: Duration) {
        self.shared.faults.change(|settings| settings.latency[way as usize] = latency);
    }

    /// Takes connections and requests, and swallows them: no byte goes on in either direction.
    ///
    /// A connection that was there when this was said stays dead after [`heal`](FaultProxy::heal), for bytes of it are
    /// lost; new ones work.
    pub fn stall(&self) {
        self.shared.faults.change(|settings| settings.manner = Manner::Stall);
        self.shared.open_links().iter().for_each(|link| link.swallow());
    }

    /// Closes every new connection at once, as the front of a server that is gone does.
    pub fn refuse(&self) {
        self.shared.faults.change(|settings| settings.manner = Manner::Refuse);
    }

    /// Closes each connection once so many more bytes have gone that way, counted over all of them together.
    pub fn cut_after(&self, way: Way, bytes: usize) {
        self.shared.faults.change(|settings| settings.bytes_left[way as usize] = Some(bytes));
    }

    /// Puts bytes in front of the next reply, of whichever connection.
    pub fn inject_before_reply(&self, bytes: &[u8]) {
        self.shared.faults.change(|settings| settings.before_reply = bytes.to_vec());
    }

    /// Sends bytes that nobody asked for to the client of each open connection, now.
    pub fn inject(&self, bytes: &[u8]) {
        self.shared.open_links().iter().for_each(|link| link.inject(bytes));
    }

    /// Closes all open connections, both sides.
    pub fn close(&self) {
        self.shared.open_links().iter().for_each(|link| link.close());
    }

    /// Ends one direction of all open connections: with [`Way::ToClient`], the client reads an end and can still write.
    pub fn half_close(&self, way: Way) {
        self.shared.open_links().iter().for_each(|link| link.half_close(way));
    }

    /// Ends all faults that hold: forwards again, at once and unchanged.
    pub fn heal(&self) {
        self.shared.faults.change(|settings| *settings = faults::Settings::default());
    }
}

impl Shared {
    fn accept(self: &Arc<Shared>, listener: &TcpListener) {
        while let Ok((client, _)) = listener.accept() {
            if self.ending.load(Ordering::SeqCst) {
                return;
            }
            self.accepted.fetch_add(1, Ordering::SeqCst);
            if self.faults.manner() == Manner::Refuse {
                continue;
            }
            // A server that is not there is told to the client the only way there is: the connection is closed.
            let Ok(server) = TcpStream::connect(self.target) else { continue };
            let Ok(link) = Link::new(client, server) else { continue };
            let link = Arc::new(link);
            let mut links = self.links.lock().expect("no holder panics");
            // Looked at once nobody can miss the link any more: `stall` and `refuse` are for all after those that are found.
            match self.faults.manner() {
                Manner::Forward => {}
                Manner::Stall => link.swallow(),
                Manner::Refuse => continue,
            }
            links.retain(|link| link.is_open());
            links.push(Arc::clone(&link));
            drop(links);
            thread::spawn({
                let shared = Arc::clone(self);
                move || link.run(&shared.faults)
            });
        }
    }

    fn open_links(&self) -> Vec<Arc<Link>> {
        let links = self.links.lock().expect("no holder panics");
        links.iter().filter(|link| link.is_open()).cloned().collect()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which looks at the flag before all else.
        let _ = TcpStream::connect(self.addr());
        let _ = self.acceptor.take().map(JoinHandle::join);
        self.close();
    }
}
