//! What a change in a pool of 1,000 servers costs, and what the traffic notices of it.
//!
//! The pool is a `file:` in which one server is replaced by another. Every server has every key, so that no read misses
//! whoever owns it. The time of the swap itself, from hearing of the change to the new ring, is what the proxy's own
//! metric says; the time from the change of the file to the first request that the newcomer gets is seen from outside,
//! and contains how long the file is left to settle and the making of the connection.

mod pool;
mod probe;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use peerset_testkit::Peerset;

use super::Plan;
use super::contender::{Contender, wait_until_ready};
use super::scenario::{
    CHANGING_P99_MAX, CONNECTIONS, KEY_BYTES, KEY_COUNT, SWAP_MS_MAX, Scenario, VALUE_BYTES,
};
use crate::load::{Dialect, Items, Load};
use crate::report::{Figure, Report, Target};
use crate::stats::Spread;
use pool::Pool;
use probe::Prober;

/// Time between two changes.
const CHANGE_EVERY: Duration = Duration::from_millis(200);
/// Changes whose swap is timed.
const TIMED_CHANGES: usize = 20;
/// The gauge of the latest swap, in seconds.
const METRIC: &str = "peerset_pool_swap_seconds";

pub(super) fn run(scenario: &Scenario, servers: usize, plan: &Plan, report: &mut Report) -> Result<()> {
    let ours = plan.contenders.iter().find(|one| matches!(one, Contender::Peerset { .. }));
    let Some(Contender::Peerset { binary, .. }) = ours else {
        println!("  only peerset follows its pool");
        return Ok(());
    };
    let mut pool = Pool::start(servers)?;
    let items = Items::new(KEY_COUNT, KEY_BYTES, VALUE_BYTES);
    let dialect = Dialect::Classic;
    let load = Load { dialect, items: &items, connections: CONNECTIONS, in_flight: 1, threads: 1 };
    load.fill(pool.crowd.addr())?;
    for (at, spare) in pool.spares.iter().enumerate() {
        load.fill(spare.addr())?;
        Prober::connect(spare.addr())?.store(at)?;
    }
    let mut proxy = Peerset::start_proxy(binary, &["--pool", &pool.url(), "--http", "127.0.0.1:0"]);
    wait_until_ready(proxy.addr());

    let (swaps, asked) = time_changes(&mut pool, &mut proxy)?;
    println!("  a new ring takes {:.2} ms, at most {:.2}", swaps.median, swaps.max);
    println!(
        "  a newcomer is asked {:.1} ms after it joins the file, at most {:.1}",
        asked.median, asked.max
    );
    let (quiet, changing, ratio) = compare_latency(&load, &mut pool, &proxy, plan)?;
    println!("  p99 {quiet:.0} µs, and {changing:.0} µs while the pool changes");
    let mut figure = |what, unit, ours, theirs, judged, target| {
        let judged_is_ratio = !f64::is_nan(theirs);
        let rival = if judged_is_ratio { "no changes" } else { "" }.to_owned();
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
    figure("slowest swap", "ms", swaps.max, f64::NAN, worst, Some(Target::AtMost(SWAP_MS_MAX)));
    figure("newcomer asked", "ms", asked.median, f64::NAN, asked, None);
    figure("p99", "µs", changing, quiet, ratio, Some(Target::AtMost(CHANGING_P99_MAX)));
    Ok(())
}

/// Milliseconds that swaps took, and from a change of the file until the newcomer was asked.
fn time_changes(pool: &mut Pool, proxy: &mut Peerset) -> Result<(Spread, Spread)> {
    let http = proxy.http_addr();
    let mut prober = Prober::connect(proxy.addr())?;
    let first = prober.find(0)?;
    pool.change()?;
    let probes = [first, prober.find(1)?];
    let (mut swaps, mut asked) = (Vec::new(), Vec::new());
    for _ in 0..TIMED_CHANGES {
        thread::sleep(CHANGE_EVERY);
        let start = Instant::now();
        let newcomer = pool.change()?;
        prober.wait_for(&probes[newcomer])?;
        asked.push(start.elapsed().as_secs_f64() * 1e3);
        swaps.push(metric(http)? * 1e3);
    }
    Ok((Spread::of(swaps), Spread::of(asked)))
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
