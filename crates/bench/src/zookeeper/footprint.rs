//! What members cost in memory: in a process of its own each time, which has done nothing else.

use std::env;
use std::net::SocketAddr;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use peerset_cluster::Discover;
use peerset_testkit::{Usage, Zookeeper};

use super::scenario::MEMBER_BYTES_MAX;
use super::site::{Writer, open, session, until};
use super::{alone, runtime};
use crate::report::Report;
use crate::stats::Spread;

const SET: &str = "/bench/large";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    addr: SocketAddr,
    #[arg(long)]
    members: u32,
}

pub(super) async fn run(server: &Zookeeper, members: u32, turns: usize, report: &mut Report) -> Result<()> {
    let mut writer = Writer::connect(server.addr()).await?;
    writer.fill(SET, members).await?;
    let mut costs = Vec::new();
    for _ in 0..turns {
        let mut child = Command::new(env::current_exe()?);
        child.arg("zookeeper-footprint").arg("--addr").arg(server.addr().to_string());
        let output = child.arg("--members").arg(members.to_string()).output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the process that watches: {}: {stderr}", output.status);
        let grown: f64 = str::from_utf8(&output.stdout)?.trim().parse().context("its memory")?;
        costs.push(grown / f64::from(members));
    }
    let costs = Spread::of(costs);
    println!("  {costs} bytes a member");
    report.add(alone("footprint", "resident a member", "bytes", costs, MEMBER_BYTES_MAX));
    Ok(())
}

/// Watches, and prints by how many bytes the process grew from being connected to having the set.
pub(crate) fn run_child(arguments: &Arguments) -> Result<()> {
    runtime()?.block_on(async {
        let session = session(arguments.addr).await?;
        let before = Usage::own()?.resident_bytes;
        let set = open(&session, SET)?;
        let mut watch = set.watch();
        until(&mut watch, arguments.members).await?;
        let after = Usage::own()?.resident_bytes;
        println!("{}", after.saturating_sub(before));
        Ok(())
    })
}
