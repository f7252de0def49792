//! Does a server's memory stay within its bound, and does it take every set, under any mix of sizes?
//!
//! Several connections store values of 1 byte to 1 MiB, overwrite, append, prepend, let expire and delete, over more
//! keys than fit, while the server's resident memory is sampled. It must stay under `--memory` × 1.15 + 24 MiB, and
//! no set may be refused. Each value consists of one byte that follows from its key, whatever was done to it, so that
//! a foreign byte is seen.

mod torture;

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use peerset_testkit::Usage;

use crate::servers::{Contender, Server, peerset_binary};
pub(crate) use torture::Counts;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Use a running server, whose process is --pid
    #[arg(long, value_name = "HOST:PORT", requires = "pid")]
    addr: Option<String>,
    /// The process whose memory is watched
    #[arg(long, requires = "addr")]
    pid: Option<u32>,
    /// Start this one instead
    #[arg(long, value_enum, default_value_t = Spawn::Peerset)]
    spawn: Spawn,
    /// The program to start, instead of the one beside this bench
    #[arg(long, value_name = "PATH")]
    peerset: Option<PathBuf>,
    /// The bound that the server has, or gets, in MiB
    #[arg(long, default_value_t = 64)]
    memory: u64,
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    #[arg(long, default_value_t = 8)]
    connections: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Spawn {
    Peerset,
    Memcached,
}

/// How often the memory is looked at.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(25);

/// Runs the mix and prints what came of it; says whether the bound held and every set was taken.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    ensure!(arguments.connections > 0, "at least one connection");
    let spawned = if arguments.addr.is_none() { Some(spawn(arguments)?) } else { None };
    let (addr, pid) = match (&spawned, &arguments.addr, arguments.pid) {
        (Some(server), ..) => (server.addr(), server.program().id()),
        (None, Some(addr), Some(pid)) => (resolve(addr)?, pid),
        _ => anyhow::bail!("--addr needs --pid"),
    };
    let period = Duration::from_secs(arguments.seconds);
    let (counts, resident_max) = measure(addr, pid, arguments.connections, arguments.seed, period)?;
    let bound = bound(arguments.memory);
    let within = resident_max <= bound;
    println!("{counts}");
    println!(
        "resident memory: at most {:.1} MiB; bound {} MiB × 1.15 + 24 MiB = {:.1} MiB: {}",
        mib(resident_max),
        arguments.memory,
        mib(bound),
        if within { "PASS" } else { "FAIL" }
    );
    let refused = counts.refused();
    println!("sets refused: {refused}: {}", if refused == 0 { "PASS" } else { "FAIL" });
    Ok(within && refused == 0)
}

/// What a process may have resident with so many MiB of memory for items.
pub(crate) fn bound(memory_mib: u64) -> u64 {
    (memory_mib << 20) * 115 / 100 + (24 << 20)
}

/// Runs the mix against a server; what it answered, and the most it had resident.
pub(crate) fn measure(
    addr: SocketAddr,
    pid: u32,
    connections: usize,
    seed: u64,
    period: Duration,
) -> Result<(Counts, u64)> {
    let deadline = Instant::now() + period;
    thread::scope(|scope| -> Result<(Counts, u64)> {
        let seeds = (0..connections as u64).map(|at| seed << 16 | at);
        let threads: Vec<_> =
            seeds.map(|seed| scope.spawn(move || torture::run(addr, seed, deadline))).collect();
        let mut resident_max = 0;
        while Instant::now() < deadline && !threads.iter().all(thread::ScopedJoinHandle::is_finished) {
            resident_max = resident_max.max(Usage::of(pid).context("the server has ended")?.resident_bytes);
            thread::sleep(SAMPLE_INTERVAL);
        }
        let mut counts = Counts::default();
        for thread in threads {
            counts.add(&thread.join().expect("a connection returns its errors")?);
        }
        Ok((counts, resident_max))
    })
}

fn spawn(arguments: &Arguments) -> Result<Server> {
    let contender = match arguments.spawn {
        Spawn::Memcached => Contender::Memcached { threads: 2 },
        Spawn::Peerset => {
            Contender::Peerset { binary: peerset_binary(arguments.peerset.as_ref())?, threads: None }
        }
    };
    Ok(contender.start(arguments.memory))
}

fn resolve(addr: &str) -> Result<SocketAddr> {
    let mut found = addr.to_socket_addrs().with_context(|| format!("--addr {addr}"))?;
    found.next().with_context(|| format!("--addr {addr} has no address"))
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
