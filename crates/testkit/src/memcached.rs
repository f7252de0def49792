//! The real memcached.

use std::net::SocketAddr;
use std::process::Command;
use std::{env, fs};

use tempfile::TempDir;

use crate::Program;

/// A real memcached that picked its own port; killed on drop, its log shown if the test is failing.
#[derive(Debug)]
pub struct Memcached {
    addr: SocketAddr,
    /// Absent when attached to a server that somebody else started.
    program: Option<Program>,
}

/// Names a running memcached to use instead of starting one, say under a debugger.
const ATTACH_VARIABLE: &str = "PEERSET_TEST_MEMCACHED";

impl Memcached {
    /// Starts memcached on a free port of 127.0.0.1 with 64 MB and `extra` arguments, which may override any of that.
    ///
    /// With `PEERSET_TEST_MEMCACHED=HOST:PORT` it attaches to a running one instead; `extra` has no effect then.
    ///
    /// # Panics
    /// When the program is missing, naming the package to install: a skipped test must not look green.
    #[track_caller]
    pub fn start(extra: &[&str]) -> Memcached {
        if let Some(running) = env::var_os(ATTACH_VARIABLE) {
            let addr = running.to_str().and_then(|text| text.parse().ok());
            let addr = addr.unwrap_or_else(|| panic!("{ATTACH_VARIABLE}={running:?} is not HOST:PORT"));
            return Memcached { addr, program: None };
        }
        Memcached::spawn(extra)
    }

    #[track_caller]
    fn spawn(extra: &[&str]) -> Memcached {
        let dir = TempDir::new().expect("a temporary folder can be made");
        let port_file = dir.path().join("port");
        let mut command = Command::new("memcached");
        // Port -1 is "any", told in the file; user root keeps it runnable in containers, and is ignored elsewhere.
        command.args(["-u", "root", "-l", "127.0.0.1", "-p", "-1", "-U", "0", "-m", "64"]).args(extra);
        command.env("MEMCACHED_PORT_FILENAME", &port_file);
        let mut program = Program::start_in(dir, &mut command, "apt-get install memcached");
        // Written aside and renamed by memcached, so that it is there only when complete.
        let addr = program.wait_until("tell its port", |_| {
            let text = fs::read_to_string(&port_file).ok()?;
            let port = text.lines().find_map(|line| line.strip_prefix("TCP INET: "))?.trim().parse().ok()?;
            Some(SocketAddr::from(([127, 0, 0, 1], port)))
        });
        Memcached { addr, program: Some(program) }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The process.
    ///
    /// # Panics
    /// When attached to a server started elsewhere, whose process is unknown.
    #[track_caller]
    pub fn program(&self) -> &Program {
        self.program.as_ref().unwrap_or_else(|| panic!("unset {ATTACH_VARIABLE}: this needs the process"))
    }
}
