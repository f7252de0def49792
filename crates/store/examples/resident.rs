//! What does an item cost? A million of them, 20-byte keys and 100-byte values: resident bytes an item, and the time of
//! a get and a set, with a million items and with ten thousand.
//!
//! `cargo run --release -p peerset-store --example resident`

#![expect(clippy::print_stdout, reason = "printing figures is what this program is for")]

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::time::Instant;

use peerset_store::{Config, Get, Key, Put, Store};

const NOW: u32 = 1_700_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let empty = resident_bytes()?;
    let store = filled(1_000_000)?;
    let resident = resident_bytes()?;
    println!("1,000,000 items: {:.1} bytes each for the whole process,", resident as f64 / 1e6);
    println!("                 {:.1} of them for the items", (resident - empty) as f64 / 1e6);
    let stats = store.stats();
    println!(
        "                 {} evicted; {:.1} bytes of index",
        stats.evictions,
        stats.index_bytes as f64 / 1e6
    );
    time(&store, 1_000_000)?;
    time(&filled(10_000)?, 10_000)
}

fn filled(items: u64) -> Result<Store, Box<dyn Error>> {
    let mut config = Config::new(1 << 30, 7);
    config.parallelism = 2;
    let store = Store::new(&config)?;
    for item in 0..items {
        let _ = store.put(&Put::new(Key::new(&key(item))?, &[b'v'; 100]), NOW);
    }
    Ok(store)
}

fn time(store: &Store, items: u64) -> Result<(), Box<dyn Error>> {
    const ROUNDS: u64 = 4_000_000;
    let keys: Vec<[u8; 20]> = (0..items).map(key).collect();
    let mut out = Vec::new();
    let nanos = |started: Instant| started.elapsed().as_nanos() as f64 / ROUNDS as f64;

    let (started, mut state) = (Instant::now(), 1);
    for _ in 0..ROUNDS {
        let key = Key::new(&keys[(next(&mut state) % items) as usize])?;
        out.clear();
        black_box(store.get(key, &Get::CLASSIC, NOW, |hit| hit.value.copy_to(&mut out)));
    }
    let get = nanos(started);

    let started = Instant::now();
    for _ in 0..ROUNDS {
        let key = Key::new(&keys[(next(&mut state) % items) as usize])?;
        let _ = black_box(store.put(&Put::new(key, &[b'w'; 100]), NOW));
    }
    println!("{items:>9} items: {get:.0} ns a get, {:.0} ns a set over it", nanos(started));
    Ok(())
}

fn key(item: u64) -> [u8; 20] {
    let mut key = *b"key:0000000000000000";
    for (at, digit) in (4..20).rev().zip(0..) {
        key[at] = b'0' + (item / 10u64.pow(digit) % 10) as u8;
    }
    key
}

/// A cheap sequence without a pattern that the cache could follow.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 20
}

fn resident_bytes() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS: is this Linux?")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? * 1024)
}
