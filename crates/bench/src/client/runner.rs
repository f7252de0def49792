//! The process of one contender, started by [`Process`](super::process::Process).
//!
//! It prints `ready` once it can start, waits for a line, works, prints what it measured as one line, and ends when its
//! input does. So the one who started it can attach a tracer before, and detach it while the process is still there.

use std::fmt;
use std::io::{BufRead as _, Write as _};
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use peerset_testkit::Usage;

use super::contender::{Contender, Way};
use super::contenders::async_memcached::AsyncMemcached;
use super::contenders::mcmc_rs::McmcRs;
use super::contenders::memcache::Memcache;
use super::contenders::mtop_client::MtopClient;
use super::contenders::peerset::Peerset;
use super::contenders::{BlockingClient, Client};
use super::scenario::{KEY_BYTES, KEY_COUNT, VALUE_BYTES, Work};
use super::task::{Phase, Task};
use crate::load::Items;
use crate::stats::Histogram;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[arg(long, value_enum)]
    contender: Contender,
    #[arg(long, value_enum)]
    way: Way,
    #[arg(long)]
    addr: SocketAddr,
    #[arg(long)]
    tasks: usize,
    #[arg(long)]
    keys: usize,
    #[arg(long)]
    warm_up_ms: u64,
    #[arg(long)]
    measured_ms: u64,
}

/// What a contender did in the measured time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Outcome {
    pub(super) operations: u64,
    pub(super) elapsed: Duration,
    /// CPU time of the process, all threads and the kernel on their behalf.
    pub(super) cpu: Duration,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
}

/// How long the last calls may take after the end.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// Runs a contender as it is told on standard input.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { addr, tasks, keys, .. } = *arguments;
    let crew = Crew {
        items: Arc::new(Items::new(KEY_COUNT, KEY_BYTES, VALUE_BYTES)),
        phase: Arc::default(),
        work: Work { tasks, keys },
        warm_up: Duration::from_millis(arguments.warm_up_ms),
        measured: Duration::from_millis(arguments.measured_ms),
    };
    let protocol = if arguments.way == Way::Binary { "binary" } else { "ascii" };
    match arguments.contender {
        Contender::AsyncMemcached => crew.run_async::<AsyncMemcached>(addr, arguments.way),
        Contender::McmcRs => crew.run_async::<McmcRs>(addr, arguments.way),
        Contender::MtopClient => crew.run_async::<MtopClient>(addr, arguments.way),
        Contender::Peerset => crew.run_async::<Peerset>(addr, arguments.way),
        Contender::Memcache => crew.run_blocking(&Memcache::connect(addr, tasks, protocol)?),
    }
}

/// The callers of one process.
struct Crew {
    items: Arc<Items>,
    phase: Arc<Phase>,
    work: Work,
    warm_up: Duration,
    measured: Duration,
}

impl Crew {
    fn run_async<C: Client>(&self, addr: SocketAddr, way: Way) -> Result<()> {
        let mut runtime = match way {
            Way::TwoWorkers => tokio::runtime::Builder::new_multi_thread(),
            _ => tokio::runtime::Builder::new_current_thread(),
        };
        let runtime = runtime.worker_threads(2).enable_all().build()?;
        let client = runtime.block_on(async {
            let client = C::connect(addr, self.work.tasks).await?;
            client.get(self.items.key(0)).await?;
            anyhow::Ok(client)
        })?;
        self.measure(|| {
            runtime.block_on(async {
                let tasks: Vec<_> = self.tasks().map(|task| tokio::spawn(task.run(client.clone()))).collect();
                let mut latencies = Vec::new();
                for task in tasks {
                    latencies.push(task.await.context("a task panicked")??);
                }
                Ok(latencies)
            })
        })
    }

    fn run_blocking(&self, client: &impl BlockingClient) -> Result<()> {
        client.get(self.items.key(0))?;
        self.measure(|| {
            let threads = self.tasks().map(|task| {
                let client = client.clone();
                thread::spawn(move || task.run_blocking(&client))
            });
            let threads: Vec<_> = threads.collect();
            threads.into_iter().map(|thread| thread.join().expect("a task returns its errors")).collect()
        })
    }

