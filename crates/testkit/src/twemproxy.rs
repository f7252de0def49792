//! The real twemproxy.

use std::fmt::Display;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::{Port, Program};

/// Twitter's proxy in front of memcached servers, on a port of its own; killed on drop.
///
/// - **Source**: Debian's `nutcracker` (0.5.0), one pool in a configuration file written for it.
#[derive(Debug)]
pub struct Twemproxy {
    port: Port,
    program: Program,
    _stats: Port,
    _dir: TempDir,
}

/// What a pool of twemproxy is told, by its own names; the defaults are twemproxy's, but for a timeout.
#[derive(Clone, Debug)]
pub struct TwemproxyOptions {
    /// `ketama`, `modula` or `random`.
    pub distribution: &'static str,
    /// `fnv1a_64`, `md5`, `crc32`, … as its README lists them.
    pub hash: &'static str,
    /// Two characters, between which is the part of a key that counts.
    pub hash_tag: Option<&'static str>,
    /// For connecting and for each reply. Twemproxy's default is to wait forever.
    pub timeout: Duration,
    /// After how many failures in a row a server is left out, and for how long; none for never.
    pub auto_eject: Option<(u32, Duration)>,
    /// Connections to each server.
    pub server_connections: u32,
}

impl Default for TwemproxyOptions {
    fn default() -> TwemproxyOptions {
        TwemproxyOptions {
            distribution: "ketama",
            hash: "fnv1a_64",
            hash_tag: None,
            timeout: Duration::from_secs(30),
            auto_eject: None,
            server_connections: 1,
        }
    }
}

impl Twemproxy {
    /// Starts it in front of servers written as it wants them: `HOST:PORT:WEIGHT`, and a name behind that or not.
    ///
    /// # Panics
    /// When the program is missing, naming the package to install, or refuses its configuration.
    #[track_caller]
    pub fn start(servers: &[impl Display], options: &TwemproxyOptions) -> Twemproxy {
        let (port, stats) = (Port::claim(), Port::claim());
        let dir = TempDir::new().expect("a temporary folder can be made");
        let config = dir.path().join("nutcracker.yml");
        fs::write(&config, options.yaml(port.addr(), servers))
            .expect("a file in a fresh folder can be written");
        let mut command = Command::new("nutcracker");
        command.arg("-c").arg(config).args(["-a", "127.0.0.1", "-s", &stats.number().to_string()]);
        let mut program = Program::start(&mut command, "apt-get install nutcracker, or cargo xtask setup");
        program.wait_until("listen", |_| TcpStream::connect(port.addr()).ok());
        Twemproxy { port, program, _stats: stats, _dir: dir }
    }

    /// Where clients connect.
    pub fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    /// The process.
    pub fn program(&self) -> &Program {
        &self.program
    }
}

impl TwemproxyOptions {
    fn yaml(&self, listen: SocketAddr, servers: &[impl Display]) -> String {
        let mut settings = vec![
            format!("listen: {listen}"),
            format!("hash: {}", self.hash),
            format!("distribution: {}", self.distribution),
            format!("timeout: {}", self.timeout.as_millis()),
            format!("server_connections: {}", self.server_connections),
            "preconnect: true".to_owned(),
            format!("auto_eject_hosts: {}", self.auto_eject.is_some()),
        ];
        if let Some((failures, retry)) = self.auto_eject {
            settings.push(format!("server_failure_limit: {failures}"));
            settings.push(format!("server_retry_timeout: {}", retry.as_millis()));
        }
        settings.extend(self.hash_tag.map(|tag| format!("hash_tag: \"{tag}\"")));
        settings.push("servers:".to_owned());
        settings.extend(servers.iter().map(|server| format!(" - {server}")));
        settings.iter().fold("pool:\n".to_owned(), |yaml, line| format!("{yaml}  {line}\n"))
    }
}
