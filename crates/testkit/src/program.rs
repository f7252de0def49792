//! A child process that a test cannot leave behind.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use std::{fs, io, thread};

use tempfile::TempDir;

use crate::{Usage, wait_for};

/// A running program: killed on drop, and its output shown then if the test is failing.
///
/// Both outputs go to files in a folder of its own, so that no pipe can fill up and stop the program.
#[derive(Debug)]
pub struct Program {
    child: Child,
    name: String,
    dir: TempDir,
}

/// How long a program may take to start, to print what is awaited, or to stop, on a machine that is busy or paused.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// As much of a log as helps under a failing test.
const SHOWN_BYTES_MAX: usize = 8 * 1024;

impl Program {
    /// Starts `command` without input, in a fresh folder's company (see [`Program::dir`]).
    ///
    /// # Panics
    /// When it cannot be started; `install` says what to do then, as `apt-get install memcached`.
    #[track_caller]
    pub fn start(command: &mut Command, install: &str) -> Program {
        let dir = TempDir::new().expect("a temporary folder can be made");
        let name = Path::new(command.get_program()).file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let output =
            |file| File::create(dir.path().join(file)).expect("a file in a fresh folder can be made");
        let child = command.stdin(Stdio::null()).stdout(output("stdout")).stderr(output("stderr")).spawn();
        let child = child.unwrap_or_else(|e| panic!("cannot start {name} ({e}): {install}"));
        Program { child, name, dir }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A folder that lives as long as the program.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What it has printed to standard output so far.
    pub fn stdout(&self) -> String {
        self.read("stdout")
    }

    /// What it has printed to standard error so far.
    pub fn stderr(&self) -> String {
        self.read("stderr")
    }

    /// CPU time and memory up to now.
    ///
    /// # Panics
    /// When the process is gone.
    pub fn usage(&self) -> Usage {
        Usage::of(self.id()).unwrap_or_else(|e| panic!("{} has ended: {e}", self.name))
    }

    /// Waits for something the program is to do, and fails at once when it ends instead.
    ///
    /// # Panics
    /// When the program ends or takes longer than a minute.
    #[track_caller]
    pub fn wait_until<T>(&mut self, what: &str, mut ready: impl FnMut(&Program) -> Option<T>) -> T {
        let what = format!("{} to {what}", self.name);
        wait_for(&what, PATIENCE, || {
            // Looked at before the condition, so that the last words of a program that ends are still heard.
            let ended = self.child.try_wait().expect("a child can be waited for");
            let value = ready(self);
            match ended {
                Some(status) if value.is_none() => panic!("waited for {what}, but it ended: {status}"),
                _ => value,
            }
        })
    }

    /// Waits for a line on standard output that starts with `prefix`, and gives the rest of that line.
    #[track_caller]
    pub fn line_after(&mut self, prefix: &str) -> String {
        self.wait_until(&format!("print {prefix:?}"), |program| {
            let printed = program.stdout();
            let complete = &printed[..=printed.rfind('\n')?];
            complete.lines().find_map(|line| Some(line.strip_prefix(prefix)?.trim().to_owned()))
        })
    }

    /// Waits for a line of `prefix` and an address.
    #[track_caller]
    pub fn addr_after(&mut self, prefix: &str) -> SocketAddr {
        let rest = self.line_after(prefix);
        let word = rest.split_whitespace().next().unwrap_or_default();
        word.parse().unwrap_or_else(|e| panic!("no address behind {prefix:?} but {rest:?}: {e}"))
    }

    /// Sends a signal, as `"HUP"`.
    ///
    /// # Panics
    /// When the process is gone.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        // Through kill(1): sending it directly would take unsafe code or one more dependency.
        let sent = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status();
        assert!(sent.as_ref().is_ok_and(ExitStatus::success), "kill -{name} {}: {sent:?}", self.id());
    }

    /// Halts the process (SIGSTOP) and waits until all its threads stand still: it keeps its connections, takes new
    /// ones as far as the kernel does that for it, and answers nothing.
    #[track_caller]
    pub fn stop(&mut self) {
        self.signal("STOP");
        let id = self.id();
        self.wait_until("stand still", |_| threads_are(id, "T").then_some(()));
    }

    /// Lets a halted process go on (SIGCONT).
    #[track_caller]
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// Asks the program to end with SIGTERM and waits until it has.
    ///
    /// # Panics
    /// When it is still running after a minute.
    #[track_caller]
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// Waits until the program ends by itself.
    ///
    /// # Panics
    /// When it is still running after a minute.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let what = format!("{} to end", self.name);
        wait_for(&what, PATIENCE, || self.child.try_wait().expect("a child can be waited for"))
    }

    fn read(&self, file: &str) -> String {
        match fs::read(self.dir.path().join(file)) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
            Err(e) => panic!("{file} of {}: {e}", self.name),
        }
    }
}

/// Whether every thread is in a state, by its letter in proc(5).
fn threads_are(id: u32, state: &str) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{id}/task")) else { return false };
    threads.flatten().all(|thread| {
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // Behind the name, which may hold anything.
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(state))
    })
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only for a process that has ended already.
        let _ = self.child.kill();
        let status = self.child.wait();
        if thread::panicking() {
            show(&self.name, &status, &self.stdout(), &self.stderr());
        }
    }
}

#[expect(clippy::print_stderr, reason = "a failing test shows what its servers said")]
fn show(name: &str, status: &io::Result<ExitStatus>, stdout: &str, stderr: &str) {
    let ended = status.as_ref().map_or_else(ToString::to_string, ToString::to_string);
    eprintln!("--- {name} ({ended})");
    for (output, text) in [("stdout", stdout), ("stderr", stderr)] {
        let start = text.len().saturating_sub(SHOWN_BYTES_MAX);
        let start = (start..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
        if !text.is_empty() {
            eprintln!("--- its {output}:\n{}", &text[start..]);
        }
    }
}
