//! The first look at a large set, beside the same reads with nothing held back and nothing made of them.

use std::time::Instant;

use anyhow::{Result, ensure};
use peerset_cluster::Discover;
use peerset_testkit::Zookeeper;
use zookeeper_client::Client;

use super::beside;
use super::scenario::FIRST_LOAD_MAX;
use super::site::{Writer, bare, open, patiently, session, until};
use crate::report::{Report, Target};

const SET: &str = "/bench/large";

/// Turns that only warm up the server.
const WARM_UP: usize = 2;

pub(super) async fn run(server: &Zookeeper, members: u32, turns: usize, report: &mut Report) -> Result<()> {
    // Kept to the end, for the members go with its session.
    let mut writer = Writer::connect(server.addr()).await?;
    writer.fill(SET, members).await?;
    let client = bare(server.addr()).await?;
    let mut times = Vec::new();
    for turn in 0..WARM_UP + turns {
        // Who is first changes, since the server may still be busy with what the one before left behind.
        let pair = match turn % 2 {
            0 => (ours(server, members).await?, all_at_once(&client, members).await?),
            _ => {
                let theirs = all_at_once(&client, members).await?;
                (ours(server, members).await?, theirs)
            }
        };
        if turn >= WARM_UP {
            println!("  {:.1} ms, all at once {:.1} ms", pair.0, pair.1);
            times.push(pair);
        }
    }
    let target = Some(Target::AtMost(FIRST_LOAD_MAX));
    report.add(beside(["first-load", "first snapshot", "ms"], &times, "the same reads at once", target));
    Ok(())
}

/// Milliseconds from a connected session, that knows nothing yet, to the snapshot.
async fn ours(server: &Zookeeper, members: u32) -> Result<f64> {
    let session = session(server.addr()).await?;
    let start = Instant::now();
    let set = open(&session, SET)?;
    let mut watch = set.watch();
    until(&mut watch, members).await?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

/// Milliseconds of a list and one read for each name, all sent before the first answer is looked at.
async fn all_at_once(client: &Client, members: u32) -> Result<f64> {
    let start = Instant::now();
    let (names, ..) = client.get_and_watch_children(SET).await?;
    let reads: Vec<_> = names.iter().map(|name| client.get_data(&format!("{SET}/{name}"))).collect();
    let mut bytes = 0;
    let answers = async {
        for read in reads {
            bytes += read.await?.0.len();
        }
        anyhow::Ok(())
    };
    patiently("all reads", answers).await??;
    let elapsed = start.elapsed();
    ensure!(names.len() == members as usize && bytes > 0, "{} names, {bytes} bytes", names.len());
    Ok(elapsed.as_secs_f64() * 1e3)
}
