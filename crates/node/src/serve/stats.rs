//! The `stats` command: memcached's field names where the field means something here.
//!
//! | command | shows |
//! |---|---|
//! | `stats` | the process, its connections, commands and items |
//! | `stats settings` | what the node was started with |
//! | `stats items` | the one class of items there is, as class 1 |
//! | `stats slabs` | segments, as class 1 |
//! | `stats conns` | nothing but the end: connections are shown by `/metrics` |
//! | `stats sizes` | that histograms of sizes are not kept |
//! | `stats reset` | sets the counters of commands and evictions to zero |
//!
//! Counters mean what memcached's of that name mean, but for: `cmd_meta`, which counts every meta command and not only
//! `me`; `crawler_reclaimed`, which counts all expired items that upkeep removed. `get_flushed` is not kept, since a flush
//! frees at once; `stats detail`, `cachedump` and `dump` are refused.

use std::fmt::Display;
use std::sync::PoisonError;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use peerset_proto_memcache::reply::encode;
use peerset_proto_memcache::request::Words;

use super::Node;
use crate::front::unix_now;

/// The memcached whose commands are understood: clients read features off this number, some so strictly that anything
/// behind it fails them. Our own version is in `stats` as `peerset_version`.
pub(super) const VERSION: &str = "1.6.18";

/// Answers `stats` with its arguments.
pub(super) fn answer(node: &Node, arguments: Words<'_>, output: &mut Vec<u8>) {
    let mut words = arguments.iter();
    match words.next() {
        None => general(node, output),
        Some(b"settings") => settings(node, output),
        Some(b"items") => items(node, output),
        Some(b"slabs") => slabs(node, output),
        Some(b"conns") => {}
        Some(b"sizes") => stat(output, "sizes_status", "disabled"),
        Some(b"reset") => {
            reset(node);
            output.extend_from_slice(encode::RESET);
            return;
        }
        Some(_) => {
            output.extend_from_slice(encode::ERROR);
            return;
        }
    }
    output.extend_from_slice(encode::END);
}

fn reset(node: &Node) {
    *node.commands_at_reset.lock().unwrap_or_else(PoisonError::into_inner) = node.commands();
    node.store.reset_stats();
}

fn stat(output: &mut Vec<u8>, name: &str, value: impl Display) {
    encode::stat(output, name, &value.to_string());
}

fn general(node: &Node, output: &mut Vec<u8>) {
    process(node, output);
    connections(node, output);
    commands(node, output);
    store(node, output);
}

fn process(node: &Node, output: &mut Vec<u8>) {
    stat(output, "pid", std::process::id());
    stat(output, "uptime", node.uptime().as_secs());
    stat(output, "time", unix_now());
    stat(output, "version", VERSION);
    stat(output, "peerset_version", env!("CARGO_PKG_VERSION"));
    stat(output, "pointer_size", usize::BITS);
    if let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) {
        stat(output, "rusage_user", seconds(usage.user_time()));
        stat(output, "rusage_system", seconds(usage.system_time()));
    }
    stat(output, "threads", node.settings.front.threads);
}

fn seconds(time: TimeVal) -> String {
    format!("{}.{:06}", time.tv_sec(), time.tv_usec())
}

fn connections(node: &Node, output: &mut Vec<u8>) {
    let front = &node.front;
    stat(output, "max_connections", node.settings.front.max_conns);
    stat(output, "curr_connections", front.connections());
    stat(output, "total_connections", front.accepted.value());
    stat(output, "rejected_connections", front.rejected.value());
    stat(output, "connection_structures", front.connections());
    stat(output, "accepting_conns", u8::from(!node.draining()));
    stat(output, "idle_kicks", front.sum(|worker| &worker.idle_closed));
    stat(output, "stalled_kicks", front.sum(|worker| &worker.stalled_closed));
    stat(output, "conn_yields", front.sum(|worker| &worker.yields));
    stat(output, "bytes_read", front.sum(|worker| &worker.bytes_read));
    stat(output, "bytes_written", front.sum(|worker| &worker.bytes_written));
}

