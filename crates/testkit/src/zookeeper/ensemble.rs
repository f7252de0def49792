//! Several ZooKeeper servers that elect a leader.

use std::fs;

use super::Zookeeper;
use crate::{Port, wait_for};

/// Servers that replicate each other; more than half of them must be up for any to serve.
///
/// A leader that dies is replaced within about a second, a follower that is halted is given up after three.
#[derive(Debug)]
pub struct Ensemble {
    servers: Vec<Zookeeper>,
    /// What the servers talk to each other on, kept claimed.
    _ports: Vec<[Port; 2]>,
}

impl Ensemble {
    /// Starts `len` servers and waits until all serve.
    ///
    /// # Panics
    /// As [`Zookeeper::start`].
    #[track_caller]
    pub fn start(len: usize) -> Ensemble {
        let ports: Vec<_> = (0..len).map(|_| [Port::claim(), Port::claim()]).collect();
        let peers: String = (1..)
            .zip(&ports)
            .map(|(id, [data, election])| {
                format!("server.{id}=127.0.0.1:{}:{}\n", data.number(), election.number())
            })
            .collect();
        // In ticks: ten seconds to take over what the leader has, on a busy machine; three without a word from it.
        let config = format!("initLimit=50\nsyncLimit=15\n{peers}");
        let servers = (1..=len).map(|id| {
            let server = Zookeeper::prepare(Port::claim(), &config);
            fs::write(server.dir.path().join("data/myid"), id.to_string())
                .expect("a file in a fresh folder can be written");
            server
        });
        let mut ensemble = Ensemble { servers: servers.collect(), _ports: ports };
        ensemble.restart();
        ensemble
    }

    /// Starts every server that was killed, then waits until all serve.
    #[track_caller]
    pub fn restart(&mut self) {
        for server in self.servers.iter_mut().filter(|server| server.program.is_none()) {
            server.launch();
        }
        for server in &mut self.servers {
            server.wait_until_serving();
        }
    }

    /// Kills all of them.
    pub fn kill(&mut self) {
        self.servers.iter_mut().for_each(Zookeeper::kill);
    }

    /// `HOST:PORT,HOST:PORT,…`, as a discovery URL has it.
    pub fn hosts(&self) -> String {
        self.servers.iter().map(|server| server.addr().to_string()).collect::<Vec<_>>().join(",")
    }

    /// All of them, up or not.
    pub fn servers(&self) -> &[Zookeeper] {
        &self.servers
    }

    /// All of them, to kill, stop and restart.
    pub fn servers_mut(&mut self) -> &mut [Zookeeper] {
        &mut self.servers
    }

    /// Which server leads, waiting for an election if need be.
    ///
    /// # Panics
    /// When there is none after a minute.
    #[track_caller]
    pub fn leader(&self) -> usize {
        let leads = |server: &Zookeeper| server.ask("srvr").is_some_and(|said| said.contains("Mode: leader"));
        wait_for("a leader", crate::program::PATIENCE, || self.servers.iter().position(leads))
    }
}
