//! How many requests find their key, compared with plain LRU of as many bytes? Zipf-distributed reads over 200,000 keys
//! of 20 bytes with 100-byte values, every miss filled, with and without scans over keys that never come back.
//!
//! `cargo run --release -p peerset-store --example hit_ratio`

#![expect(clippy::print_stdout, reason = "printing figures is what this program is for")]

#[path = "../tests/it/trace.rs"]
mod trace;

use trace::{ITEM_BYTES, Trace, lru_hit_ratio, store_hit_ratio};

const KEYS: usize = 200_000;

fn main() {
    println!("  memory  of all keys  skew  scans      LRU   store");
    for skew in [0.8, 0.99, 1.2] {
        for memory_mib in [2u64, 4, 8, 16] {
            for (scan, scan_len, scan_every) in
                [("none", 0, 0), ("long", 40_000, 200_000), ("many", 1000, 4000)]
            {
                let memory = memory_mib << 20;
                let trace = || Trace::new(KEYS, skew, scan_len, scan_every).take(2_000_000);
                let share = 100 * memory / (KEYS as u64 * ITEM_BYTES);
                let (lru, store) = (lru_hit_ratio(memory, trace()), store_hit_ratio(memory, trace()));
                let (lru, store) = (lru * 100.0, store * 100.0);
                println!(
                    "{memory_mib:>4} MiB {share:>10} %  {skew:.2}  {scan:<5} {lru:>6.2} % {store:>6.2} %"
                );
            }
        }
    }
}
