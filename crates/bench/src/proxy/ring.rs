//! What a change in a pool of 1,000 servers costs, and what the traffic notices of it.
//!
//! One memcached listens on more than 1,000 addresses of the loopback network, so that the pool's servers are all
//! real, and whoever owns a key has it. The pool is a `file:` in which one line changes; the time of the swap itself
//! is what the proxy's own metric says, the time until clients are told of the new set is seen in `config get cluster`.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use peerset_testkit::{Memcached, Peerset, TempDir};

use super::Plan;
use super::contender::Contender;
use super::scenario::{
    CHANGING_P99_MAX, CONNECTIONS, KEY_BYTES, KEY_COUNT, SWAP_MS_MAX, Scenario, VALUE_BYTES,
};
use crate::load::{Dialect, Items, Load};
use crate::report::{Figure, Report, Target};
use crate::stats::Spread;

/// Time between two changes.
const CHANGE_EVERY: Duration = Duration::from_millis(200);
/// Changes whose swap is timed.
const TIMED_CHANGES: usize = 20;
/// The gauge of the latest swap, in seconds.
const METRIC: &str = "peerset_pool_swap_seconds";

pub(super) fn run(scenario: &Scenario, servers: usize, plan: &Plan, report: &mut Report) -> Result<()> {
    let Some(Contender::Peerset { binary, .. }) =
        plan.contenders.iter().find(|one| matches!(one, Contender::Peerset { .. }))
    else {
        println!("  only peerset follows its pool");
        return Ok(());
    };
    // One more than the pool has: the last two take turns in it.
    let addresses: Vec<_> =
        (0..=servers).map(|at| format!("127.0.{}.{}", 1 + at / 250, 1 + at % 250)).collect();
    let server = Memcached::start(&["-l", &addresses.join(","), "-c", "16384", "-m", "256"]);
    let mut pool = Pool::new(&addresses, server.addr().port())?;
    let mut proxy = Peerset::start_proxy(binary, &["--pool", &pool.url(), "--http", "127.0.0.1:0"]);
    let items = Items::new(KEY_COUNT, KEY_BYTES, VALUE_BYTES);
    let load =
        Load { dialect: Dialect::Classic, items: &items, connections: CONNECTIONS, in_flight: 1, threads: 1 };
    load.fill(proxy.addr())?;

    let (swaps, told) = time_changes(&mut pool, &mut proxy)?;
    println!(
        "  the new ring is in use after {:.2} ms (at most {:.2}), clients are told after {:.1} ms",
        swaps.median, swaps.max, told.median
    );
    let (quiet, changing, ratio) = compare_latency(&load, &mut pool, &proxy, plan)?;
    println!("  p99 {quiet:.0} µs, and {changing:.0} µs while it changes");
    let mut figure =
        |what, unit, (ours, theirs), rival: &str, judged, judged_is_ratio, target: Option<f64>| {
            let target = target.map(Target::AtMost);
            let rival = rival.to_owned();
            report.add(Figure {
                scenario: scenario.name,
                what,
                unit,
                ours,
                theirs,
                rival,
                judged,
                judged_is_ratio,
                target,
            });
        };
    // The worst counts: a single slow swap is what an operator would notice.
    let worst = Spread::of([swaps.max]);
    figure("swap", "ms", (swaps.max, f64::NAN), "", worst, false, Some(SWAP_MS_MAX));
    figure("clients told", "ms", (told.median, f64::NAN), "", Spread::of([told.median]), false, None);
    figure("p99", "µs", (changing, quiet), "no changes", ratio, true, Some(CHANGING_P99_MAX));
    Ok(())
}

