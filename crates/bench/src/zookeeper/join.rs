//! One member more: how soon it is seen, and what seeing it asks of the server.
//!
//! Two sets of one size: ours is watched by us, the other by a bare watch, so that neither waits behind the other's
//! reads. They grow by a member a turn.

use std::time::Instant;

use anyhow::Result;
use peerset_cluster::Discover;
use peerset_testkit::Zookeeper;

use super::scenario::{JOIN_MS_MAX, JOIN_REQUESTS_MAX};
use super::site::{Writer, bare, open, patiently, session, until};
use super::{alone, beside};
use crate::report::Report;
use crate::stats::Spread;

const OURS: &str = "/bench/ours";
const BARE: &str = "/bench/bare";
const UNWATCHED: &str = "/bench/unwatched";

/// Turns that only warm up the server, whose code is compiled as it runs.
const WARM_UP: usize = 10;

/// One turn.
struct Turn {
    ours_ms: f64,
    bare_ms: f64,
    /// Of ours, without the registration's own.
    requests: f64,
}

pub(super) async fn run(server: &Zookeeper, members: u32, turns: usize, report: &mut Report) -> Result<()> {
    let mut writer = Writer::connect(server.addr()).await?;
    for set in [OURS, BARE, UNWATCHED] {
        writer.fill(set, members).await?;
    }
    let session = session(server.addr()).await?;
    let set = open(&session, OURS)?;
    let mut watch = set.watch();
    until(&mut watch, members).await?;
    let client = bare(server.addr()).await?;

    let mut measured = Vec::new();
    for (turn, members) in (0..WARM_UP + turns).zip(members..) {
        let before = server.requests();
        writer.join(UNWATCHED).await?;
        let registration = server.requests() - before;

        let before = server.requests();
        let start = Instant::now();
        let seen = async {
            until(&mut watch, members + 1).await?;
            anyhow::Ok(start.elapsed().as_secs_f64() * 1e3)
        };
        let ((), ours_ms) = tokio::try_join!(writer.join(OURS), seen)?;
        let requests = server.requests().saturating_sub(before + registration) as f64;

        let (_, _, fires) = client.get_and_watch_children(BARE).await?;
        let start = Instant::now();
        let fired = async {
            patiently("a bare watch", fires.changed()).await?;
            anyhow::Ok(start.elapsed().as_secs_f64() * 1e3)
        };
        let ((), bare_ms) = tokio::try_join!(writer.join(BARE), fired)?;
        if turn >= WARM_UP {
            measured.push(Turn { ours_ms, bare_ms, requests });
        }
    }
    let times: Vec<_> = measured.iter().map(|turn| (turn.ours_ms, turn.bare_ms)).collect();
    report.add(beside(["join", "join to snapshot", "ms"], &times, "a bare watch fires", None));
    let beyond = Spread::of(times.iter().map(|(ours, bare)| ours - bare));
    println!("  beyond the bare watch: {beyond} ms");
    report.add(alone("join", "the same beyond a bare watch", "ms", beyond, JOIN_MS_MAX));
    let requests = Spread::of(measured.iter().map(|turn| turn.requests));
    println!("  requests: {requests}");
    report.add(alone("join", "requests for a join", "requests", requests, JOIN_REQUESTS_MAX));
    Ok(())
}
