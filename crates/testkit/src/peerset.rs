//! Our own program as a server.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::Program;

/// `peerset serve` or `peerset proxy`, listening on a port it picked; killed on drop, its log shown if the test is failing.
#[derive(Debug)]
pub struct Peerset {
    addr: SocketAddr,
    program: Program,
}

impl Peerset {
    /// Starts `binary serve --listen 127.0.0.1:0` with `extra` arguments and waits until it listens.
    ///
    /// Its admin HTTP is off unless `extra` has `--http`: the usual port is one for all tests.
    ///
    /// The caller names the binary, usually `env!("CARGO_BIN_EXE_peerset")`: only cargo knows which one is being
    /// tested.
    ///
    /// # Panics
    /// When it cannot be started, ends, or does not say within a minute where it listens.
    #[track_caller]
    pub fn start(binary: impl AsRef<Path>, extra: &[&str]) -> Peerset {
        Peerset::start_command(binary.as_ref(), "serve", extra)
    }

    /// The same for `binary proxy`.
    ///
    /// # Panics
    /// As [`Peerset::start`].
    #[track_caller]
    pub fn start_proxy(binary: impl AsRef<Path>, extra: &[&str]) -> Peerset {
        Peerset::start_command(binary.as_ref(), "proxy", extra)
    }

    #[track_caller]
    fn start_command(binary: &Path, name: &str, extra: &[&str]) -> Peerset {
        let mut command = Command::new(binary);
        command.args([name, "--listen", "127.0.0.1:0"]).args(extra);
        if !extra.contains(&"--http") {
            command.args(["--http", "off"]);
        }
        let install = format!("{} is built by cargo build --package peerset-node", binary.display());
        let mut program = Program::start(&mut command, &install);
        let addr = program.addr_after("listening on ");
        Peerset { addr, program }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where its admin HTTP listens.
    ///
    /// # Panics
    /// When it was started without `--http`.
    #[track_caller]
    pub fn http_addr(&mut self) -> SocketAddr {
        self.program.addr_after("http on ")
    }

    /// The process.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The process, to stop it or to wait for what it prints.
    pub fn program_mut(&mut self) -> &mut Program {
        &mut self.program
    }
}
