//! `peerset placement shares`.

use std::io::Write;

use clap::Args;
use peerset_cluster::DiscoveryUrl;
use peerset_placement::{Kind, Placement, Spec};
use serde_json::json;

use crate::output::{Format, to_stdout};
use crate::pool::{self, Identity};

#[derive(Debug, Args)]
pub(crate) struct SharesArgs {
    /// The servers: `static:HOST:PORT[@WEIGHT][=NAME],…`, `file:PATH`, `zk://…` or `serverset://…`
    #[arg(long, value_name = "URL")]
    pool: DiscoveryUrl,

    #[command(flatten)]
    identity: Identity,

    /// How keys are placed, see `peerset placement list`
    #[arg(long, value_name = "NAME", default_value_t = Spec::from(Kind::DEFAULT))]
    placement: Spec,

    /// How to write the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn run(arguments: &SharesArgs) -> anyhow::Result<()> {
    let placement =
        Placement::build(&arguments.placement, &pool::servers(&arguments.pool, &arguments.identity)?)?;
    let shares = placement.shares();
    let servers = placement.servers();
    to_stdout(|out| {
        match arguments.format {
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
