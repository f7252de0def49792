//! How many workers serve: as many as the load needs and the machine has cores for.
//!
//! A worker that is alone finds more sockets ready each time it asks, so it spends fewer system calls on a request; and
//! a thread more than there are cores only makes every request wait for its turn on one. So connections are packed onto
//! few workers while those keep up, and spread when one is busy and a core is free.
//!
//! Every [`REVIEW`] the acceptor compares how long the workers were busy, what this process and the whole machine have
//! computed meanwhile (`getrusage`, `/proc/stat`), and moves the number by one at most. Where `/proc/stat` does not
//! exist all workers serve.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use super::{Config, FrontCounters};

/// How often the number is looked at.
pub(super) const REVIEW: Duration = Duration::from_millis(200);

/// A worker busy for more of the time than this needs help.
const BUSY: f64 = 0.85;

/// One worker fewer must not become busier than this.
const CALM: f64 = 0.6;

/// The number of workers that serve now; the first ones.
#[derive(Debug)]
pub(super) struct Staff {
    active: AtomicUsize,
}

impl Staff {
    pub(super) fn active(&self) -> usize {
        self.active.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub(super) fn set_active(&self, active: usize) {
        self.active.store(active, Ordering::Relaxed);
    }
}

/// Decides on the number. One for each front, owned by the acceptor.
pub(super) struct Staffing {
    staff: Arc<Staff>,
    counters: Arc<FrontCounters>,
    last: Option<Sample>,
}

/// What had been used up at one moment.
struct Sample {
    at: Instant,
    /// Time each worker has spent between two waits.
    busy: Vec<Duration>,
    /// CPU time of this process.
    own: Duration,
    /// CPU time of everything on the machine, idling apart.
    machine: Duration,
    cores: usize,
}

impl Staffing {
    pub(super) fn new(config: &Config, counters: Arc<FrontCounters>) -> Staffing {
        let last = if config.elastic { Sample::take(&counters) } else { None };
        let active = if last.is_some() { 1 } else { counters.workers.len() };
        Staffing { staff: Arc::new(Staff { active: AtomicUsize::new(active) }), counters, last }
    }

    pub(super) fn staff(&self) -> Arc<Staff> {
        self.staff.clone()
    }

    /// Looks at what happened since the last review, if that is long enough ago; true if the number changed.
    pub(super) fn review(&mut self) -> bool {
        if self.last.as_ref().is_none_or(|last| last.at.elapsed() < REVIEW) {
            return false;
        }
        let Some(sample) = Sample::take(&self.counters) else { return false };
        let active = self.staff.active();
        let wanted = self.last.as_ref().map_or(active, |last| Load::between(last, &sample).wanted(active));
        self.last = Some(sample);
        self.staff.active.store(wanted, Ordering::Relaxed);
        if wanted != active {
            tracing::debug!(from = active, to = wanted, "workers that serve");
        }
        wanted != active
    }
}

/// What a review judges by, all in cores: 1.0 is one core all the time.
#[derive(Debug)]
struct Load {
    /// How busy each worker was, time spent waiting for a core included.
    workers: Vec<f64>,
    /// What everybody else on the machine used.
    others: f64,
    cores: f64,
}

impl Load {
    fn between(earlier: &Sample, later: &Sample) -> Load {
        let period = (later.at - earlier.at).as_secs_f64();
        let share = |earlier: Duration, later: Duration| later.saturating_sub(earlier).as_secs_f64() / period;
        let own = share(earlier.own, later.own);
        Load {
            workers: earlier
                .busy
                .iter()
                .zip(&later.busy)
                .map(|(earlier, later)| share(*earlier, *later))
                .collect(),
            others: (share(earlier.machine, later.machine) - own).max(0.0),
            cores: later.cores as f64,
        }
    }

    fn wanted(&self, active: usize) -> usize {
        let threads = self.workers.len();
        // Never fewer than half: who else computes on the machine may have nothing to do with our requests.
        let most = ((self.cores - self.others).round() as usize).clamp(threads.div_ceil(2), threads);
        let busiest = self.workers[..active].iter().copied().fold(0.0, f64::max);
        let all: f64 = self.workers.iter().sum();
        if active > most || (active > 1 && all < (active - 1) as f64 * CALM) {
            active - 1
        } else if busiest > BUSY && active < most {
            active + 1
        } else {
            active
        }
    }
}

impl Sample {
    fn take(counters: &FrontCounters) -> Option<Sample> {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
        let own = (usage.user_time() + usage.system_time()).num_microseconds();
        let (machine, cores) = machine_time(&stat)?;
        Some(Sample {
            at: Instant::now(),
            busy: counters
                .workers
                .iter()
                .map(|worker| Duration::from_nanos(worker.busy_nanos.value()))
                .collect(),
            own: Duration::from_micros(u64::try_from(own).ok()?),
            machine,
            cores,
        })
    }
}

/// What the first line of `/proc/stat` counts (user, nice, system, idle, iowait, irq, softirq, steal, in hundredths of a
/// second), without idling and without work that gives way to ours; and of how many cores.
///
/// The cores are the machine's, as the times are: this process may be confined to fewer.
fn machine_time(stat: &str) -> Option<(Duration, usize)> {
    let mut lines = stat.lines();
    let mut ticks = 0;
    for (field, word) in lines.next()?.strip_prefix("cpu ")?.split_whitespace().take(8).enumerate() {
        let gives_way = matches!(field, 1 | 3 | 4);
        ticks += if gives_way { 0 } else { word.parse::<u64>().ok()? };
    }
    let cores = lines.take_while(|line| line.starts_with("cpu")).count();
    Some((Duration::from_millis(ticks * 10), cores))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(workers: &[f64], others: f64, active: usize, expected: usize) {
        let load = Load { workers: workers.to_vec(), others, cores: 4.0 };
        assert_eq!(load.wanted(active), expected, "{load:?}");
    }

    #[test]
    fn workers_are_added_while_one_is_busy_and_a_core_is_free() {
        check(&[0.5, 0.0, 0.0, 0.0], 0.0, 1, 1);
        check(&[0.9, 0.0, 0.0, 0.0], 0.0, 1, 2);
        check(&[0.9, 0.7, 0.0, 0.0], 0.0, 2, 3);
        check(&[1.0, 1.0, 0.0, 0.0], 3.0, 2, 2);
        check(&[1.0, 1.0, 1.0, 1.0], 0.0, 4, 4);
    }

    #[test]
    fn workers_leave_when_fewer_can_do_it_or_others_need_the_cores() {
        check(&[0.2, 0.2, 0.0, 0.0], 0.0, 2, 1);
        check(&[0.5, 0.4, 0.0, 0.0], 0.0, 2, 2);
        check(&[1.0, 1.0, 1.0, 0.0], 2.0, 3, 2);
        check(&[1.0, 1.0, 0.0, 0.0], 9.0, 2, 2);
    }

    #[test]
    fn idle_time_is_not_work() {
        let stat = "cpu  10 1 5 1000 100 1 2 2 50 0\ncpu0 1\ncpu1 2\nintr 1";
        assert_eq!(machine_time(stat), Some((Duration::from_millis(200), 2)));
        assert_eq!(machine_time("nonsense"), None);
    }
}