fn commands(node: &Node, output: &mut Vec<u8>) {
    let counts = node.commands_since_reset();
    for (name, value) in [
        ("cmd_get", counts.cmd_get),
        ("cmd_set", counts.cmd_set),
        ("cmd_flush", counts.cmd_flush),
        ("cmd_touch", counts.cmd_touch),
        ("cmd_meta", counts.cmd_meta),
        ("get_hits", counts.get_hits),
        ("get_misses", counts.get_misses),
        ("delete_misses", counts.delete_misses),
        ("delete_hits", counts.delete_hits),
        ("incr_misses", counts.incr_misses),
        ("incr_hits", counts.incr_hits),
        ("decr_misses", counts.decr_misses),
        ("decr_hits", counts.decr_hits),
        ("cas_misses", counts.cas_misses),
        ("cas_hits", counts.cas_hits),
        ("cas_badval", counts.cas_badval),
        ("touch_hits", counts.touch_hits),
        ("touch_misses", counts.touch_misses),
        ("store_too_large", counts.store_too_large),
        ("store_no_memory", counts.store_no_memory),
        ("protocol_errors", counts.protocol_errors),
    ] {
        stat(output, name, value);
    }
}

fn store(node: &Node, output: &mut Vec<u8>) {
    let store = node.store.stats();
    stat(output, "limit_maxbytes", node.settings.memory.0);
    stat(output, "hash_bytes", store.index_bytes);
    stat(output, "bytes", store.bytes);
    stat(output, "curr_items", store.items);
    stat(output, "total_items", store.items_total);
    stat(output, "expired_unfetched", store.expired_unfetched);
    stat(output, "evicted_unfetched", store.evicted_unfetched);
    stat(output, "evicted_active", store.evicted_active);
    stat(output, "evictions", store.evictions);
    stat(output, "reclaimed", store.reclaimed);
    stat(output, "get_expired", store.expired_on_access);
    stat(
        output,
        "crawler_reclaimed",
        store.expired.saturating_sub(store.reclaimed + store.expired_on_access),
    );
    stat(output, "mapped_bytes", store.mapped_bytes);
    stat(output, "dead_bytes", store.dead_bytes);
    stat(output, "reserved_bytes", store.reserved_bytes);
}

fn settings(node: &Node, output: &mut Vec<u8>) {
    let settings = &node.settings;
    stat(output, "maxbytes", settings.memory.0);
    stat(output, "maxconns", settings.front.max_conns);
    stat(output, "tcpport", node.first_address.map_or(0, |address| address.port()));
    stat(output, "udpport", 0);
    stat(
        output,
        "inter",
        node.first_address.map_or_else(|| "NULL".to_owned(), |address| address.ip().to_string()),
    );
    stat(output, "evictions", "on");
    stat(output, "num_threads", settings.front.threads);
    stat(output, "cas_enabled", "yes");
    stat(output, "auth_enabled_sasl", "no");
    stat(output, "item_size_max", settings.max_item.0);
    stat(output, "maxconns_fast", "yes");
    stat(output, "idle_timeout", settings.front.idle_timeout.map_or(0, |limit| limit.as_secs()));
    stat(output, "stall_timeout", settings.front.stall_timeout.as_secs_f64());
    stat(output, "flush_enabled", "yes");
    stat(output, "shutdown_command", "no");
    stat(output, "binding_protocol", "ascii");
}

fn items(node: &Node, output: &mut Vec<u8>) {
    let store = node.store.stats();
    if store.items == 0 {
        return;
    }
    stat(output, "items:1:number", store.items);
    stat(output, "items:1:mem_requested", store.bytes);
    stat(output, "items:1:evicted", store.evictions);
    stat(output, "items:1:evicted_unfetched", store.evicted_unfetched);
    stat(output, "items:1:evicted_active", store.evicted_active);
    stat(output, "items:1:expired_unfetched", store.expired_unfetched);
    stat(output, "items:1:reclaimed", store.reclaimed);
}

fn slabs(node: &Node, output: &mut Vec<u8>) {
    let store = node.store.stats();
    if store.segments > 0 {
        stat(output, "1:total_pages", store.segments);
        stat(output, "1:used_chunks", store.items);
        stat(output, "1:mem_requested", store.bytes);
    }
    stat(output, "active_slabs", u8::from(store.segments > 0));
    stat(output, "total_malloced", store.mapped_bytes);
}
