//! Many threads at once: every value read is one that was written for its key, and nothing is left inconsistent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use peerset_store::{
    Arithmetic, ArithmeticOutcome, Config, Delete, Direction, Expiry, Get, Key, Mode, Put, PutOutcome, Store,
};

const NOW: u32 = 1_700_000_000;
const THREADS: u64 = 4;

#[test]
fn values_belong_to_their_keys() {
    let mut config = Config::new(4 << 20, 1);
    (config.item_bytes_max, config.parallelism) = (32 << 10, 2);
    let store = Store::new(&config).unwrap();
    let hits = AtomicU64::new(0);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (store, hits) = (&store, &hits);
            scope.spawn(move || {
                let mut state = thread + 1;
                for step in 0..20_000u32 {
                    state =
                        state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let number = state >> 33;
                    let name = (number % 3000).to_le_bytes();
                    let key = Key::new(&name).unwrap();
                    let byte = name[0] ^ name[1];
                    let now = NOW + step / 1000;
                    match number % 16 {
                        0..8 => {
                            let found = store.get(key, &Get::CLASSIC, now, |hit| {
                                assert!(hit.value.parts().flatten().all(|&other| other == byte));
                            });
                            hits.fetch_add(u64::from(found.is_some()), Ordering::Relaxed);
                        }
                        8 => drop(store.delete(&Delete::new(key), now)),
                        9 => drop(store.maintain(now, 4)),
                        rest => {
                            let len = if rest == 10 { 20_000 } else { 50 + number as usize % 400 };
                            let mode = if rest == 11 { Mode::Append } else { Mode::Set };
                            let expiry = Expiry::from_wire((rest as i64 - 13).max(0) * 3, now);
                            let value = vec![byte; len];
                            let outcome = store.put(&Put { mode, expiry, ..Put::new(key, &value) }, now);
                            let refused = matches!(outcome, PutOutcome::OutOfMemory | PutOutcome::TooLarge);
                            assert!(!refused, "{outcome:?}");
                        }
                    }
                }
            });
        }
    });
    store.check_invariants();
    let hits = hits.into_inner();
    assert!(hits > 4000, "{hits}");
}

#[test]
fn no_count_is_lost_and_no_cas_value_given_twice() {
    let store = Store::new(&Config::new(8 << 20, 1)).unwrap();
    let key = Key::new(b"counter").unwrap();
    let _ = store.put(&Put::new(key, b"0"), NOW);
    let mut cas_values: Vec<u64> = thread::scope(|scope| {
        let count = || {
            (0..5000)
                .map(|_| match store.arithmetic(&Arithmetic::new(key, Direction::Increment, 1), NOW) {
                    ArithmeticOutcome::Done { cas, .. } => cas,
                    outcome => panic!("{outcome:?}"),
                })
                .collect::<Vec<u64>>()
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(count)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let value = store.get(key, &Get::CLASSIC, NOW, |hit| hit.value.to_vec());
    assert_eq!(value.as_deref(), Some(&b"20000"[..]));
    cas_values.sort_unstable();
    cas_values.dedup();
    assert_eq!(cas_values.len(), 20_000);
}