    fn tasks(&self) -> impl Iterator<Item = Task> {
        (0..self.work.tasks).map(|seed| Task::new(&self.items, &self.phase, self.work, seed as u64))
    }

    /// Runs the callers on this thread and below it, while another one looks at the clock.
    fn measure(&self, work: impl FnOnce() -> Result<Vec<Vec<u32>>>) -> Result<()> {
        let mut input = std::io::stdin().lock();
        say("ready")?;
        ensure!(input.read_line(&mut String::new())? > 0, "nobody wants anything");
        let (ended, end) = mpsc::sync_channel(1);
        let (latencies, window) = thread::scope(|scope| {
            let window = scope.spawn(move || self.window(&end));
            let latencies = work();
            // The other one may have given up already.
            let _ = ended.send(());
            (latencies, window.join().expect("it returns its errors"))
        });
        let (elapsed, cpu) = window?;
        say(&Outcome::new(&latencies?, elapsed, cpu).to_string())?;
        // Threads are still there to be traced until the other side has what it wants.
        input.read_line(&mut String::new())?;
        Ok(())
    }

    /// Leads through the phases; how long the measured one was, and what CPU time it took.
    fn window(&self, end: &mpsc::Receiver<()>) -> Result<(Duration, Duration)> {
        // An early end is an error of a caller, who returns it.
        let early = |span| end.recv_timeout(span).is_ok();
        if early(self.warm_up) {
            return Ok(Default::default());
        }
        let (before, start) = (Usage::own()?, Instant::now());
        self.phase.enter(Phase::MEASURED);
        if early(self.measured) {
            return Ok(Default::default());
        }
        // Before the end, since a thread that has ended takes its CPU time with it.
        let (after, elapsed) = (Usage::own()?, start.elapsed());
        self.phase.enter(Phase::END);
        if end.recv_timeout(END_PATIENCE).is_err() {
            // A caller waits for an answer that does not come; nobody is left who could return it as an error.
            let _ = say("a call has no answer");
            std::process::exit(1);
        }
        Ok((elapsed, after.cpu.saturating_sub(before.cpu)))
    }
}

fn say(line: &str) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()
}

impl Outcome {
    fn new(latencies: &[Vec<u32>], elapsed: Duration, cpu: Duration) -> Outcome {
        let mut histogram = Histogram::new();
        latencies.iter().flatten().for_each(|&nanoseconds| histogram.record(u64::from(nanoseconds)));
        Outcome {
            operations: latencies.iter().map(|list| list.len() as u64).sum(),
            elapsed,
            cpu,
            p50_us: histogram.quantile_us(0.5),
            p99_us: histogram.quantile_us(0.99),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { operations, elapsed, cpu, p50_us, p99_us } = self;
        write!(f, "outcome {operations} {} {} {p50_us} {p99_us}", elapsed.as_nanos(), cpu.as_nanos())
    }
}

impl FromStr for Outcome {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Outcome> {
        let words: Vec<_> = line.split_whitespace().collect();
        let ["outcome", operations, elapsed, cpu, p50_us, p99_us] = words[..] else {
            anyhow::bail!("instead of an outcome: {line:?}");
        };
        Ok(Outcome {
            operations: operations.parse()?,
            elapsed: Duration::from_nanos(elapsed.parse()?),
            cpu: Duration::from_nanos(cpu.parse()?),
            p50_us: p50_us.parse()?,
            p99_us: p99_us.parse()?,
        })
    }
}

#[test]
fn an_outcome_is_read_as_it_was_written() {
    let outcome =
        Outcome::new(&[vec![1000, 2000], vec![3000]], Duration::from_millis(3), Duration::from_micros(7));
    assert_eq!((outcome.operations, outcome.to_string().parse::<Outcome>().unwrap()), (3, outcome));
    assert!("ready".parse::<Outcome>().is_err());
}
