//! `--check cmd:LINE`: a shell command whose exit status is the answer.

use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use peerset_cluster::Endpoint;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
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
    let mut command = Command::new("sh");
    command
        .args(["-c", line])
        .env("PEERSET_ENDPOINT", target.to_string())
        .process_group(0)
        .kill_on_drop(true);
    let mut children = signal(SignalKind::child())?;
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut group = Group(child.map_err(CheckError::Shell)?);
    let stderr = group.0.stderr.take();
    let mut said = Vec::new();
    let ended = async {
        // The signal is of any child, and one for several; it has been listened for since before this one began.
        while !group.has_ended()? {
            children.recv().await;
        }
        std::io::Result::Ok(())
    };
    tokio::select! {
        biased;
        // What stands in the pipe when the command has ended is still read; who keeps it open longer is not waited for.
        never = listen(stderr, &mut said) => match never {},
        ended = ended => ended?,
    }
    group.kill();
    let status = group.0.wait().await?;
    match status.success() {
        true => Ok(()),
        false => Err(CheckError::Command(reason(status, &said))),
    }
}

/// Keeps the first of what is said and drops the rest, so that no pipe fills up and stops the command.
async fn listen(stderr: Option<impl AsyncRead + Unpin>, said: &mut Vec<u8>) -> std::convert::Infallible {
    if let Some(mut stderr) = stderr {
        let mut more = [0; 4096];
        while let Ok(read @ 1..) = stderr.read(&mut more).await {
            let room = SAID_BYTES_MAX - said.len();
            said.extend_from_slice(&more[..read.min(room)]);
        }
    }
    std::future::pending().await
}

/// How it ended, and the first line of what it said.
fn reason(status: ExitStatus, said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    match said.lines().map(str::trim).find(|line| !line.is_empty()) {
        Some(line) => format!("the command ended with {status}: {line}"),
        None => format!("the command ended with {status}"),
    }
}
