//! `peerset locate`: who owns each key.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use peerset_cluster::DiscoveryUrl;
use peerset_placement::{Kind, Placement, Spec};
use serde_json::json;

use crate::keys;
use crate::output::{Format, lossy, to_stdout};
use crate::pool::{self, Identity};

const EXAMPLES: &str = "\
Examples:
  peerset locate --pool static:a:11211,b:11211 user:1 user:2
  peerset locate --pool file:servers.txt --placement ketama --keys keys.txt
  peerset locate --pool serverset://zk1:2181/prod/cache user:1
  peerset locate --pool static:a:1,b:1 --placement twemproxy:tag={} '{7}:name'";

/// Say which server owns each key: a line `KEY<TAB>HOST:PORT` for each, in the order given.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LocateArgs {
    /// The servers: `static:HOST:PORT[@WEIGHT][=NAME],…`, `file:PATH`, `zk://…` or `serverset://…`
    #[arg(long, value_name = "URL")]
    pool: DiscoveryUrl,

    #[command(flatten)]
    identity: Identity,

    /// How keys are placed, see `peerset placement list`; options follow a colon
    #[arg(long, value_name = "NAME", default_value_t = Spec::from(Kind::DEFAULT))]
    placement: Spec,

    /// Read keys from this file, one a line; - is standard input
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,

    /// How to write the result; JSON has one object a line
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Keys
    #[arg(value_name = "KEY", required_unless_present = "keys")]
    key: Vec<String>,
}

/// Runs the command.
pub(crate) fn run(arguments: &LocateArgs) -> anyhow::Result<()> {
    let placement =
        Placement::build(&arguments.placement, &pool::servers(&arguments.pool, &arguments.identity)?)?;
    to_stdout(|out| {
        let mut locate = |key: &[u8]| -> anyhow::Result<()> {
            let owner = placement.owner(key).map(|owner| placement.servers()[owner].endpoint());
            match arguments.format {
                Format::Text => {
                    out.write_all(key)?;
                    writeln!(out, "\t{}", owner.as_deref().unwrap_or("-"))?;
                }
                Format::Json => writeln!(out, "{}", json!({ "key": lossy(key), "owner": owner }))?,
            }
            Ok(())
        };
        arguments.key.iter().try_for_each(|key| locate(key.as_bytes()))?;
        match &arguments.keys {
            Some(path) => keys::for_each(path, locate),
            None => Ok(()),
        }
    })
}
