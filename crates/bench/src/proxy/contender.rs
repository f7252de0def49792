//! Who takes part, and what stands behind each.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use peerset_testkit::{Memcached, Peerset, Program, Twemproxy, TwemproxyOptions, wait_for};

/// What is between the load and the servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Contender {
    /// Nothing, and one server with this many threads.
    Direct {
        threads: usize,
    },
    Twemproxy,
    /// `peerset proxy`, with this many threads or as many as it finds right.
    Peerset {
        binary: PathBuf,
        threads: Option<usize>,
    },
}

/// A contender while it runs, with its servers.
pub(super) struct Rig {
    servers: Vec<Memcached>,
    proxy: Option<Proxy>,
}

enum Proxy {
    Twemproxy(Twemproxy),
    Peerset(Peerset),
}

impl Contender {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Contender::Direct { threads: 1 } => "direct",
            Contender::Direct { .. } => "direct -t 2",
            Contender::Twemproxy => "twemproxy",
            Contender::Peerset { .. } => "peerset",
        }
    }

    /// Starts it with servers that have room for everything.
    pub(super) fn start(&self) -> Rig {
        let (count, threads) = if let Contender::Direct { threads } = self { (1, *threads) } else { (2, 1) };
        let server = |_| Memcached::start(&["-t", &threads.to_string(), "-m", "256"]);
        let servers: Vec<_> = (0..count).map(server).collect();
        let proxy = match self {
            Contender::Direct { .. } => None,
            Contender::Twemproxy => {
                // Weight 1; the rest is as twemproxy has it: ketama, one connection to each server.
                let servers: Vec<_> = servers.iter().map(|server| format!("{}:1", server.addr())).collect();
                Some(Proxy::Twemproxy(Twemproxy::start(&servers, &TwemproxyOptions::default())))
            }
            Contender::Peerset { binary, threads } => {
                let pool: Vec<_> = servers.iter().map(|server| server.addr().to_string()).collect();
                let pool = format!("static:{}", pool.join(","));
                let threads = threads.map(|threads| threads.to_string());
                let mut arguments = vec!["--pool", &pool, "--max-conns", "16384"];
                arguments.extend(threads.iter().flat_map(|threads| ["--threads", threads]));
                Some(Proxy::Peerset(Peerset::start_proxy(binary, &arguments)))
            }
        };
        let rig = Rig { servers, proxy };
        wait_until_ready(rig.addr());
        rig
    }
}

impl Rig {
    /// Where the load goes.
    pub(super) fn addr(&self) -> SocketAddr {
        match &self.proxy {
            None => self.servers[0].addr(),
            Some(Proxy::Twemproxy(proxy)) => proxy.addr(),
            Some(Proxy::Peerset(proxy)) => proxy.addr(),
        }
    }

    /// The process there: the proxy, or the server itself.
    pub(super) fn program(&self) -> &Program {
        match &self.proxy {
            None => self.servers[0].program(),
            Some(Proxy::Twemproxy(proxy)) => proxy.program(),
            Some(Proxy::Peerset(proxy)) => proxy.program(),
        }
    }
}

/// Waits until requests are answered. A proxy that listens may not know its servers yet, and says so.
pub(super) fn wait_until_ready(addr: SocketAddr) {
    wait_for("an answer that is no error", PATIENCE, || ask_once(addr).ok());
}

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connects and has one request answered, as any client that is idle now has had.
pub(super) fn ask_once(addr: SocketAddr) -> Result<TcpStream> {
    let mut client =
        TcpStream::connect(addr).context("connecting; each client takes a descriptor: ulimit -n")?;
    client.set_nodelay(true)?;
    client.set_read_timeout(Some(PATIENCE))?;
    client.write_all(b"get nothing\r\n")?;
    let mut reply = [0; 5];
    client.read_exact(&mut reply)?;
    ensure!(&reply == b"END\r\n", "{:?}", reply.escape_ascii().to_string());
    Ok(client)
}
