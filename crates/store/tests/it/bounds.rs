//! Memory: never more than allowed, never a set refused, and given back when things expire.

use std::sync::Arc;

use peerset_store::{Config, ConfigError, Delete, Expiry, Get, Key, Mode, Put, PutOutcome, Store};

const NOW: u32 = 1_700_000_000;
const MIB: u64 = 1 << 20;

fn store(memory_bytes: u64, item_bytes_max: u32) -> Arc<Store> {
    let mut config = Config::new(memory_bytes, 3);
    (config.item_bytes_max, config.parallelism) = (item_bytes_max, 2);
    Arc::new(Store::new(&config).unwrap())
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn put(store: &Store, name: &[u8], value: &[u8], expiry: Expiry, mode: Mode) {
    let key = Key::new(name).unwrap();
    match store.put(&Put { expiry, mode, ..Put::new(key, value) }, NOW) {
        PutOutcome::Stored { .. } => {}
        PutOutcome::NotStored if mode != Mode::Set => {}
        outcome => panic!("{} bytes: {outcome:?}", value.len()),
    }
}

#[test]
fn any_mix_of_sizes_stays_within_the_memory() {
    let value = vec![b'v'; MIB as usize];
    for (memory, item_max) in [(16 * MIB, MIB as u32), (2 * MIB, MIB as u32), (MIB, 1024)] {
        let store = store(memory, item_max);
        let mut random = Random(memory);
        // Sizes change from phase to phase: what one leaves behind is wrong for the next.
        for size_max in [1, 100, item_max / 2, 10, item_max - 70, 5000.min(item_max - 70), 1, item_max - 70] {
            for step in 0..1000 {
                let name = random.below(100_000).to_le_bytes();
                let len = 1 + random.below(u64::from(size_max)) as usize;
                let mode = if step % 5 == 0 { Mode::Append } else { Mode::Set };
                let expiry = Expiry::from_wire([0, 0, 60, -1][step % 4], NOW);
                put(&store, &name, &value[..len], expiry, mode);
                if len > 100_000 || step % 50 == 0 {
                    let mapped = store.stats().mapped_bytes;
                    assert!(mapped <= memory, "{mapped} of {memory}");
                }
            }
            store.check_invariants();
        }
        assert!(store.stats().evictions > 0, "it was full");
    }
}

#[test]
fn tiny_items_fill_the_memory_too() {
    let store = store(4 * MIB, 1024);
    for item in 0..200_000u64 {
        put(&store, &item.to_le_bytes(), b"v", Expiry::NEVER, Mode::Set);
    }
    store.check_invariants();
    let stats = store.stats();
    assert!(stats.mapped_bytes <= 4 * MIB);
    // 40 bytes of record, 9 to 11 of index, 4 of memory for those evicted.
    assert!(stats.items > 4 * MIB / 64, "{stats:?}");
    // And then the largest: the index, nearly empty, makes room too.
    for item in 0..5000u64 {
        put(&store, &item.to_le_bytes(), &[b'v'; 900], Expiry::NEVER, Mode::Set);
    }
    store.check_invariants();
    assert!(store.stats().items > 4 * MIB / 1300, "{:?}", store.stats());
}

#[test]
fn half_the_memory_is_one_item() {
    let store = store(2 * MIB, MIB as u32);
    let large = vec![b'L'; MIB as usize - 67];
    for round in 0..20u8 {
        for item in 0..500u64 {
            put(&store, &item.to_le_bytes(), &[round; 500], Expiry::NEVER, Mode::Set);
        }
        put(&store, b"large", &large, Expiry::NEVER, Mode::Set);
        let key = Key::new(b"large").unwrap();
        let same = store.get(key, &Get::CLASSIC, NOW, |hit| hit.value.to_vec() == large);
        assert_eq!(same, Some(true));
        store.check_invariants();
    }
    let mut config = Config::new(2 * MIB - 1, 3);
    let refused = ConfigError::MemoryTooSmall { memory_bytes: 2 * MIB - 1, at_least: 2 * MIB };
    assert_eq!(Store::new(&config).unwrap_err(), refused);
    config.memory_bytes += 1;
    assert!(Store::new(&config).is_ok());
}

#[test]
fn overwriting_and_deleting_evicts_nothing() {
    let store = store(8 * MIB, 64 << 10);
    let mut random = Random(1);
    // At most 5 of the 8 MiB are alive at a time, though 60 are written.
    for _ in 0..30_000 {
        let name = random.below(2500).to_le_bytes();
        let len = 1 + random.below(4000) as usize;
        put(&store, &name, &vec![b'v'; len], Expiry::NEVER, Mode::Set);
        if random.below(4) == 0 {
            let name = random.below(2500).to_le_bytes();
            let _ = store.delete(&Delete::new(Key::new(&name).unwrap()), NOW);
        }
    }
    store.check_invariants();
    assert_eq!(store.stats().evictions, 0, "{:?}", store.stats());
}

#[test]
fn expired_memory_comes_back() {
    let store = store(64 * MIB, MIB as u32);
    let value = vec![b'v'; 300_000];
    for item in 0..100_000u64 {
        let expiry = Expiry::from_wire(10 + (item % 90) as i64, NOW);
        let len = if item % 1000 == 0 { value.len() } else { 100 };
        put(&store, &item.to_le_bytes(), &value[..len], expiry, Mode::Set);
    }
    put(&store, b"stays", b"v", Expiry::NEVER, Mode::Set);
    let full = store.stats();
    assert_eq!((full.items, full.evictions), (100_001, 0));

    while store.maintain(NOW + 9, 16).more {}
    assert_eq!(store.stats().items, 100_001, "nothing is due");
    let mut mapped = full.mapped_bytes;
    for passed in [50, 80, 100] {
        while store.maintain(NOW + passed, 16).more {}
        store.check_invariants();
        let stats = store.stats();
        assert!(stats.mapped_bytes < mapped, "after {passed} s {} of {mapped} are left", stats.mapped_bytes);
        mapped = stats.mapped_bytes;
    }
    let stats = store.stats();
    assert_eq!((stats.items, stats.expired, stats.expired_unfetched), (1, 100_000, 100_000));
    assert!(mapped < MIB, "{mapped} bytes for one item");
}

#[test]
fn a_step_of_maintenance_is_one_segment() {
    let store = store(64 * MIB, MIB as u32);
    for item in 0..50_000u64 {
        put(&store, &item.to_le_bytes(), &[b'v'; 100], Expiry::from_wire(1, NOW), Mode::Set);
    }
    let segments = store.stats().segments;
    let done = store.maintain(NOW + 1, 3);
    assert_eq!((done.steps, done.more), (3, true));
    assert_eq!(store.stats().segments, segments - 3);
}

#[test]
fn flushed_memory_comes_back_at_once() {
    let store = store(64 * MIB, MIB as u32);
    for item in 0..50_000u64 {
        put(&store, &item.to_le_bytes(), &[b'v'; 100], Expiry::NEVER, Mode::Set);
    }
    store.flush_all(0, NOW);
    let stats = store.stats();
    assert_eq!((stats.items, stats.flushed, stats.mapped_bytes), (0, 50_000, 0));
    store.check_invariants();
}

#[test]
fn reservations_count_and_leave_room_for_every_item() {
    let memory = 32 * MIB;
    let store = store(memory, MIB as u32);
    let value = vec![b'v'; MIB as usize - 67];
    for item in 0..220_000u64 {
        put(&store, &item.to_le_bytes(), &value[..100], Expiry::NEVER, Mode::Set);
    }
    let mut reservations = Vec::new();
    while let Some(reservation) = store.reserve(MIB, NOW) {
        assert_eq!(reservation.bytes(), MIB);
        reservations.push(reservation);
        let stats = store.stats();
        assert!(stats.mapped_bytes + stats.reserved_bytes <= memory);
    }
    let reserved = reservations.len() as u64 * MIB;
    assert!(reserved > memory / 4, "{reserved}");
    assert!(store.reserve(u64::MAX, NOW).is_none());
    for item in 0..50u64 {
        put(&store, &item.to_be_bytes(), &value, Expiry::NEVER, Mode::Set);
        let stats = store.stats();
        assert!(stats.mapped_bytes + stats.reserved_bytes <= memory);
    }
    store.check_invariants();
    drop(reservations);
    assert_eq!(store.stats().reserved_bytes, 0);
    for item in 0..220_000u64 {
        put(&store, &item.to_le_bytes(), &value[..100], Expiry::NEVER, Mode::Set);
    }
    assert!(store.stats().mapped_bytes > memory / 10 * 9, "all of it is used again");
}
