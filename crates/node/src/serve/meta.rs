//! The meta commands.
//!
//! A reply names the flags that ask for something in the order of the request, so each function walks them and shows
//! the item as it is at that point: `t` before `T` is the old time left, behind it the new one.

use peerset_proto_memcache::reply::{MetaStatus, encode};
use peerset_proto_memcache::request::{
    MetaArithmetic, MetaDelete, MetaFlags, MetaGet, MetaKey, MetaSet, SetMode,
};
use peerset_proto_memcache::{Fault, MetaLine};
use peerset_store::{
    Arithmetic, ArithmeticOutcome, Delete, DeleteOutcome, Expiry, Get, Hit, Key, Mode, Put, PutOutcome,
    Recache, Store, item_bytes,
};

use super::classic::{count_arithmetic, count_put, direction, drop_outdated, stored};
use super::counters::CommandCounters;

/// Whether a reply shows the key in base64: it was stored so, or it could not be said otherwise. memcached knows only
/// the former, and lets the key of an item that `N` made break its reply line.
#[inline]
fn shown_in_base64(key: Key<'_>, hit: &Hit<'_>) -> bool {
    hit.binary_key || key.as_bytes().iter().any(|byte| matches!(byte, b' ' | b'\n' | 0))
}

/// Appends what every reply repeats of its request: the opaque, and the key if asked for.
#[inline]
fn echo<'o>(mut line: MetaLine<'o>, flags: MetaFlags<'_>, key: Key<'_>, base64: bool) -> MetaLine<'o> {
    for flag in flags {
        line = match flag.letter {
            b'O' => line.copy(flag),
            b'k' => line.key(key.as_bytes(), base64),
            _ => line,
        };
    }
    line
}

