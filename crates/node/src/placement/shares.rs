//! `peerset placement shares`.

use std::io::Write;

use peerset_placement::{Placement, Spec};
use serde_json::json;

use crate::output::{Format, to_stdout};
use crate::pool::{self, Pool};

/// Whose shares to show.
#[derive(Debug)]
pub(crate) struct SharesSettings {
    pub(crate) pool: Pool,
    pub(crate) placement: Spec,
    pub(crate) format: Format,
}

/// Runs the command.
pub(crate) fn run(settings: &SharesSettings) -> anyhow::Result<()> {
    let placement = Placement::build(&settings.placement, &pool::servers(&settings.pool)?)?;
    let shares = placement.shares();
    let servers = placement.servers();
    to_stdout(|out| {
        match settings.format {
            Format::Text => {
                for (server, share) in servers.iter().zip(&shares) {
                    writeln!(out, "{}\t{:.4} %", server.endpoint(), share * 100.0)?;
                }
            }
            Format::Json => {
                let all: Vec<_> = servers
                    .iter()
                    .zip(&shares)
                    .map(|(server, share)| {
                        json!({ "server": server.endpoint(), "weight": server.weight, "share": share })
                    })
                    .collect();
                writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
            }
        }
        Ok(())
    })
}
