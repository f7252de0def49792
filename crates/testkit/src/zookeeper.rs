//! The real ZooKeeper.

mod ensemble;
mod secure;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::program::PATIENCE;
use crate::{Port, Program, wait_for};

pub use ensemble::Ensemble;
pub use secure::SecureZookeeper;

/// One ZooKeeper server on a port of its own, in memory but for a folder that is removed with it; killed on drop.
///
/// - **Sessions**: a tick is 200 ms, so that a client may ask for a session of 400 ms up to 60 s.
/// - **Cost**: half a second to start, 50 MB; a write does not wait for the disk.
/// - **Source**: Debian's `libzookeeper-java` (3.8), its main class run directly.
#[derive(Debug)]
pub struct Zookeeper {
    dir: TempDir,
    port: Port,
    /// Absent while killed.
    program: Option<Program>,
}

const TICK: Duration = Duration::from_millis(200);

/// The last two belong to Netty, which serves encrypted connections; Debian's ZooKeeper does not name them.
const JARS: &str = "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar:\
                    /usr/share/java/netty-codec.jar:/usr/share/java/netty-resolver.jar";

/// For a program that lives seconds: the compiler that is quick, the collector without threads.
const JVM_FLAGS: &[&str] = &[
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xshare:auto",
    "-Xmx256m",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
];

/// A question is answered or refused at once, unless the server is halted.
const ANSWER_PATIENCE: Duration = Duration::from_secs(1);

impl Zookeeper {
    /// Starts a server alone and waits until it serves.
    ///
    /// # Panics
    /// When Java or ZooKeeper is missing, naming the packages to install.
    #[track_caller]
    pub fn start() -> Zookeeper {
        Zookeeper::start_with("")
    }

    /// The same with further lines of configuration.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[track_caller]
    pub fn start_with(config: &str) -> Zookeeper {
        let mut server = Zookeeper::prepare(Port::claim(), config);
        server.restart();
        server
    }

    /// Writes the configuration; `more` is what makes it a part of an ensemble.
    #[track_caller]
    fn prepare(port: Port, more: &str) -> Zookeeper {
        let dir = TempDir::new().expect("a temporary folder can be made");
        // A write that waited for the disk would make tests as slow as the disk; what is lost with the machine may be.
        let config = format!(
            "dataDir={data}\nclientPort={port}\nclientPortAddress=127.0.0.1\nmaxClientCnxns=0\ntickTime={tick}\n\
             maxSessionTimeout=60000\n4lw.commands.whitelist=*\nadmin.enableServer=false\npreAllocSize=1024\n\
             forceSync=no\n{more}",
            data = dir.path().join("data").display(),
            port = port.number(),
            tick = TICK.as_millis(),
        );
        fs::create_dir(dir.path().join("data")).expect("a folder in a fresh one can be made");
        fs::write(dir.path().join("zoo.cfg"), config).expect("a file in a fresh folder can be written");
        Zookeeper { dir, port, program: None }
    }

    /// Starts the process without waiting for it to serve.
    #[track_caller]
    fn launch(&mut self) {
        let mut command = Command::new("java");
        command.args(JVM_FLAGS).args(["-cp", JARS, "org.apache.zookeeper.server.quorum.QuorumPeerMain"]);
        command.arg(self.dir.path().join("zoo.cfg"));
        let install = "apt-get install default-jre-headless libzookeeper-java, or cargo xtask setup";
        self.program = Some(Program::start(&mut command, install));
    }

    #[track_caller]
    fn wait_until_serving(&mut self) {
        let addr = self.addr();
        self.program_mut().wait_until("serve", |_| ask(addr, "srvr")?.contains("Mode: ").then_some(()));
    }

    /// Where clients connect.
    pub fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    /// Ends the process as `kill -9` does. Its sessions go on counting down in an ensemble, and stand still alone.
    pub fn kill(&mut self) {
        self.program = None;
    }

    /// Ends it likewise and removes all its data, as when a disk is replaced: started again, it knows of nothing.
    ///
    /// # Panics
    /// When the data cannot be removed.
    pub fn wipe(&mut self) {
        self.kill();
        let data = self.dir.path().join("data");
        fs::remove_dir_all(&data).expect("a folder of ours can be removed");
        fs::create_dir(data).expect("a folder in one of ours can be made");
    }

    /// Starts it again on the same port with the same data, and waits until it serves.
    #[track_caller]
    pub fn restart(&mut self) {
        self.kill();
        self.launch();
        self.wait_until_serving();
    }

    /// Halts it (SIGSTOP): connections stay, and nothing is answered.
    #[track_caller]
    pub fn stop(&mut self) {
        self.program_mut().stop();
    }

    /// Lets it go on (SIGCONT).
    #[track_caller]
    pub fn resume(&mut self) {
        self.program_mut().resume();
    }

    /// The answer to one of the four-letter words, as `srvr`, `mntr`, `dump` or `cons`; none while it is down or busy.
    pub fn ask(&self, word: &str) -> Option<String> {
        ask(self.addr(), word)
    }

    /// One of the numbers of `mntr`, as `zk_znode_count` or `zk_watch_count`.
    ///
    /// # Panics
    /// When the server does not answer for a minute, or has no such number for so long.
    #[track_caller]
    pub fn count(&self, name: &str) -> u64 {
        wait_for(&format!("{} to tell its {name}", self.addr()), PATIENCE, || {
            let answer = self.ask("mntr")?;
            let mut lines = answer.lines().filter_map(|line| line.split_once('\t'));
            lines.find(|(key, _)| *key == name).and_then(|(_, value)| value.trim().parse().ok())
        })
    }

    /// Requests that this server has answered since it was started: of all its clients, with their pings and the
    /// making of their sessions; not the four-letter words, which `zk_packets_received` counts as well.
    #[track_caller]
    pub fn requests(&self) -> u64 {
        self.count("zk_cnt_readlatency") + self.count("zk_cnt_updatelatency")
    }

    /// The process.
    ///
    /// # Panics
    /// While it is killed.
    #[track_caller]
    pub fn program_mut(&mut self) -> &mut Program {
        self.program.as_mut().unwrap_or_else(|| panic!("ZooKeeper was killed and not restarted"))
    }
}

fn ask(addr: SocketAddr, word: &str) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&addr, ANSWER_PATIENCE).ok()?;
    stream.set_read_timeout(Some(ANSWER_PATIENCE)).ok()?;
    stream.write_all(word.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}
