//! The `stats` command of the proxy.
//!
//! | command | shows |
//! |---|---|
//! | `stats` | the process, its connections, and what clients sent |
//! | `stats servers` | for each server: state, requests, hits, misses, errors, time-outs, ejections; `POOL:SERVER:NAME` |
//! | `stats pools` | for each pool: its state, servers and placement; `POOL:NAME` |
//! | `stats settings` | what the proxy was started with |
//!
//! What a server itself counts is asked of that server; sums over servers would mean little.

use std::fmt::Display;

use peerset_proto_memcache::reply::encode;
use peerset_proto_memcache::request::Words;

use super::Proxy;
use crate::front::{Counter, unix_now};

/// The memcached whose commands are understood, as clients want it said.
pub(super) const VERSION: &str = "1.6.18";

/// Answers `stats` with its arguments.
pub(super) fn answer(proxy: &Proxy, arguments: Words<'_>, out: &mut Vec<u8>) {
    let mut words = arguments.iter();
    match words.next() {
        None => general(proxy, out),
        Some(b"servers") => servers(proxy, out),
        Some(b"pools") => pools(proxy, out),
        Some(b"settings") => settings(proxy, out),
        // Of items the proxy has none, and it has no classes of them.
        Some(b"items" | b"slabs" | b"conns") => {}
        Some(_) => return out.extend_from_slice(encode::ERROR),
    }
    out.extend_from_slice(encode::END);
}

fn stat(out: &mut Vec<u8>, name: &str, value: impl Display) {
    encode::stat(out, name, &value.to_string());
}

fn general(proxy: &Proxy, out: &mut Vec<u8>) {
    let front = &proxy.front;
    stat(out, "pid", std::process::id());
    stat(out, "uptime", proxy.uptime().as_secs());
    stat(out, "time", unix_now());
    stat(out, "version", VERSION);
    stat(out, "peerset_version", env!("CARGO_PKG_VERSION"));
    stat(out, "pointer_size", usize::BITS);
    stat(out, "threads", proxy.settings.front.threads);
    stat(out, "max_connections", proxy.settings.front.max_conns);
    stat(out, "curr_connections", front.connections());
    stat(out, "total_connections", front.accepted.value());
    stat(out, "rejected_connections", front.rejected.value());
    stat(out, "accepting_conns", u8::from(!proxy.draining()));
    stat(out, "idle_kicks", front.sum(|worker| &worker.idle_closed));
    stat(out, "stalled_kicks", front.sum(|worker| &worker.stalled_closed));
    stat(out, "conn_yields", front.sum(|worker| &worker.yields));
    stat(out, "bytes_read", front.sum(|worker| &worker.bytes_read));
    stat(out, "bytes_written", front.sum(|worker| &worker.bytes_written));
    let commands = &proxy.shared.commands;
    let sum = |count: fn(&super::counters::CommandCounters) -> &Counter| -> u64 {
        commands.iter().map(|worker| count(worker).value()).sum()
    };
    stat(out, "cmd_get", sum(|worker| &worker.gets));
    stat(out, "cmd_set", sum(|worker| &worker.sets));
    stat(out, "cmd_meta", sum(|worker| &worker.metas));
    stat(out, "cmd_other", sum(|worker| &worker.others));
    stat(out, "proxy_errors", sum(|worker| &worker.errors));
    stat(out, "protocol_errors", sum(|worker| &worker.protocol_errors));
    let servers = proxy.shared.tallies.total();
    stat(out, "get_hits", servers.hits.value());
    stat(out, "get_misses", servers.misses.value());
    stat(out, "server_errors", servers.errors.value());
    stat(out, "server_timeouts", servers.timeouts.value());
    stat(out, "server_ejections", servers.ejections.value());
}

fn pools(proxy: &Proxy, out: &mut Vec<u8>) {
    for pool in &proxy.shared.plan().pools {
        let view = pool.view();
        let name = pool.name();
        stat(out, &format!("{name}:servers"), view.servers.len());
        stat(out, &format!("{name}:state"), crate::output::state(view.fleet.state()));
        stat(out, &format!("{name}:revision"), view.fleet.revision().0);
        stat(out, &format!("{name}:placement"), &pool.settings.spec);
        stat(out, &format!("{name}:owner_down"), pool.settings.owner_down);
    }
}

fn servers(proxy: &Proxy, out: &mut Vec<u8>) {
    for pool in &proxy.shared.plan().pools {
        for (label, server) in pool.tally.servers() {
            let state = match (server.ejected, server.connected) {
                (0, 0) => "connecting",
                (0, _) => "up",
                (_, 0) => "down",
                (_, _) => "partly down",
            };
            let mut line = |name: &str, value: &dyn Display| {
                stat(out, &format!("{}:{label}:{name}", pool.name()), value);
            };
            let counters = &server.counters;
            line("state", &state);
            line("connections", &server.connected);
            line("requests", &counters.requests.value());
            line("hits", &counters.hits.value());
            line("misses", &counters.misses.value());
            line("errors", &counters.errors.value());
            line("timeouts", &counters.timeouts.value());
            line("lost", &counters.lost.value());
            line("overloads", &counters.overloads.value());
            line("connects", &counters.connects.value());
            line("ejections", &counters.ejections.value());
        }
    }
}

fn settings(proxy: &Proxy, out: &mut Vec<u8>) {
    let settings = &proxy.settings;
    stat(out, "maxconns", settings.front.max_conns);
    stat(out, "num_threads", settings.front.threads);
    stat(out, "item_size_max", settings.max_item.0);
    stat(out, "buffer_memory", settings.buffer_memory.0);
    let listen: Vec<String> = settings.listen.iter().map(ToString::to_string).collect();
    stat(out, "inter", listen.join(" "));
    if let Some(file) = &settings.config {
        stat(out, "config", file.display());
    }
}
