//! One caller: it asks, waits, checks, and asks again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::contenders::{BlockingClient, Client};
use super::scenario::Work;
use crate::load::Items;

/// What the callers are to do now, said by the one who measures: to warm up at first.
#[derive(Debug, Default)]
pub(super) struct Phase(AtomicU8);

impl Phase {
    pub(super) const MEASURED: u8 = 1;
    pub(super) const END: u8 = 2;

    pub(super) fn enter(&self, phase: u8) {
        self.0.store(phase, Ordering::Release);
    }

    fn now(&self) -> u8 {
        self.0.load(Ordering::Acquire)
    }
}

/// A caller's state between its calls.
pub(super) struct Task {
    items: Arc<Items>,
    phase: Arc<Phase>,
    work: Work,
    rng: fastrand::Rng,
    /// The value to store next.
    value: Vec<u8>,
    /// Nanoseconds of each call that ended in the measured time. A list, since writing on where the last write was
    /// disturbs the processor's caches less than counting in a histogram for each of many tasks.
    latencies: Vec<u32>,
    last_end: Instant,
}

/// What to ask next.
enum Call {
    Get(u32),
    /// So many keys from this one on, each [`STRIDE`] after the last.
    GetMany(u32),
    Set(u32),
}

/// Has no divisor in common with the number of keys, so that no key comes twice in one read.
const STRIDE: u32 = 4877;

impl Task {
    pub(super) fn new(items: &Arc<Items>, phase: &Arc<Phase>, work: Work, seed: u64) -> Task {
        Task {
            items: Arc::clone(items),
            phase: Arc::clone(phase),
            work,
            rng: fastrand::Rng::with_seed(seed),
            value: Vec::new(),
            latencies: Vec::new(),
            last_end: Instant::now(),
        }
    }

    /// Calls until the end; the latencies.
    pub(super) async fn run<C: Client>(mut self, client: C) -> Result<Vec<u32>> {
        let items = Arc::clone(&self.items);
        while self.goes_on() {
            match self.next() {
                Call::Get(id) => {
                    let value = client.get(items.key(id)).await?;
                    check(&items, id, value.as_ref().map(C::Value::as_ref))?;
                }
                Call::Set(id) => client.set(items.key(id), &self.value).await?,
                Call::GetMany(first) => {
                    let keys = keys(&items, first, self.work.keys);
                    let mut right = 0;
                    let mut found =
                        |key: &[u8], value: &[u8]| right += usize::from(is_right(&items, key, value));
                    client.get_many(&keys, &mut found).await?;
                    ensure!(right == keys.len(), "{right} of {} values came right", keys.len());
                }
            }
        }
        Ok(self.latencies)
    }

    /// The same on a thread that blocks.
    pub(super) fn run_blocking(mut self, client: &impl BlockingClient) -> Result<Vec<u32>> {
        let items = Arc::clone(&self.items);
        while self.goes_on() {
            match self.next() {
                Call::Get(id) => check(&items, id, client.get(items.key(id))?.as_deref())?,
                Call::Set(id) => client.set(items.key(id), &self.value)?,
                Call::GetMany(first) => {
                    let keys = keys(&items, first, self.work.keys);
                    let mut right = 0;
                    let mut found =
                        |key: &[u8], value: &[u8]| right += usize::from(is_right(&items, key, value));
                    client.get_many(&keys, &mut found)?;
                    ensure!(right == keys.len(), "{right} of {} values came right", keys.len());
                }
            }
        }
        Ok(self.latencies)
    }

    /// Takes down the call that has ended, and whether another follows. One look at the clock for both.
    fn goes_on(&mut self) -> bool {
        let (phase, now) = (self.phase.now(), Instant::now());
        if phase == Phase::MEASURED {
            let nanoseconds = now.duration_since(self.last_end).as_nanos();
            self.latencies.push(u32::try_from(nanoseconds).unwrap_or(u32::MAX));
        }
        self.last_end = now;
        phase != Phase::END
    }

    fn next(&mut self) -> Call {
        // One draw decides about kind and version; the key is drawn apart.
        let draw = self.rng.u32(..);
        let id = self.rng.u32(..self.items.count());
        if draw.is_multiple_of(10) {
            self.value.clear();
            self.items.push_value(&mut self.value, id, (draw >> 16) as u8);
            return Call::Set(id);
        }
        if self.work.keys > 1 { Call::GetMany(id) } else { Call::Get(id) }
    }
}

fn keys(items: &Items, first: u32, count: usize) -> Vec<&str> {
    (0..count as u32).map(|at| items.key((first + at * STRIDE) % items.count())).collect()
}

fn check(items: &Items, id: u32, value: Option<&[u8]>) -> Result<()> {
    let value = value.with_context(|| format!("{} is missing", items.key(id)))?;
    ensure!(items.is_value_of(value, id), "{} has {:?}", items.key(id), value.escape_ascii().to_string());
    Ok(())
}

fn is_right(items: &Items, key: &[u8], value: &[u8]) -> bool {
    items.id_of(key).is_some_and(|id| items.is_value_of(value, id))
}

#[test]
fn no_key_comes_twice_in_one_read() {
    use super::scenario::KEY_COUNT;
    let items = Items::new(KEY_COUNT, 12, 100);
    let read: std::collections::HashSet<_> = keys(&items, KEY_COUNT - 1, 100).into_iter().collect();
    assert_eq!(read.len(), 100);
}
