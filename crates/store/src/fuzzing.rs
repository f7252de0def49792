//! The fuzz body: operations decoded from bytes, run against the store and against a model of a few lines.
//!
//! The first byte chooses between a store in which everything fits, where nothing may ever be missing, and a tiny one,
//! where items may be missing but never wrong. Every outcome is compared, and the invariants are checked on the way.

mod model;
mod script;

use std::sync::Arc;

use crate::{Config, Get, Hit, Key, Put, Reservation, Store};
use model::{Model, Seen};
use script::{Operation, Script};

/// Runs what `data` says; panics where store and model differ.
pub fn check_operations(data: &[u8]) {
    let Some((&mode, data)) = data.split_first() else { return };
    let tiny = mode & 1 == 1;
    let memory_bytes = if tiny { 1 << 20 } else { 64 << 20 };
    let config =
        Config { item_bytes_max: 300 << 10, parallelism: 2, ..Config::new(memory_bytes, u64::from(mode)) };
    let store = Store::new(&config).expect("both sizes are large enough");
    let mut run = Run {
        store: Arc::new(store),
        model: Model::new(),
        now: 1_000_000_000,
        tiny,
        reservations: Vec::new(),
    };
    let mut script = Script::new(data);
    for step in 0.. {
        let Some(operation) = script.operation() else { break };
        run.step(&operation);
        if step % 32 == 0 {
            run.check_counters();
        }
    }
    run.check_counters();
}

struct Run {
    store: Arc<Store>,
    model: Model,
    now: u32,
    tiny: bool,
    reservations: Vec<Reservation>,
}

impl Run {
    fn step(&mut self, operation: &Operation) {
        let now = self.now;
        self.model.settle(now);
        if let Some(key) = operation.key() {
            self.forget_evicted(key);
        }
        match operation {
            Operation::Get(key, how) => {
                let found = self.store.get(*key, how, now, see);
                assert_eq!(found, self.model.get(key.as_bytes(), how, now), "{operation:?}");
            }
            Operation::Put(put, value) => {
                let put = Put { value, ..*put };
                assert_eq!(self.store.put(&put, now), self.model.put(&put, now), "{put:?}");
            }
            Operation::Delete(delete) => {
                assert_eq!(self.store.delete(delete, now), self.model.delete(delete, now), "{delete:?}");
            }
            Operation::Arithmetic(it) => {
                assert_eq!(self.store.arithmetic(it, now), self.model.arithmetic(it, now), "{it:?}");
            }
            Operation::Flush(exptime) => {
                self.store.flush_all(*exptime, now);
                self.model.flush_all(*exptime, now);
            }
            Operation::Wait(seconds) => self.now += seconds,
            Operation::Maintain => while self.store.maintain(now, 3).more {},
            Operation::Reserve(bytes) => self.reservations.extend(self.store.reserve(*bytes, now)),
            Operation::Unreserve => drop(self.reservations.pop()),
        }
    }

    /// An item may have been evicted from a tiny store; the model has to follow.
    fn forget_evicted(&mut self, key: Key<'_>) {
        if self.tiny && self.store.get(key, &Get::PEEK, self.now, |_| ()).is_none() {
            self.model.forget(key.as_bytes());
        }
    }

    fn check_counters(&mut self) {
        while self.store.maintain(self.now, 100).more {}
        self.store.check_invariants();
        self.model.settle(self.now);
        self.model.drop_expired(self.now);
        let stats = self.store.stats();
        if self.tiny {
            assert!(stats.items <= self.model.len());
        } else {
            assert_eq!((stats.items, stats.bytes), (self.model.len(), self.model.bytes()));
            assert_eq!(stats.evictions, 0, "everything fits");
        }
    }
}

/// All that a reader can see of an item.
fn see(hit: &Hit<'_>) -> Seen {
    assert_eq!(hit.value.parts().map(<[u8]>::len).sum::<usize>(), hit.value.len());
    Seen {
        value: hit.value.to_vec(),
        flags: hit.flags,
        cas: hit.cas,
        expiry_before: hit.expiry_before,
        expiry: hit.expiry,
        accessed: hit.accessed,
        fetched_before: hit.fetched_before,
        marks: [hit.won, hit.stale, hit.win_sent, hit.binary_key],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn store_and_model_agree(data in proptest::collection::vec(any::<u8>(), 0..4000)) {
            check_operations(&data);
        }
    }

    /// Long runs fill the tiny store many times over.
    #[test]
    fn store_and_model_agree_for_long() {
        for seed in 0..8u64 {
            let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
            let random = std::iter::repeat_with(|| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 32) as u8
            });
            let data: Vec<u8> = std::iter::once(seed as u8).chain(random.take(60_000)).collect();
            check_operations(&data);
        }
    }
}
