//! A trace of skewed reads with scans in between, and what plain LRU makes of it; shared with `examples/hit_ratio.rs`.

use std::collections::{HashMap, VecDeque};

use peerset_store::{Config, Get, Key, Put, Store};

const NOW: u32 = 1_700_000_000;
const VALUE: [u8; 100] = [b'v'; 100];
/// What an item of this trace takes in the store, index and eviction's memory included. LRU is charged the same, so that
/// only the policies are compared.
pub(crate) const ITEM_BYTES: u64 = 160;

/// Requests by key number. Zipf-distributed over `keys`, and every so often a scan over keys never seen again.
pub(crate) struct Trace {
    cumulative: Vec<f64>,
    state: u64,
    scan_len: u64,
    scan_every: u64,
    scanning: u64,
    asked: u64,
    fresh: u64,
}

impl Trace {
    pub(crate) fn new(keys: usize, skew: f64, scan_len: u64, scan_every: u64) -> Trace {
        let weights = (1..=keys).map(|rank| (rank as f64).powf(-skew));
        let cumulative = weights.scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        let cumulative = cumulative.collect();
        Trace { cumulative, state: 42, scan_len, scan_every, scanning: 0, asked: 0, fresh: 1 << 40 }
    }
}

impl Iterator for Trace {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.asked += 1;
        if self.scan_every > 0 && self.asked.is_multiple_of(self.scan_every) {
            self.scanning = self.scan_len;
        }
        if self.scanning > 0 {
            self.scanning -= 1;
            self.fresh += 1;
            return Some(self.fresh);
        }
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let total = self.cumulative.last()?;
        let point = (self.state >> 11) as f64 / (1u64 << 53) as f64 * total;
        Some(self.cumulative.partition_point(|&sum| sum < point) as u64)
    }
}

/// The share of requests that found their key, each miss being filled, in a store of that size.
pub(crate) fn store_hit_ratio(memory_bytes: u64, trace: impl Iterator<Item = u64>) -> f64 {
    let mut config = Config::new(memory_bytes, 1);
    config.item_bytes_max = 64 << 10;
    let store = Store::new(&config).expect("the sizes are valid");
    ratio(trace, |number| {
        let name = format!("key:{number:016}");
        let key = Key::new(name.as_bytes()).expect("20 bytes");
        let hit = store.get(key, &Get::CLASSIC, NOW, |_| ()).is_some();
        if !hit {
            let _ = store.put(&Put::new(key, &VALUE), NOW);
        }
        hit
    })
}

/// The same for the least recently used of as many items.
pub(crate) fn lru_hit_ratio(memory_bytes: u64, trace: impl Iterator<Item = u64>) -> f64 {
    let capacity = (memory_bytes / ITEM_BYTES) as usize;
    let mut used: HashMap<u64, u64> = HashMap::new();
    let mut order = VecDeque::new();
    let mut tick = 0;
    ratio(trace, |number| {
        tick += 1;
        order.push_back((number, tick));
        let hit = used.insert(number, tick).is_some();
        while used.len() > capacity {
            // An entry whose key was used again later is only a trace of it.
            let Some((oldest, tick)) = order.pop_front() else { break };
            if used.get(&oldest) == Some(&tick) {
                used.remove(&oldest);
            }
        }
        hit
    })
}

fn ratio(trace: impl Iterator<Item = u64>, mut request: impl FnMut(u64) -> bool) -> f64 {
    let (mut hits, mut requests) = (0u64, 0u64);
    for number in trace {
        requests += 1;
        hits += u64::from(request(number));
    }
    hits as f64 / requests as f64
}
