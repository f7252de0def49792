//! How many system calls a process makes.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use peerset_testkit::Program;

/// Counts a process's system calls, all threads together, while `work` runs.
///
/// With perf where the kernel lets it count its trace point, because that hardly slows the process; else with strace,
/// under which a process is several times slower, and finds more to do each time it looks.
///
/// The tracer's name is in the result, since figures of the two are not to be compared with each other.
pub(crate) fn count<T>(pid: u32, work: impl FnOnce() -> Result<T>) -> Result<Counted<T>> {
    let mut tracer = Tracer::attach(pid)?;
    let result = work()?;
    let with = match tracer.kind {
        Kind::Perf => "perf",
        Kind::Strace => "strace",
    };
    Ok(Counted { calls: tracer.detach()?, with, result })
}

/// What [`count`] found.
pub(crate) struct Counted<T> {
    pub(crate) calls: u64,
    pub(crate) with: &'static str,
    pub(crate) result: T,
}

struct Tracer {
    program: Program,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Perf,
    Strace,
}

const PERF_EVENT: &str = "raw_syscalls:sys_enter";

impl Tracer {
    fn attach(pid: u32) -> Result<Tracer> {
        let pid = pid.to_string();
        let kind = if perf_works() { Kind::Perf } else { Kind::Strace };
        let mut command = match kind {
            Kind::Perf => Command::new("perf"),
            Kind::Strace => Command::new("strace"),
        };
        match kind {
            Kind::Perf => command.args(["stat", "-x", ",", "-e", PERF_EVENT, "-p", &pid]),
            Kind::Strace => command.args(["-c", "-f", "-p", &pid]),
        };
        let mut program = Program::start(&mut command, "apt-get install strace");
        program.wait_until("attach", |program| match kind {
            // It opens its counters, one a thread, and then enables them all.
            Kind::Perf => counters_open(program.id()),
            Kind::Strace => program.stderr().contains("attached").then_some(()),
        });
        // Neither says when it is ready, only that it is about to be.
        std::thread::sleep(Duration::from_millis(200));
        Ok(Tracer { program, kind })
    }

    fn detach(&mut self) -> Result<u64> {
        let pid = self.program.id().to_string();
        let sent = Command::new("kill").args(["-INT", &pid]).status()?;
        anyhow::ensure!(sent.success(), "kill -INT {pid}: {sent}");
        self.program.wait();
        let printed = self.program.stderr();
        let counted = match self.kind {
            Kind::Perf => perf_count(&printed),
            Kind::Strace => strace_count(&printed),
        };
        counted.with_context(|| format!("no count in what the tracer printed:\n{printed}"))
    }
}

fn perf_works() -> bool {
    let mut probe = Command::new("perf");
    probe.args(["stat", "-x", ",", "-e", PERF_EVENT, "true"]).stdout(Stdio::null());
    probe.output().is_ok_and(|output| perf_count(&String::from_utf8_lossy(&output.stderr)).is_some())
}

fn counters_open(pid: u32) -> Option<()> {
    let mut open = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
    let is_counter = |target: std::path::PathBuf| target.to_string_lossy().contains("perf_event");
    open.any(|fd| fs::read_link(fd.path()).is_ok_and(is_counter)).then_some(())
}

/// `12345,,raw_syscalls:sys_enter,…`
fn perf_count(printed: &str) -> Option<u64> {
    printed.lines().find(|line| line.contains(PERF_EVENT))?.split(',').next()?.parse().ok()
}

/// The total of the column `calls`. Found by where the heading ends, since columns before it can be empty.
fn strace_count(printed: &str) -> Option<u64> {
    let heading = printed.lines().find(|line| line.contains(" calls "))?;
    let end = heading.find(" calls ")? + " calls".len();
    let total = printed.lines().find(|line| line.trim_end().ends_with(" total"))?;
    total.get(..end)?.split_whitespace().next_back()?.parse().ok()
}

#[test]
fn counts_are_found_in_what_is_printed() {
    assert_eq!(perf_count("1234,,raw_syscalls:sys_enter,99,100.00,,\n"), Some(1234));
    assert_eq!(perf_count("<not supported>,,raw_syscalls:sys_enter,0,0,,\n"), None);
    let table = "% time     seconds  usecs/call     calls    errors syscall\n\
                 ------ ----------- ----------- --------- --------- ----------------\n \
                 60.00    0.100000          10     10000           read\n\
                 100.00    0.142155           3     40213     10038 total\n";
    assert_eq!(strace_count(table), Some(40213));
    assert_eq!(
        strace_count(&table.replace("  3     40213     10038", "        40213          ")),
        Some(40213)
    );
}