/// Milliseconds that swaps took, and until clients were told.
fn time_changes(pool: &mut Pool, proxy: &mut Peerset) -> Result<(Spread, Spread)> {
    let http = proxy.http_addr();
    let mut client = BufReader::new(TcpStream::connect(proxy.addr())?);
    client.get_ref().set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut version = cluster_version(&mut client)?;
    let (mut swaps, mut told) = (Vec::new(), Vec::new());
    for _ in 0..TIMED_CHANGES {
        let start = Instant::now();
        pool.change()?;
        let last = version;
        while version == last {
            ensure!(start.elapsed() < Duration::from_secs(10), "a change of the file is not followed");
            thread::sleep(Duration::from_millis(1));
            version = cluster_version(&mut client)?;
        }
        told.push(start.elapsed().as_secs_f64() * 1e3);
        // The workers swap once their new connection stands, a little after clients are told.
        thread::sleep(CHANGE_EVERY);
        swaps.push(metric(http)? * 1e3);
    }
    Ok((Spread::of(swaps), Spread::of(told)))
}

/// Latency without changes and with them, by turns; and the ratio of a round.
fn compare_latency(
    load: &Load<'_>,
    pool: &mut Pool,
    proxy: &Peerset,
    plan: &Plan,
) -> Result<(f64, f64, Spread)> {
    let mut running = load.serve(proxy.addr())?;
    running.run_for(plan.timing.warm_up)?;
    let (mut quiet, mut changing) = (Vec::new(), Vec::new());
    for _ in 0..plan.timing.rounds {
        quiet.push(running.run_for(plan.timing.measured)?.latency.quantile_us(0.99));
        let stop = AtomicBool::new(false);
        let measured = thread::scope(|scope| {
            let changes = scope.spawn(|| -> Result<()> {
                while !stop.load(Ordering::Relaxed) {
                    pool.change()?;
                    thread::sleep(CHANGE_EVERY);
                }
                Ok(())
            });
            let measured = running.run_for(plan.timing.measured);
            stop.store(true, Ordering::Relaxed);
            changes.join().expect("it returns its errors")?;
            measured
        })?;
        changing.push(measured.latency.quantile_us(0.99));
    }
    let ratios = Spread::of(changing.iter().zip(&quiet).map(|(changing, quiet)| changing / quiet));
    Ok((Spread::of(quiet).median, Spread::of(changing).median, ratios))
}

/// The file that names the servers.
struct Pool {
    dir: TempDir,
    lines: Vec<String>,
    /// Which of the last two is left out.
    turn: bool,
}

impl Pool {
    fn new(addresses: &[String], port: u16) -> Result<Pool> {
        let lines = addresses.iter().map(|address| format!("{address}:{port}\n")).collect();
        let mut pool = Pool { dir: TempDir::new()?, lines, turn: false };
        pool.change()?;
        Ok(pool)
    }

    fn url(&self) -> String {
        format!("file:{}", self.path().display())
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("pool")
    }

    /// Replaces one server, and the file as a whole, as tools that write such files do.
    fn change(&mut self) -> Result<()> {
        self.turn = !self.turn;
        let left_out = self.lines.len() - 1 - usize::from(self.turn);
        let servers = self.lines.iter().enumerate().filter(|(at, _)| *at != left_out);
        replace(&self.path(), &servers.map(|(_, line)| line.as_str()).collect::<String>())
    }
}

fn replace(path: &Path, text: &str) -> Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, text)?;
    Ok(fs::rename(&new, path)?)
}

/// The version under which the proxy tells clients its pool.
fn cluster_version(client: &mut BufReader<TcpStream>) -> Result<u64> {
    client.get_mut().write_all(b"config get cluster\r\n")?;
    let mut version = None;
    let mut line = String::new();
    while line != "END\r\n" {
        line.clear();
        ensure!(client.read_line(&mut line)? > 0, "the proxy closed the connection");
        ensure!(!line.contains("ERROR"), "config get cluster: {line:?}");
        version = version.or_else(|| line.trim_end().parse().ok());
    }
    version.context("config get cluster tells no version")
}

/// The swap's duration in seconds, from the admin page.
fn metric(http: SocketAddr) -> Result<f64> {
    let mut stream = TcpStream::connect(http)?;
    stream.write_all(
        format!("GET /metrics HTTP/1.1\r\nHost: {http}\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    let line = page.lines().find(|line| line.starts_with(METRIC));
    let value = line.with_context(|| format!("/metrics has no {METRIC}"))?.rsplit(' ').next();
    value.unwrap_or_default().parse().with_context(|| format!("{METRIC} is not a number"))
}
