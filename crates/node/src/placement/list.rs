//! `peerset placement list`.

use std::io::Write;

use peerset_placement::Kind;
use serde_json::json;

use crate::output::{Format, to_stdout};

/// Runs the command.
pub(crate) fn run(format: &Format) -> anyhow::Result<()> {
    to_stdout(|out| {
        match format {
            Format::Text => {
                for kind in Kind::all() {
                    let default = if kind == Kind::DEFAULT { "  (the default for new fleets)" } else { "" };
                    writeln!(out, "{}{default}", kind.name())?;
                    writeln!(out, "    used by   {}", kind.users())?;
                    writeln!(out, "    rule      {}", kind.rule())?;
                    if !kind.options().is_empty() {
                        writeln!(out, "    options   {}", kind.options().join(", "))?;
                    }
                    writeln!(out, "    verified  {}", kind.verified())?;
                }
            }
            Format::Json => {
                let all: Vec<_> = Kind::all()
                    .map(|kind| {
                        json!({
                            "name": kind.name(),
                            "default": kind == Kind::DEFAULT,
                            "users": kind.users(),
                            "rule": kind.rule(),
                            "options": kind.options(),
                            "verified": kind.verified(),
                        })
                    })
                    .collect();
                writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
            }
        }
        Ok(())
    })
}
