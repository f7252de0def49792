//! The real memcached.

use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use tempfile::TempDir;

use crate::{Port, Program};

/// A real memcached on a port of its own; killed on drop, its log shown if the test is failing.
#[derive(Debug)]
pub struct Memcached {
    listen: Listen,
    /// What it is started with each time.
    arguments: Vec<String>,
    /// Holds the socket, the file of users and the file that tells that it listens, whichever there are.
    dir: TempDir,
    /// Absent while killed, and when attached to a server that somebody else started.
    program: Option<Program>,
}

#[derive(Debug)]
enum Listen {
    Tcp(Port),
    Unix(PathBuf),
    Elsewhere(SocketAddr),
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
            return Memcached::new(Listen::Elsewhere(addr), temporary(), &[]);
        }
        Memcached::start_on(Port::claim(), extra)
    }

    /// Starts one on a port that was claimed before, say because others were told of it already.
    #[track_caller]
    pub fn start_on(port: Port, extra: &[&str]) -> Memcached {
        Memcached::new(Listen::Tcp(port), temporary(), extra).started()
    }

    /// Starts one that listens on a Unix socket only, at [`Memcached::path`].
    #[track_caller]
    pub fn start_unix(extra: &[&str]) -> Memcached {
        let dir = temporary();
        Memcached::new(Listen::Unix(dir.path().join("socket")), dir, extra).started()
    }

    /// Starts one that answers only who has said one of these names with its password (its option `-Y`).
    #[track_caller]
    pub fn start_with_users(users: &[(&str, &str)], extra: &[&str]) -> Memcached {
        let dir = temporary();
        let file = dir.path().join("users");
        let lines: String = users.iter().map(|(name, password)| format!("{name}:{password}\n")).collect();
        fs::write(&file, lines).expect("a file in a fresh folder can be written");
        let file = file.to_string_lossy();
        Memcached::new(Listen::Tcp(Port::claim()), dir, &[&["-Y", &file], extra].concat()).started()
    }

    fn new(listen: Listen, dir: TempDir, extra: &[&str]) -> Memcached {
        let arguments = extra.iter().map(ToString::to_string).collect();
        Memcached { listen, arguments, dir, program: None }
    }

    #[track_caller]
    fn started(mut self) -> Memcached {
        self.restart();
        self
    }

    /// Where it listens.
    ///
    /// # Panics
    /// When that is a Unix socket.
    #[track_caller]
    pub fn addr(&self) -> SocketAddr {
        match &self.listen {
            Listen::Tcp(port) => port.addr(),
            Listen::Elsewhere(addr) => *addr,
            Listen::Unix(path) => panic!("this memcached listens at {}", path.display()),
        }
    }

    /// The Unix socket on which it listens.
    ///
    /// # Panics
    /// When it listens on a port.
    #[track_caller]
    pub fn path(&self) -> &Path {
        match &self.listen {
            Listen::Unix(path) => path,
            Listen::Tcp(_) | Listen::Elsewhere(_) => panic!("this memcached listens at {}", self.addr()),
        }
    }

    /// Ends it as `kill -9` does; what it stored is lost, and its port stays free for it.
    ///
    /// # Panics
    /// As [`Memcached::program`], if it runs elsewhere.
    #[track_caller]
    pub fn kill(&mut self) {
        self.program();
        self.program = None;
    }

    /// Starts it again, empty, where it was; kills it first if it runs.
    #[track_caller]
    pub fn restart(&mut self) {
        self.program = None;
        let mut command = Command::new("memcached");
        // User root keeps it runnable in containers, and is ignored elsewhere.
        command.args(["-u", "root", "-m", "64"]);
        let port_file = self.dir.path().join("port");
        match &self.listen {
            Listen::Tcp(port) => {
                command.args(["-l", "127.0.0.1", "-p", &port.number().to_string(), "-U", "0"]);
                command.env("MEMCACHED_PORT_FILENAME", &port_file);
            }
            Listen::Unix(path) => drop(command.arg("-s").arg(path)),
            Listen::Elsewhere(_) => panic!("unset {ATTACH_VARIABLE}: this needs the process"),
        }
        command.args(&self.arguments);
        // What an earlier run left, if it did.
        let _ = fs::remove_file(&port_file);
        let mut program = Program::start(&mut command, "apt-get install memcached, or cargo xtask setup");
        // The file rather than a connection, which would be among those the server counts.
        program.wait_until("listen", |_| match &self.listen {
            Listen::Unix(path) => UnixStream::connect(path).ok().map(drop),
            _ => port_file.exists().then_some(()),
        });
        self.program = Some(program);
    }

    /// Halts it (SIGSTOP): it takes connections and answers nothing.
    #[track_caller]
    pub fn stop(&mut self) {
        self.program();
        self.program.iter_mut().for_each(Program::stop);
    }

    /// Lets it go on (SIGCONT), with everything that was sent to it meanwhile.
    #[track_caller]
    pub fn resume(&self) {
        self.program().resume();
    }

    /// The process.
    ///
    /// # Panics
    /// While it is killed, and when attached to a server started elsewhere, whose process is unknown.
    #[track_caller]
    pub fn program(&self) -> &Program {
        match (&self.program, &self.listen) {
            (Some(program), _) => program,
            (None, Listen::Elsewhere(_)) => panic!("unset {ATTACH_VARIABLE}: this needs the process"),
            (None, _) => panic!("memcached was killed and not restarted"),
        }
    }
}

#[track_caller]
fn temporary() -> TempDir {
    TempDir::new().expect("a temporary folder can be made")
}
