//! What a process has used so far, as Linux tells it in `/proc`.

use std::io;
use std::path::Path;
use std::time::Duration;
use std::{fs, process};

/// CPU time and memory of one process, all its threads together.
///
/// - **Units**: durations of CPU time (two busy cores give two seconds a second), bytes of memory.
/// - **Cost**: three reads in `/proc` and one a thread.
/// - **Source**: proc(5): `stat`, `status`, `task/*/schedstat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Time on a CPU to the nanosecond. Threads that have ended are not in it, unlike in `user` and `system`.
    pub cpu: Duration,
    /// Time in user mode, in steps of 10 ms.
    pub user: Duration,
    /// Time in the kernel on the process's behalf, in steps of 10 ms.
    pub system: Duration,
    /// Resident memory (`VmRSS`).
    pub resident_bytes: u64,
}

/// Linux reports CPU times to user space in units of 10 ms, whatever its own tick is.
const USER_TICK: Duration = Duration::from_millis(10);

impl Usage {
    /// The usage of process `pid` up to now.
    ///
    /// # Errors
    /// The process is gone, or `/proc` is not Linux's.
    pub fn of(pid: u32) -> io::Result<Usage> {
        let root = Path::new("/proc").join(pid.to_string());
        let (user, system) = times_in_stat(&fs::read_to_string(root.join("stat"))?)?;
        let resident_bytes = resident_in_status(&fs::read_to_string(root.join("status"))?)?;
        // A kernel built without scheduler statistics has only the coarse times.
        let cpu = cpu_of_tasks(&root.join("task")).unwrap_or(user + system);
        Ok(Usage { cpu, user, system, resident_bytes })
    }

    /// The usage of the calling process.
    ///
    /// # Errors
    /// As [`Usage::of`].
    pub fn own() -> io::Result<Usage> {
        Usage::of(process::id())
    }
}

fn cpu_of_tasks(tasks: &Path) -> io::Result<Duration> {
    let mut nanoseconds = 0;
    for task in fs::read_dir(tasks)? {
        // A thread may end between the listing and the reading.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
        let first = text.split_whitespace().next().and_then(|word| word.parse::<u64>().ok());
        nanoseconds += first.ok_or_else(|| malformed("schedstat"))?;
    }
    if nanoseconds == 0 { Err(malformed("schedstat")) } else { Ok(Duration::from_nanos(nanoseconds)) }
}

/// User and system time. The program's name is in parentheses and may hold spaces and parentheses itself, so fields
/// are counted from the last one that closes.
fn times_in_stat(stat: &str) -> io::Result<(Duration, Duration)> {
    let fields = stat.rsplit_once(") ").ok_or_else(|| malformed("stat"))?.1;
    let mut ticks = fields.split(' ').skip(11).map(|word| word.parse::<u32>().ok());
    match (ticks.next().flatten(), ticks.next().flatten()) {
        (Some(user), Some(system)) => Ok((USER_TICK * user, USER_TICK * system)),
        _ => Err(malformed("stat")),
    }
}

fn resident_in_status(status: &str) -> io::Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    Ok(kibibytes.ok_or_else(|| malformed("status"))? * 1024)
}

fn malformed(file: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("/proc/PID/{file} has an unknown form"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_read_behind_the_last_parenthesis() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 10 0 0 0 150 25 0 0 20 0 1 0 100 1 1";
        assert_eq!(times_in_stat(stat).unwrap(), (Duration::from_millis(1500), Duration::from_millis(250)));
        assert!(times_in_stat("7 (a) S 1 2").is_err());
    }

    #[test]
    fn status_is_in_kibibytes() {
        assert_eq!(resident_in_status("Name:\tx\nVmRSS:\t    2048 kB\n").unwrap(), 2 << 20);
        assert!(resident_in_status("Name:\tx\n").is_err());
    }

    #[test]
    fn own_usage_grows_with_work() {
        let before = Usage::own().unwrap();
        let busy = crate::wait_for("CPU time to pass", Duration::from_secs(60), || {
            let busy: u64 = (0..100_000_u64).map(std::hint::black_box).sum();
            (Usage::own().unwrap().cpu > before.cpu).then_some(busy)
        });
        assert!(busy > 0 && before.resident_bytes > 0);
    }
}
