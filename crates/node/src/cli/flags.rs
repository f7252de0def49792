//! What the settings of all commands have in common: each is a flag, and a key of the command's table in a config file.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use tracing::Level;

use super::config_file::ConfigFile;
use crate::source::chain;

/// The settings of one command as they are written, in flags or in the table.
pub(crate) trait Flags: Args + DeserializeOwned + Default + Clone {
    /// The table, with a dot before each name that stands in another one.
    const TABLE: &'static str;

    /// What they come to.
    type Settings;

    /// They are incomplete, or do not go together.
    type Error: About;

    /// These settings, and those of `other` where these are silent.
    fn over(self, other: Self) -> Self;

    /// These settings complete, with the defaults where they are silent.
    fn settings(self) -> Result<Self::Settings, Self::Error>;
}

/// An error that is about settings, which its text calls by their flags.
pub(crate) trait About: Error + Send + Sync + 'static {
    /// The names of all settings in the text, without dashes; where the mistake is shown if it is in a file, the best
    /// place first.
    fn about(&self) -> &[&'static str];

    /// Whether all that is wrong is that something has to be said on the command line instead.
    fn is_missing(&self) -> bool {
        false
    }
}

/// A command's flags, with the config file that has more of them.
#[derive(Debug, Args)]
pub(crate) struct Configured<F: Args> {
    /// Read settings from this TOML file, in the table named after the command; flags win over it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    flags: F,
}

/// Settings to begin with.
#[derive(Debug)]
pub(crate) struct Ready<S> {
    pub(crate) settings: S,
    /// What the file has as `--log`.
    pub(crate) log: Option<Level>,
}

impl<F: Flags> Configured<F> {
    /// What the flags, the file and the defaults come to: a flag wins over the file, the file over the default.
    pub(crate) fn settings(self) -> anyhow::Result<Ready<F::Settings>> {
        read(self.flags, self.config.as_deref())
    }
}

fn read<F: Flags>(given: F, config: Option<&Path>) -> anyhow::Result<Ready<F::Settings>> {
    let Some(path) = config else { return Ok(Ready { settings: given.settings()?, log: None }) };
    let file = ConfigFile::read(path)?;
    let written = file.flags::<F>(F::TABLE)?;
    let settings = given.over(written.clone()).settings();
    let settings = settings.map_err(|error| blame(error, &file, F::TABLE, written.settings().err()))?;
    Ok(Ready { settings, log: file.log(F::TABLE) })
}

/// The error in its place in the file if that has it `alone` too, whatever the flags are.
pub(super) fn blame<E: About>(error: E, file: &ConfigFile, table: &str, alone: Option<E>) -> anyhow::Error {
    let in_file = alone.is_some_and(|alone| chain(&alone) == chain(&error));
    match in_file && file.has(table) && !error.is_missing() {
        true => file.place(table, &error).into(),
        false => error.into(),
    }
}

/// A value that is written as text.
pub(super) fn text<'de, D: Deserializer<'de>, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    String::deserialize(deserializer)?.parse().map(Some).map_err(serde::de::Error::custom)
}
