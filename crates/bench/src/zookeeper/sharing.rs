//! Many watchers in one process, each opened as if it were the only one.

use anyhow::{Result, ensure};
use peerset_cluster::{Discover, Watch};
use peerset_discover_zookeeper::Serverset;
use peerset_testkit::Zookeeper;

use super::scenario::SHARED_MAX;
use super::site::{Writer, connected, open, shared_session, until};
use super::{alone, beside};
use crate::report::{Report, Target};
use crate::stats::Spread;

const SET: &str = "/bench/shared";

/// Members at the start.
const MEMBERS: u32 = 100;

pub(super) async fn run(
    server: &Zookeeper,
    watchers: usize,
    turns: usize,
    report: &mut Report,
) -> Result<()> {
    let mut writer = Writer::connect(server.addr()).await?;
    writer.fill(SET, MEMBERS).await?;
    let others = sessions(server);
    let mut members = MEMBERS;
    let mut open = watch(server, 1).await?;
    let mut for_one = Vec::new();
    for _ in 0..turns {
        for_one.push(join(server, &mut writer, &mut open, &mut members).await?);
    }
    open.extend(watch(server, watchers - 1).await?);
    let opened = sessions(server).saturating_sub(others);
    ensure!(opened > 0, "the server does not show the watchers' session");
    let mut for_all = Vec::new();
    for _ in 0..turns {
        for_all.push(join(server, &mut writer, &mut open, &mut members).await?);
    }
    report.add(alone(
        "sharing",
        "sessions of 100 watchers",
        "sessions",
        Spread::of([opened as f64]),
        SHARED_MAX,
    ));
    // Medians, for a turn may have a ping in it.
    let [ours, theirs] = [for_all, for_one].map(|counts| Spread::of(counts).median);
    ensure!(theirs > 0.0, "a join cost its only watcher nothing: it was not counted");
    let target = Some(Target::AtMost(SHARED_MAX));
    let pair = [(ours, theirs)];
    report.add(beside(["sharing", "requests for a join", "requests"], &pair, "one watcher", target));
    Ok(())
}

/// Opens the set so often, each time as a part of a program would that knows nothing of the others.
async fn watch(server: &Zookeeper, watchers: usize) -> Result<Vec<(Serverset, Watch)>> {
    let mut opened = Vec::new();
    for _ in 0..watchers {
        let session = shared_session(server.addr())?;
        connected(&session).await?;
        let set = open(&session, SET)?;
        let mut watch = set.watch();
        watch.answer().await?;
        opened.push((set, watch));
    }
    Ok(opened)
}

/// Requests for one join that everybody has seen, without the registration's own.
async fn join(
    server: &Zookeeper,
    writer: &mut Writer,
    watchers: &mut [(Serverset, Watch)],
    members: &mut u32,
) -> Result<f64> {
    let before = server.requests();
    *members += 1;
    writer.join(SET).await?;
    for (_, watch) in watchers {
        until(watch, *members).await?;
    }
    Ok((server.requests() - before) as f64 - REGISTRATION)
}

/// The creation of the member.
const REGISTRATION: f64 = 1.0;

/// Connections that have a session.
fn sessions(server: &Zookeeper) -> usize {
    server.ask("cons").unwrap_or_default().matches("sid=").count()
}
