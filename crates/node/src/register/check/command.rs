//! `--check cmd:LINE`: a shell command whose exit status is the answer.

use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use peerset_cluster::Endpoint;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use super::CheckError;

/// As much of what a command says on stderr as a line of the log can hold.
const SAID_BYTES_MAX: usize = 200;

/// A command and everything that it starts, killed together when this is dropped before the command has ended.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // The number is known only until the child has been waited for, so that it cannot be somebody else's by now.
        let group = self.0.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = group {
            // It fails if all have ended just now, which is as good.
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
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
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut group = Group(child.map_err(CheckError::Shell)?);
    let stderr = group.0.stderr.take();
    let mut said = Vec::new();
    let status = tokio::select! {
        biased;
        // What stands in the pipe when the command has ended is still read; who keeps it open longer is not waited for.
        never = listen(stderr, &mut said) => match never {},
        status = group.0.wait() => status?,
    };
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