/// The `t` flag: seconds left, -1 for ever.
#[inline]
fn time_left(line: MetaLine<'_>, expiry: Expiry, now: u32) -> MetaLine<'_> {
    line.signed(b't', expiry.ttl(now).map_or(-1, i64::from))
}

/// Whether `first` comes before `second` in the request, both being there.
fn comes_before(flags: MetaFlags<'_>, first: u8, second: u8) -> bool {
    flags
        .iter()
        .find(|flag| flag.letter == first || flag.letter == second)
        .is_some_and(|flag| flag.letter == first)
}

/// What an `mg` asks of the store.
fn how(request: &MetaGet<'_>, now: u32) -> Get {
    let mut how = Get::META;
    how.bump = !request.no_bump;
    let expiry = |exptime: i32| Expiry::from_wire(i64::from(exptime), now);
    how.touch = request.ttl.map(expiry);
    how.cas_new = request.cas_new;
    how.vivify = request.vivify.map(expiry);
    if how.touch.is_some() && how.vivify.is_some() && comes_before(request.flags, b'N', b'T') {
        how.vivify = how.touch;
    }
    how.recache = request.recache.map(|exptime| {
        if how.touch.is_some() && comes_before(request.flags, b'T', b'R') {
            Recache::TouchedBelow(expiry(exptime))
        } else {
            Recache::FoundBelow(expiry(exptime))
        }
    });
    how
}

/// Whether an `mg` would return a value that waits while memory for replies is scarce.
pub(super) fn is_large(store: &Store, request: &MetaGet<'_>, now: u32) -> bool {
    let mut room = [0; Key::BYTES_MAX];
    request.value
        && Key::new(request.key.decode(&mut room)).is_ok_and(|key| super::classic::is_large(store, key, now))
}

/// `mg`.
pub(super) fn get(
    store: &Store,
    counters: &CommandCounters,
    request: &MetaGet<'_>,
    now: u32,
    output: &mut Vec<u8>,
) {
    let mut room = [0; Key::BYTES_MAX];
    let Some(key) = stored(request.key.decode(&mut room), output) else { return };
    let found =
        store.get(key, &how(request, now), now, |hit| write_hit(request, key, hit, now, output)).is_some();
    counters.cmd_meta.add(1);
    // A hit counts as a touch or as a get; a miss always as a get, as in memcached.
    let (asked, outcome) = match (found, request.ttl) {
        (true, Some(_)) => (&counters.cmd_touch, &counters.touch_hits),
        (true, None) => (&counters.cmd_get, &counters.get_hits),
        (false, _) => (&counters.cmd_get, &counters.get_misses),
    };
    asked.add(1);
    outcome.add(1);
    if !found && !request.quiet {
        let line = MetaLine::reply(output, MetaStatus::Miss);
        echo(line, request.flags, key, request.key.is_base64()).end();
    }
}

fn write_hit(request: &MetaGet<'_>, key: Key<'_>, hit: &Hit<'_>, now: u32, output: &mut Vec<u8>) {
    let with_value = request.value && request.cas != Some(hit.cas);
    let mut line = if with_value {
        MetaLine::reply_value_header(output, hit.value.len())
    } else {
        MetaLine::reply(output, MetaStatus::Done)
    };
    let mut expiry = hit.expiry_before;
    for flag in request.flags {
        line = match flag.letter {
            b'T' => {
                expiry = request.ttl.map_or(expiry, |exptime| Expiry::from_wire(i64::from(exptime), now));
                line
            }
            b'N' if hit.created => {
                expiry = request.vivify.map_or(expiry, |exptime| Expiry::from_wire(i64::from(exptime), now));
                line
            }
            b's' => line.number(b's', hit.value.len() as u64),
            b't' => time_left(line, expiry, now),
            b'c' => line.number(b'c', hit.cas),
            b'f' => line.number(b'f', u64::from(hit.flags)),
            b'l' => line.number(b'l', u64::from(now.saturating_sub(hit.accessed))),
            b'h' => line.number(b'h', u64::from(hit.fetched_before)),
            b'O' => line.copy(flag),
            b'k' => line.key(key.as_bytes(), shown_in_base64(key, hit)),
            _ => line,
        };
    }
    for (letter, set) in [(b'Z', hit.win_sent), (b'X', hit.stale), (b'W', hit.won)] {
        if set {
            line = line.flag(letter);
        }
    }
    line.end();
    if with_value {
        hit.value.copy_to(output);
        output.extend_from_slice(b"\r\n");
    }
}

/// `ms`.
pub(super) fn set(
    store: &Store,
    counters: &CommandCounters,
    request: &MetaSet<'_>,
    now: u32,
    output: &mut Vec<u8>,
) {
    let mut room = [0; Key::BYTES_MAX];
    let Some(key) = stored(request.key.decode(&mut room), output) else { return };
    let mut put = Put::new(key, request.value);
    put.mode = match request.mode {
        SetMode::Set => Mode::Set,
        SetMode::Add => Mode::Add,
        SetMode::Replace => Mode::Replace,
        SetMode::Append => Mode::Append,
        SetMode::Prepend => Mode::Prepend,
    };
    put.flags = request.client_flags;
    put.expiry = Expiry::from_wire(i64::from(request.ttl), now);
    put.compare_cas = request.cas;
    put.cas_new = request.cas_new;
    put.invalidate = request.invalidate;
    put.vivify = request.vivify.map(|exptime| Expiry::from_wire(i64::from(exptime), now));
    put.binary_key = request.key.is_base64();
    let outcome = store.put(&put, now);
    counters.cmd_meta.add(1);
    count_put(counters, request.cas.is_some(), outcome);

    let (status, cas, value_len) = match outcome {
        PutOutcome::Stored { .. } if request.quiet => return,
        PutOutcome::Stored { cas, value_len } => (MetaStatus::Done, cas, value_len),
        PutOutcome::NotStored => (MetaStatus::NotStored, 0, request.value.len()),
        PutOutcome::Exists => (MetaStatus::Exists, 0, request.value.len()),
        PutOutcome::NotFound => (MetaStatus::NotFound, 0, request.value.len()),
        PutOutcome::TooLarge => {
            drop_outdated(store, key, now);
            return output.extend_from_slice(Fault::TooLarge.reply());
        }
        PutOutcome::OutOfMemory => return output.extend_from_slice(encode::OUT_OF_MEMORY),
    };
    let mut line = MetaLine::reply(output, status);
    for flag in request.flags {
        line = match flag.letter {
            b'O' => line.copy(flag),
            b'k' => line.key(key.as_bytes(), request.key.is_base64()),
            b'c' => line.number(b'c', cas),
            b's' => line.number(b's', value_len as u64),
            _ => line,
        };
    }
    line.end();
}

/// `md`.
pub(super) fn delete(
    store: &Store,
    counters: &CommandCounters,
    request: &MetaDelete<'_>,
    now: u32,
    output: &mut Vec<u8>,
) {
    let mut room = [0; Key::BYTES_MAX];
    let Some(key) = stored(request.key.decode(&mut room), output) else { return };
    let mut delete = Delete::new(key);
    delete.compare_cas = request.cas;
    delete.cas_new = request.cas_new;
    delete.mark_stale = request.invalidate;
    delete.touch = request.ttl.map(|exptime| Expiry::from_wire(i64::from(exptime), now));
    delete.drop_value = request.remove_value.then_some(0);
    counters.cmd_meta.add(1);
    let status = match store.delete(&delete, now) {
        DeleteOutcome::Done => {
            if !request.invalidate {
                counters.delete_hits.add(1);
            }
            if request.quiet {
                return;
            }
            MetaStatus::Done
        }
        DeleteOutcome::NotFound => {
            counters.delete_misses.add(1);
            MetaStatus::NotFound
        }
        DeleteOutcome::Exists => {
            counters.delete_misses.add(1);
            MetaStatus::Exists
        }
        DeleteOutcome::OutOfMemory => return output.extend_from_slice(encode::OUT_OF_MEMORY),
    };
    echo(MetaLine::reply(output, status), request.flags, key, request.key.is_base64()).end();
}

/// `ma`.
pub(super) fn arithmetic(
    store: &Store,
    counters: &CommandCounters,
    request: &MetaArithmetic<'_>,
    now: u32,
    output: &mut Vec<u8>,
) {
    let mut room = [0; Key::BYTES_MAX];
    let Some(key) = stored(request.key.decode(&mut room), output) else { return };
    let expiry = |exptime: i32| Expiry::from_wire(i64::from(exptime), now);
    let mut arithmetic = Arithmetic::new(key, direction(request.direction), request.delta);
    arithmetic.compare_cas = request.cas;
    arithmetic.cas_new = request.cas_new;
    arithmetic.touch = request.ttl.map(expiry);
    arithmetic.initial = request.vivify.map(|vivify| {
        let touched_last = comes_before(request.flags, b'N', b'T');
        (request.initial, expiry(request.ttl.filter(|_| touched_last).unwrap_or(vivify)))
    });
    let outcome = store.arithmetic(&arithmetic, now);
    counters.cmd_meta.add(1);
    count_arithmetic(counters, arithmetic.direction, outcome);

    let status = match outcome {
        ArithmeticOutcome::Done { created, .. } if request.quiet && !created => return,
        ArithmeticOutcome::Done { number, cas, expiry_before, created, .. } => {
            let mut text = Vec::with_capacity(24);
            encode::number(&mut text, number);
            let mut line = if request.value {
                MetaLine::reply_value_header(output, text.len() - 2)
            } else {
                MetaLine::reply(output, MetaStatus::Done)
            };
            let mut current = expiry_before;
            for flag in request.flags {
                line = match flag.letter {
                    b'T' => {
                        current = request.ttl.map_or(current, expiry);
                        line
                    }
                    b'N' if created => {
                        current = request.vivify.map_or(current, expiry);
                        line
                    }
                    b't' => time_left(line, current, now),
                    b'c' => line.number(b'c', cas),
                    b'O' => line.copy(flag),
                    b'k' => line.key(key.as_bytes(), request.key.is_base64()),
                    _ => line,
                };
            }
            line.end();
            if request.value {
                output.extend_from_slice(&text);
            }
            return;
        }
        ArithmeticOutcome::NotFound => MetaStatus::NotFound,
        ArithmeticOutcome::Exists => MetaStatus::Exists,
        ArithmeticOutcome::NonNumeric => return output.extend_from_slice(encode::NON_NUMERIC),
        ArithmeticOutcome::OutOfMemory => return output.extend_from_slice(b"SERVER_ERROR out of memory\r\n"),
    };
    echo(MetaLine::reply(output, status), request.flags, key, request.key.is_base64()).end();
}

/// `me`: for people, and without a trace.
pub(super) fn debug(
    store: &Store,
    counters: &CommandCounters,
    key: &MetaKey<'_>,
    now: u32,
    output: &mut Vec<u8>,
) {
    use std::io::Write;
    counters.cmd_meta.add(1);
    let mut room = [0; Key::BYTES_MAX];
    let Some(name) = stored(key.decode(&mut room), output) else { return };
    let found = store.get(name, &Get::PEEK, now, |hit| {
        output.extend_from_slice(b"ME ");
        if shown_in_base64(name, hit) {
            peerset_proto_memcache::base64::encode(name.as_bytes(), output);
        } else {
            output.extend_from_slice(name.as_bytes());
        }
        // Seconds since the item ended, so negative for one that lives: as memcached shows it.
        let ended = match hit.expiry_before.unix_seconds() {
            0 => -1,
            expires => i64::from(now) - i64::from(expires),
        };
        write!(
            output,
            " exp={ended} la={} cas={} fetch={} cls=1 size={}\r\n",
            now.saturating_sub(hit.accessed),
            hit.cas,
            if hit.fetched_before { "yes" } else { "no" },
            item_bytes(name.as_bytes().len(), hit.flags, hit.value.len()),
        )
        .expect("writing to a Vec cannot fail");
    });
    if found.is_none() {
        output.extend_from_slice(encode::META_MISS);
    }
}
