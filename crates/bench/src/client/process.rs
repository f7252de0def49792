//! A contender's process, seen from outside.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use super::contender::{Contender, Way};
use super::runner::Outcome;
use super::scenario::Work;

/// A contender that is ready; killed on drop.
pub(super) struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// What a process is to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) contender: Contender,
    pub(super) way: Way,
    pub(super) addr: SocketAddr,
    pub(super) work: Work,
    pub(super) warm_up: Duration,
    pub(super) measured: Duration,
}

impl Process {
    /// Starts this program again as the contender, and waits until it is ready.
    pub(super) fn start(order: &Order) -> Result<Process> {
        let mut command = Command::new(env::current_exe()?);
        command.arg("client-contender");
        let Order { contender, way, addr, work, warm_up, measured } = order;
        for (option, value) in [
            ("--contender", name(contender)),
            ("--way", name(way)),
            ("--addr", addr.to_string()),
            ("--tasks", work.tasks.to_string()),
            ("--keys", work.keys.to_string()),
            ("--warm-up-ms", warm_up.as_millis().to_string()),
            ("--measured-ms", measured.as_millis().to_string()),
        ] {
            command.arg(option).arg(value);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().context("its input is a pipe")?;
        let output = BufReader::new(child.stdout.take().context("its output is a pipe")?);
        let mut process = Process { child, input, output };
        let line = process.line()?;
        ensure!(line == "ready", "instead of being ready: {line:?}");
        Ok(process)
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Lets it work, and waits for what came of it. The process lives on until it is dropped.
    pub(super) fn work(&mut self) -> Result<Outcome> {
        self.input.write_all(b"go\n")?;
        self.line()?.parse()
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        ensure!(line.ends_with('\n'), "the contender's process ended early");
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only for a process that has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}
