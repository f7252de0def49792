//! The classic commands.

use peerset_proto_memcache::Fault;
use peerset_proto_memcache::reply::encode;
use peerset_proto_memcache::request::{self, Arithmetic, StoreVerb};
use peerset_store::{
    ArithmeticOutcome, Delete, DeleteOutcome, Direction, Expiry, Get, Key, Mode, Put, PutOutcome, Store,
};

use super::counters::CommandCounters;
use super::session::{OUTPUT_SCARCE, Progress, VALUE_LARGE, line};

/// A key that the parser has checked, as the store takes it. Were there one that it does not take, the error appended
/// here would keep the replies behind it in step.
#[inline]
pub(super) fn stored<'k>(key: &'k [u8], output: &mut Vec<u8>) -> Option<Key<'k>> {
    let key = Key::new(key);
    debug_assert!(key.is_ok(), "the parser lets no key through that the store would refuse");
    key.inspect_err(|error| encode::server_error(output, &error.to_string())).ok()
}

/// `get`, `gets`, `gat`, `gats`: continues behind the first `keys_done` keys, and stops once the output has
/// `output_high` bytes.
pub(super) fn get(
    store: &Store,
    counters: &CommandCounters,
    get: &request::Get<'_>,
    keys_done: usize,
    output_high: usize,
    now: u32,
    output: &mut Vec<u8>,
) -> Progress {
    let how = match get.touch {
        None => Get::CLASSIC,
        Some(exptime) => Get::touching(Expiry::from_wire(i64::from(exptime), now)),
    };
    let (mut hits, mut misses) = (0, 0);
    let mut progress = Progress::Done;
    for (number, key) in get.keys.iter().enumerate().skip(keys_done) {
        if output.len() >= output_high {
            progress = Progress::Keys(number);
            break;
        }
        let Some(name) = stored(key.as_bytes(), output) else { continue };
        if output_high == OUTPUT_SCARCE && is_large(store, name, now) {
            progress = Progress::Wait(number);
            break;
        }
        let found = store.get(name, &how, now, |hit| {
            let cas = get.cas.then_some(hit.cas);
            encode::value_header(output, key.as_bytes(), hit.flags, hit.value.len(), cas);
            hit.value.copy_to(output);
            output.extend_from_slice(b"\r\n");
        });
        match found {
            Some(()) => hits += 1,
            None => misses += 1,
        }
    }
    if get.touch.is_some() {
        counters.cmd_touch.add(hits + misses);
        counters.touch_hits.add(hits);
        counters.touch_misses.add(misses);
    } else {
        counters.cmd_get.add(hits + misses);
        counters.get_hits.add(hits);
        counters.get_misses.add(misses);
    }
    if matches!(progress, Progress::Done) {
        output.extend_from_slice(encode::END);
    }
    progress
}

/// Whether a key's value is one that waits while memory for replies is scarce.
pub(super) fn is_large(store: &Store, key: Key<'_>, now: u32) -> bool {
    store.get(key, &Get::PEEK, now, |hit| hit.value.len() >= VALUE_LARGE).unwrap_or(false)
}

/// `set`, `add`, `replace`, `append`, `prepend`, `cas`.
pub(super) fn store(
    store: &Store,
    counters: &CommandCounters,
    request: &request::Store<'_>,
    now: u32,
    output: &mut Vec<u8>,
) {
    let Some(key) = stored(request.key.as_bytes(), output) else { return };
    let mut put = Put::new(key, request.value);
    put.flags = request.flags;
    put.expiry = Expiry::from_wire(i64::from(request.exptime), now);
    put.mode = match request.verb {
        StoreVerb::Set | StoreVerb::Cas => Mode::Set,
        StoreVerb::Add => Mode::Add,
        StoreVerb::Replace => Mode::Replace,
        StoreVerb::Append => Mode::Append,
        StoreVerb::Prepend => Mode::Prepend,
    };
    put.compare_cas = (request.verb == StoreVerb::Cas).then_some(request.cas);
    let outcome = store.put(&put, now);
    count_put(counters, put.compare_cas.is_some(), outcome);
    let reply = match outcome {
        PutOutcome::Stored { .. } => encode::STORED,
        PutOutcome::NotStored => encode::NOT_STORED,
        PutOutcome::Exists => encode::EXISTS,
        PutOutcome::NotFound => encode::NOT_FOUND,
        PutOutcome::TooLarge => {
            if request.verb == StoreVerb::Set {
                drop_outdated(store, key, now);
            }
            Fault::TooLarge.reply()
        }
        PutOutcome::OutOfMemory => encode::OUT_OF_MEMORY,
    };
    line(output, request.noreply, reply);
}

