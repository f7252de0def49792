//! Does the process stay within its memory? Sets of 1 byte to 1 MiB, overwrites, appends, deletes and expiry in phases
//! that leave the wrong sizes behind, from several threads; the peak of resident memory against what is allowed.
//!
//! `cargo run --release -p peerset-store --example bounded [MEMORY_MIB]`

#![expect(clippy::print_stdout, reason = "printing figures is what this program is for")]

use std::error::Error;
use std::{env, fs, thread};

use peerset_store::{Config, Delete, Expiry, Key, Mode, Put, PutOutcome, Store};

const THREADS: u64 = 2;
const MIB: u64 = 1 << 20;
const STEPS: u64 = 40_000;

fn main() -> Result<(), Box<dyn Error>> {
    let memory_mib: u64 = env::args().nth(1).as_deref().unwrap_or("64").parse()?;
    let mut config = Config::new(memory_mib * MIB, 7);
    config.parallelism = THREADS as usize;
    let store = Store::new(&config)?;
    let allowed = memory_mib as f64 * 1.15 + 24.0;
    println!("allowed: {allowed:.0} MiB");
    let mut now = 1_700_000_000;
    for value_max in [1, 100, 4000, 1_048_000, 1, 60_000, 500_000, 10, 1_048_000, 300] {
        // Enough to fill the memory several times, whatever the size.
        let rounds = (memory_mib * MIB * 3 / (value_max / 2 + 64) / (THREADS * STEPS)).clamp(1, 40);
        let mut peak = 0.0f64;
        for _ in 0..rounds {
            thread::scope(|scope| {
                for thread in 0..THREADS {
                    let store = &store;
                    scope.spawn(move || fill(store, thread, value_max, now));
                }
            });
            peak = peak.max(resident_mib()?);
            now += 20;
            while store.maintain(now, 16).more {}
        }
        let stats = store.stats();
        let mapped = stats.mapped_bytes as f64 / MIB as f64;
        let verdict = if peak <= allowed { "within" } else { "ABOVE" };
        let items = stats.items;
        println!(
            "values up to {value_max:>7}: peak {peak:>6.1} MiB, {verdict}; then {items:>8} items, {mapped:.1} MiB"
        );
    }
    Ok(())
}

fn fill(store: &Store, thread: u64, value_max: u64, now: u32) {
    let value = vec![b'v'; value_max as usize];
    let mut state = thread + u64::from(now);
    for _ in 0..STEPS.min(1_000_000_000 / value_max) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let number = state >> 24;
        let name = (number % 3_000_000).to_le_bytes();
        let Ok(key) = Key::new(&name) else { continue };
        let len = (state >> 33) % value_max + 1;
        let mut put = Put::new(key, &value[..len as usize]);
        put.expiry = Expiry::from_wire([0, 0, 10, 100][(number % 4) as usize], now);
        match number % 10 {
            0 => drop(store.delete(&Delete::new(key), now)),
            1 => put.mode = Mode::Append,
            _ => {}
        }
        let outcome = store.put(&put, now);
        assert!(
            !matches!(outcome, PutOutcome::OutOfMemory | PutOutcome::TooLarge),
            "{len} bytes: {outcome:?}"
        );
    }
}

fn resident_mib() -> Result<f64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM: is this Linux?")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? / 1024.0)
}
