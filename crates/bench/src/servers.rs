//! The servers under test, started by the bench.

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use peerset_testkit::{Memcached, Peerset, Program};

/// Who takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Contender {
    /// Debian's memcached with this many threads.
    Memcached { threads: usize },
    /// `peerset serve`, with this many threads or as many as it finds right.
    Peerset { binary: PathBuf, threads: Option<usize> },
}

/// A contender while it runs.
pub(crate) enum Server {
    Memcached(Memcached),
    Peerset(Peerset),
}

impl Contender {
    pub(crate) fn name(&self) -> String {
        match self {
            Contender::Memcached { threads } => format!("memcached -t {threads}"),
            Contender::Peerset { .. } => "peerset".to_owned(),
        }
    }

    pub(crate) fn is_ours(&self) -> bool {
        matches!(self, Contender::Peerset { .. })
    }

    /// Starts it with a bound on its memory, in MiB.
    pub(crate) fn start(&self, memory_mib: u64) -> Server {
        match self {
            Contender::Memcached { threads } => {
                let [threads, memory] = [threads.to_string(), memory_mib.to_string()];
                Server::Memcached(Memcached::start(&["-t", &threads, "-m", &memory]))
            }
            Contender::Peerset { binary, threads } => {
                let memory = format!("{memory_mib}mb");
                let threads = threads.map(|threads| threads.to_string());
                let mut arguments = vec!["--memory", &memory];
                arguments.extend(threads.iter().flat_map(|threads| ["--threads", threads]));
                Server::Peerset(Peerset::start(binary, &arguments))
            }
        }
    }
}

impl Server {
    pub(crate) fn addr(&self) -> SocketAddr {
        match self {
            Server::Memcached(server) => server.addr(),
            Server::Peerset(server) => server.addr(),
        }
    }

    pub(crate) fn program(&self) -> &Program {
        match self {
            Server::Memcached(server) => server.program(),
            Server::Peerset(server) => server.program(),
        }
    }
}

/// The program beside this one: both are in the same target folder.
pub(crate) fn peerset_binary(given: Option<&PathBuf>) -> Result<PathBuf> {
    let binary = match given {
        Some(path) => path.clone(),
        None => env::current_exe()?.with_file_name("peerset"),
    };
    ensure!(
        binary.is_file(),
        "{} is missing: cargo build --release --package peerset-node",
        binary.display()
    );
    Ok(binary)
}
