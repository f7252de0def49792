//! `--check cmd:LINE`: a shell command whose exit status is the answer.

use std::convert::Infallible;
use std::process::{ExitStatus, Stdio};

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use peerset_cluster::Endpoint;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};
use tokio::signal::unix::{SignalKind, signal};

use super::CheckError;

/// As much of what a command says on stderr as a line of the log can hold.
const SAID_BYTES_MAX: usize = 200;

/// A command and everything that it starts in its process group: what it leaves behind goes with it, so that checks do not
/// pile up, whether it ended by itself or ran out of time.
///
/// The group has the shell's number. As long as the shell has not been waited for nobody else can get it, so that is when
/// the group is killed: after the shell ended and before it is reaped.
struct Group(Child);

impl Group {
    /// The group's number, until the shell is reaped.
    fn number(&self) -> Option<Pid> {
        self.0.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw)
    }

    /// Whether the shell has ended; it is not reaped by asking.
    fn has_ended(&self) -> std::io::Result<bool> {
        let Some(shell) = self.number() else { return Ok(true) };
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        Ok(waitid(Id::Pid(shell), look)? != WaitStatus::StillAlive)
    }

    fn kill(&self) {
        if let Some(group) = self.number() {
            // It fails if all have ended just now, which is as good.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs the line in a shell, which finds the endpoint in the variable `PEERSET_ENDPOINT`.
pub(super) async fn check(line: &str, target: &Endpoint) -> Result<(), CheckError> {
    let mut children = signal(SignalKind::child())?;
    let mut group = start(line, target)?;
    let mut said = Said::of(group.0.stderr.take());
    let ended = async {
        // The signal is of any child, and one for several; it has been listened for since before this one began.
        while !group.has_ended()? {
            children.recv().await;
        }
        std::io::Result::Ok(())
    };
    tokio::select! {
        never = said.listen() => match never {},
        ended = ended => ended?,
    }
    group.kill();
    // Who has left the group may keep the pipe open longer, and is not waited for.
    said.take_the_rest();
    let status = group.0.wait().await?;
    match status.success() {
        true => Ok(()),
        false => Err(CheckError::Command(reason(status, &said.first))),
    }
}

fn start(line: &str, target: &Endpoint) -> Result<Group, CheckError> {
    let mut command = Command::new("sh");
    command
        .args(["-c", line])
        .env("PEERSET_ENDPOINT", target.to_string())
        .process_group(0)
        .kill_on_drop(true);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    child.map(Group).map_err(CheckError::Shell)
}

/// What a command says on stderr: the first of it is kept and the rest dropped, so that no pipe fills up and stops it.
struct Said {
    /// None after its end.
    stderr: Option<ChildStderr>,
    first: Vec<u8>,
}

impl Said {
    fn of(stderr: Option<ChildStderr>) -> Said {
        Said { stderr, first: Vec::new() }
    }

    async fn listen(&mut self) -> Infallible {
        while let Some(stderr) = &mut self.stderr {
            let mut more = [0; 4096];
            match stderr.read(&mut more).await {
                Ok(read @ 1..) => self.keep(&more[..read]),
                Ok(0) | Err(_) => self.stderr = None,
            }
        }
        std::future::pending().await
    }

    /// What stands in the pipe at this moment. Tokio reads a pipe only once it has been told that something is there, and
    /// a quick command has ended before that: hence the plain `read`, which for the same pipe does not block.
    fn take_the_rest(&mut self) {
        while let Some(stderr) = &self.stderr
            && self.first.len() < SAID_BYTES_MAX
        {
            let mut more = [0; SAID_BYTES_MAX];
            match nix::unistd::read(stderr, &mut more) {
                Ok(read @ 1..) => self.keep(&more[..read]),
                Err(Errno::EINTR) => {}
                Ok(0) | Err(_) => self.stderr = None,
            }
        }
    }

    fn keep(&mut self, more: &[u8]) {
        let room = SAID_BYTES_MAX - self.first.len();
        self.first.extend_from_slice(&more[..more.len().min(room)]);
    }
}

/// How it ended, and the first line of what it said.
fn reason(status: ExitStatus, said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    match said.lines().map(str::trim).find(|line| !line.is_empty()) {
        Some(line) => format!("the command ended with {status}: {line}"),
        None => format!("the command ended with {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As when the command has ended before anybody looked at what it says.
    #[tokio::test]
    async fn the_last_words_are_heard() {
        let mut group = start("echo too bad >&2", &"a:1".parse().unwrap()).unwrap();
        let mut said = Said::of(group.0.stderr.take());
        while !group.has_ended().unwrap() {
            std::thread::yield_now();
        }
        said.take_the_rest();
        assert_eq!(said.first, b"too bad\n");
        assert!(said.stderr.is_none(), "it is read to its end");
    }
}
