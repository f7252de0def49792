//! Is a key's owner found, and a ring built, faster than by the crates that people use for it?
//!
//! Everyone takes turns: each round measures ours and every rival once, on the same keys of 16 bytes in the same order,
//! so that whatever else the machine does meets all of them. What is judged is the median over the rounds of the ratio of
//! the two times in one round; ratios hold from machine to machine, nanoseconds hardly. Rivals choose their own hash; each
//! gets servers in the form that is cheapest for it.

mod contenders;
mod table;

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, ensure};

use crate::stats::Spread;
use contenders::{Contender, Work};
use table::{Row, Table};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Times each contender is measured
    #[arg(long, default_value_t = 21)]
    rounds: usize,
    /// Few rounds, to see that everything works
    #[arg(long)]
    quick: bool,
    /// Only contests whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

/// One of ours beside rivals.
struct Contest {
    name: &'static str,
    ours: &'static str,
    rivals: &'static [&'static str],
    /// At most this part of the fastest of these rivals' time.
    target: Option<f64>,
    work: Work,
}

const fn lookup(servers: usize, points: usize) -> Work {
    Work::Lookup { servers, points }
}

/// What issue 3 asks for, and what has no target but is worth knowing.
const CONTESTS: &[Contest] = &[
    contest("lookup-100", "mcset", &["hashring"], Some(0.6), lookup(100, 150)),
    contest("lookup-100", "groupcache", &["hashring"], Some(0.6), lookup(100, 150)),
    contest("lookup-100", "ketama", &["ketama"], Some(0.65), lookup(100, 160)),
    contest("lookup-1000", "mcset", &["hashring"], Some(0.5), lookup(1000, 150)),
    contest("lookup-1000", "groupcache", &["hashring"], Some(0.5), lookup(1000, 150)),
    contest("lookup-1000", "ketama", &["ketama"], None, lookup(1000, 160)),
    contest("lookup-100", "mcset", &["conhash"], None, lookup(100, 150)),
    contest("lookup-100", "mcset", &["hash-rings"], None, lookup(100, 150)),
    contest("lookup-100", "jump", &["jumphash"], None, lookup(100, 1)),
    contest("lookup-100", "maglev", &["hash-rings-maglev"], None, lookup(100, 1)),
    contest("lookup-100", "rendezvous", &["hash-rings-rendezvous"], None, lookup(100, 1)),
    contest("build-1000", "ketama", RING_BUILDERS, Some(1.0), Work::Build { servers: 1000, points: 160 }),
    contest("build-1000", "mcset", RING_BUILDERS, Some(1.0), Work::Build { servers: 1000, points: 160 }),
    contest("build-1000", "groupcache", RING_BUILDERS, Some(1.0), Work::Build { servers: 1000, points: 160 }),
];

const RING_BUILDERS: &[&str] = &["hashring", "ketama", "hash-rings", "conhash"];

const fn contest(
    name: &'static str,
    ours: &'static str,
    rivals: &'static [&'static str],
    target: Option<f64>,
    work: Work,
) -> Contest {
    Contest { name, ours, rivals, target, work }
}

/// More than fit in the processor's nearest caches, so that a ring is not looked up in the same places again and again.
const KEYS: usize = 1 << 16;

/// A key, as the rivals' generics want it: with a size.
type Key = [u8; 16];

/// Runs the contests and prints the table; says whether every target was met.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    ensure!(arguments.rounds > 0, "at least one round");
    let rounds = if arguments.quick { 3 } else { arguments.rounds };
    let keys = keys();
    let mut table = Table::default();
    let chosen =
        |contest: &&Contest| arguments.only.as_deref().is_none_or(|text| contest.name.contains(text));
    for contest in CONTESTS.iter().filter(chosen) {
        let row = measure(contest, rounds, &keys)?;
        println!("{}", row.line());
        table.rows.push(row);
    }
    let bytes = contenders::bytes_a_point()?;
    println!(
        "memory: {bytes:.2} bytes a point and its part of the index, target ≤ 10: {}",
        table::verdict(bytes <= 10.0)
    );
    println!("\n{table}");
    Ok(table.all_met() && bytes <= 10.0)
}

fn measure(contest: &Contest, rounds: usize, keys: &[Key]) -> Result<Row> {
    let ours = Contender::ours(contest.ours, &contest.work)?;
    let rivals: Vec<Contender> =
        contest.rivals.iter().map(|name| Contender::rival(name, &contest.work)).collect::<Result<_>>()?;
    // A column of nanoseconds for each; the first round warms up.
    let mut times = vec![Vec::new(); rivals.len() + 1];
    for round in 0..=rounds {
        for (times, contender) in times.iter_mut().zip([&ours].into_iter().chain(&rivals)) {
            let nanoseconds = contender.time(keys);
            if round > 0 {
                times.push(nanoseconds);
            }
        }
    }
    let medians: Vec<f64> = times.iter().map(|times| Spread::of(times.iter().copied()).median).collect();
    let fastest = (1..medians.len()).min_by(|a, b| medians[*a].total_cmp(&medians[*b])).unwrap_or(1);
    Ok(Row {
        contest: contest.name,
        ours: contest.ours,
        rival: contest.rivals[fastest - 1],
        ours_ns: medians[0],
        rival_ns: medians[fastest],
        ratio: Spread::of(times[0].iter().zip(&times[fastest]).map(|(ours, theirs)| ours / theirs)),
        target: contest.target,
    })
}

/// Keys without pattern, the same in every run.
fn keys() -> Vec<Key> {
    let mut random = fastrand::Rng::with_seed(7);
    (0..KEYS).map(|_| std::array::from_fn(|_| random.alphanumeric() as u8)).collect()
}

/// Nanoseconds a key that `owner` takes.
fn each<T>(keys: &[Key], owner: impl Fn(&Key) -> T) -> f64 {
    let start = Instant::now();
    for key in keys {
        black_box(owner(black_box(key)));
    }
    start.elapsed().as_nanos() as f64 / keys.len() as f64
}

/// Nanoseconds that `build` takes, without taking down what it built.
fn once<T>(build: impl Fn() -> T) -> f64 {
    let start = Instant::now();
    let built = black_box(build());
    let elapsed = start.elapsed().as_nanos() as f64;
    drop(built);
    elapsed
}