/// Drops the item whose successor was refused: serving it on would be stale.
pub(super) fn drop_outdated(store: &Store, key: Key<'_>, now: u32) {
    // Whether there was one does not matter.
    let _ = store.delete(&Delete::new(key), now);
}

/// Counts a store by its outcome.
pub(super) fn count_put(counters: &CommandCounters, compared: bool, outcome: PutOutcome) {
    counters.cmd_set.add(1);
    match outcome {
        PutOutcome::Stored { .. } if compared => counters.cas_hits.add(1),
        PutOutcome::Exists if compared => counters.cas_badval.add(1),
        PutOutcome::NotFound if compared => counters.cas_misses.add(1),
        PutOutcome::TooLarge => counters.store_too_large.add(1),
        PutOutcome::OutOfMemory => counters.store_no_memory.add(1),
        _ => {}
    }
}

/// `delete`.
pub(super) fn delete(
    store: &Store,
    counters: &CommandCounters,
    key: request::Key<'_>,
    noreply: bool,
    now: u32,
    output: &mut Vec<u8>,
) {
    let Some(key) = stored(key.as_bytes(), output) else { return };
    let reply = match store.delete(&Delete::new(key), now) {
        DeleteOutcome::Done => {
            counters.delete_hits.add(1);
            encode::DELETED
        }
        _ => {
            counters.delete_misses.add(1);
            encode::NOT_FOUND
        }
    };
    line(output, noreply, reply);
}

/// `touch`.
pub(super) fn touch(
    store: &Store,
    counters: &CommandCounters,
    key: request::Key<'_>,
    exptime: i32,
    noreply: bool,
    now: u32,
    output: &mut Vec<u8>,
) {
    let Some(key) = stored(key.as_bytes(), output) else { return };
    counters.cmd_touch.add(1);
    if store.touch(key, Expiry::from_wire(i64::from(exptime), now), now) {
        counters.touch_hits.add(1);
        line(output, noreply, encode::TOUCHED);
    } else {
        counters.touch_misses.add(1);
        line(output, noreply, encode::NOT_FOUND);
    }
}

/// `incr` and `decr`.
pub(super) fn arithmetic(
    store: &Store,
    counters: &CommandCounters,
    request: &Arithmetic<'_>,
    now: u32,
    output: &mut Vec<u8>,
) {
    let Some(key) = stored(request.key.as_bytes(), output) else { return };
    let direction = direction(request.direction);
    let outcome = store.arithmetic(&peerset_store::Arithmetic::new(key, direction, request.delta), now);
    count_arithmetic(counters, direction, outcome);
    match outcome {
        ArithmeticOutcome::Done { number, .. } => {
            if !request.noreply {
                encode::number(output, number);
            }
        }
        ArithmeticOutcome::NotFound | ArithmeticOutcome::Exists => {
            line(output, request.noreply, encode::NOT_FOUND);
        }
        ArithmeticOutcome::NonNumeric => line(output, request.noreply, encode::NON_NUMERIC),
        ArithmeticOutcome::OutOfMemory => line(output, request.noreply, b"SERVER_ERROR out of memory\r\n"),
    }
}

/// The protocol's direction, as the store takes it.
pub(super) fn direction(direction: request::Direction) -> Direction {
    match direction {
        request::Direction::Increment => Direction::Increment,
        request::Direction::Decrement => Direction::Decrement,
    }
}

/// Counts an `incr`, a `decr` or an `ma` by its outcome.
pub(super) fn count_arithmetic(counters: &CommandCounters, direction: Direction, outcome: ArithmeticOutcome) {
    let (hits, misses) = match direction {
        Direction::Increment => (&counters.incr_hits, &counters.incr_misses),
        Direction::Decrement => (&counters.decr_hits, &counters.decr_misses),
    };
    match outcome {
        ArithmeticOutcome::Done { created: false, .. } => hits.add(1),
        ArithmeticOutcome::NotFound => misses.add(1),
        _ => {}
    }
}
