//! The flags of `peerset placement list`.

use std::convert::Infallible;

use clap::Args;
use serde::Deserialize;

use crate::cli::flags::{About, Flags};
use crate::output::Format;

pub(super) const EXAMPLES: &str = "\
Examples:
  peerset placement list
  peerset placement list --format json";

/// Every setting, as a flag and as a key of the config file's `[placement.list]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct ListFlags {
    /// How to write the list [default: text]
    #[arg(long, value_enum)]
    format: Option<Format>,
}

impl Flags for ListFlags {
    const TABLE: &'static str = "placement.list";
    type Settings = Format;
    type Error = Infallible;

    fn over(self, other: ListFlags) -> ListFlags {
        ListFlags { format: self.format.or(other.format) }
    }

    fn settings(self) -> Result<Format, Infallible> {
        Ok(self.format.unwrap_or_default())
    }
}

impl About for Infallible {
    fn about(&self) -> &[&'static str] {
        match *self {}
    }
}
