//! A server that answers as the test says.

mod request;

use std::io::{BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use crate::Port;

pub use request::Request;

/// A server whose answer to each request is what a closure makes of it: any key, any bytes, silence, an end.
///
/// ```no_run
/// use peerset_testkit::{Answer, ScriptedServer};
///
/// let wrong_key = ScriptedServer::start(|request| match request.words()[..] {
///     ["get", _] => Answer::reply("VALUE another 0 1\r\nx\r\nEND\r\n"),
///     _ => Answer::of_empty_memcached(request),
/// });
/// ```
#[derive(Debug)]
pub struct ScriptedServer {
    port: Port,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

/// What is done about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// These bytes are sent; none for silence.
    Reply(Vec<u8>),
    /// These bytes, then the connection is closed.
    Close(Vec<u8>),
    /// These bytes, then the end of what this side says; requests are still read, and no longer answered.
    HalfClose(Vec<u8>),
}

#[derive(Debug, Default)]
struct Shared {
    accepted: AtomicUsize,
    ending: AtomicBool,
    heard: Mutex<Vec<String>>,
    streams: Mutex<Vec<TcpStream>>,
}

impl ScriptedServer {
    /// Listens on a port of its own; `script` is asked from several threads, one a connection.
    #[track_caller]
    pub fn start(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> ScriptedServer {
        let port = Port::claim();
        let listener = TcpListener::bind(port.addr()).expect("a claimed port is free");
        let shared = Arc::new(Shared::default());
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept(&listener, &Arc::new(script))
        });
        ScriptedServer { port, shared, acceptor: Some(acceptor) }
    }

    /// Gives these replies in turn, one a request over all connections, and is silent then.
    #[track_caller]
    pub fn replies(replies: &[&str]) -> ScriptedServer {
        let replies: Vec<_> = replies.iter().map(Answer::reply).collect();
        let turn = AtomicUsize::new(0);
        ScriptedServer::start(move |_| {
            let turn = turn.fetch_add(1, Ordering::SeqCst);
            replies.get(turn).cloned().unwrap_or_else(Answer::silence)
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    /// Connections taken so far.
    pub fn connections(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// The lines of all requests so far, without their values.
    pub fn heard(&self) -> Vec<String> {
        self.shared.heard.lock().expect("no holder panics").clone()
    }
}

impl Answer {
    /// These bytes, whatever they are.
    pub fn reply(bytes: impl AsRef<[u8]>) -> Answer {
        Answer::Reply(bytes.as_ref().to_vec())
    }

    /// Nothing, as a server that hangs.
    pub fn silence() -> Answer {
        Answer::Reply(Vec::new())
    }

    /// What memcached 1.6.18 says when it stores nothing: the answer to everything that a script is not about.
    ///
    /// Covers what clients and proxies say by themselves (`version`, `mn`) and all commands in plain forms; of the
    /// flags of meta commands it knows key, opaque and quiet.
    pub fn of_empty_memcached(request: &Request) -> Answer {
        request::answer_of_empty_memcached(request)
    }
}

impl Shared {
    fn accept<S>(self: &Arc<Shared>, listener: &TcpListener, script: &Arc<S>)
    where
        S: Fn(&Request) -> Answer + Send + Sync + 'static,
    {
        while let Ok((stream, _)) = listener.accept() {
            if self.ending.load(Ordering::SeqCst) {
                return;
            }
            let connection = self.accepted.fetch_add(1, Ordering::SeqCst);
            // A test that asks one thing after the other would wait for delayed acknowledgements each time.
            let _ = stream.set_nodelay(true);
            let Ok(handle) = stream.try_clone() else { continue };
            self.streams.lock().expect("no holder panics").push(handle);
            let (shared, script) = (Arc::clone(self), Arc::clone(script));
            thread::spawn(move || shared.converse(stream, connection, &*script));
        }
    }

    fn converse(&self, stream: TcpStream, connection: usize, script: &dyn Fn(&Request) -> Answer) {
        let mut input = BufReader::new(&stream);
        let mut speaks = true;
        for number in 0.. {
            let Ok(Some(request)) = Request::read(&mut input, connection, number) else { break };
            self.heard.lock().expect("no holder panics").push(request.line.clone());
            if !speaks {
                continue;
            }
            let (bytes, ends) = match script(&request) {
                Answer::Reply(bytes) => (bytes, None),
                Answer::Close(bytes) => (bytes, Some(Shutdown::Both)),
                Answer::HalfClose(bytes) => (bytes, Some(Shutdown::Write)),
            };
            // A client that is gone is noticed when the next request is read.
            let _ = (&stream).write_all(&bytes);
            if let Some(how) = ends {
                let _ = stream.shutdown(how);
                speaks = false;
            }
        }
        let _ = stream.shutdown(Shutdown::Both);
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which looks at the flag before all else.
        let _ = TcpStream::connect(self.addr());
        let _ = self.acceptor.take().map(JoinHandle::join);
        for stream in self.shared.streams.lock().expect("no holder panics").iter() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
