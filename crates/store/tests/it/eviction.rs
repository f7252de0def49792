//! Who has to go: better than plain LRU, and not before the memory is full.

use peerset_store::{Config, Get, Key, Put, Store};

use crate::trace::{Trace, lru_hit_ratio, store_hit_ratio};

const NOW: u32 = 1_700_000_000;

#[test]
fn finds_more_than_lru_of_as_many_bytes() {
    let check = |memory_mib: u64, scan_len, scan_every, margin: f64| {
        let trace = || Trace::new(40_000, 0.99, scan_len, scan_every).take(100_000);
        let (lru, store) =
            (lru_hit_ratio(memory_mib << 20, trace()), store_hit_ratio(memory_mib << 20, trace()));
        assert!(
            store > lru + margin,
            "{memory_mib} MiB, scans of {scan_len}: store {store:.4}, LRU {lru:.4}"
        );
    };
    check(1, 0, 0, 0.01);
    check(1, 6000, 30_000, 0.03);
    check(1, 1000, 4000, 0.03);
}

#[test]
fn nothing_is_evicted_before_the_memory_is_full() {
    let store = Store::new(&Config::new(16 << 20, 1)).unwrap();
    // 155 bytes each: 15 of the 16 MiB.
    for item in 0..95_000u32 {
        let name = format!("key:{item:016}");
        let _ = store.put(&Put::new(Key::new(name.as_bytes()).unwrap(), &[b'v'; 100]), NOW);
    }
    let stats = store.stats();
    assert_eq!((stats.items, stats.evictions), (95_000, 0));
    let bytes = (stats.used_bytes + stats.index_bytes) as f64 / 95_000.0;
    assert!((153.0..156.0).contains(&bytes), "144 of record and 9 to 12 of index, not {bytes}");
}

#[test]
fn what_is_read_now_and_then_survives_a_scan() {
    let store = Store::new(&Config::new(4 << 20, 1)).unwrap();
    let put = |name: &str| {
        let _ = store.put(&Put::new(Key::new(name.as_bytes()).unwrap(), &[b'v'; 100]), NOW);
    };
    let found =
        |name: &str| store.get(Key::new(name.as_bytes()).unwrap(), &Get::CLASSIC, NOW, |_| ()).is_some();
    for hot in 0..2000 {
        put(&format!("hot:{hot}"));
    }
    // Ten times the memory passes by; each hot key is read once for each tenth of it.
    for scan in 0..250_000 {
        put(&format!("scan:{scan}"));
        if scan % 25_000 == 0 {
            assert_eq!((0..2000).filter(|hot| found(&format!("hot:{hot}"))).count(), 2000, "at {scan}");
        }
    }
    let stats = store.stats();
    assert!(stats.evictions > 200_000 && stats.evicted_unfetched == stats.evictions, "{stats:?}");
}

#[test]
fn who_comes_back_soon_stays() {
    let store = Store::new(&Config::new(4 << 20, 1)).unwrap();
    let put = |name: String| {
        let _ = store.put(&Put::new(Key::new(name.as_bytes()).unwrap(), &[b'v'; 100]), NOW);
    };
    (0..60_000).for_each(|item| put(format!("first:{item}")));
    assert_eq!(store.stats().ghost_hits, 0);
    // The last to be evicted of the first round.
    (20_000..30_000).for_each(|item| put(format!("first:{item}")));
    assert!(store.stats().ghost_hits > 5000, "{:?}", store.stats());
}
