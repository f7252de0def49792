//! `peerset check`: whether a config file is right, and what it means.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::config_file::{ConfigError, ConfigFile};
use super::flags::{About, Flags};
use super::locate::LocateFlags;
use super::placement::diff::DiffFlags;
use super::placement::list::ListFlags;
use super::placement::shares::SharesFlags;
use super::proxy::ProxyFlags;
use super::register::RegisterFlags;
use super::serve::ServeFlags;
use super::watch::WatchFlags;
use crate::output::to_stdout;
use explain::{Explain, labelled};

mod explain;

pub(super) const EXAMPLES: &str = "\
Examples:
  peerset check /etc/peerset.toml
  peerset check /etc/peerset.toml && kill -HUP $(pidof peerset)

A config file:
  [pools.east]
  discover = \"static:10.0.0.1:11211,10.0.0.2:11211\"

  [pools.west]
  discover = \"file:/etc/peerset/west\"

  [routes]
  default = \"east\"

  [routes.prefix]
  \"session:\" = { failover = [\"east\", \"west\"] }
  \"tmp:\" = { null = true }";

/// The flags of `peerset check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The config file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// What a config file without mistakes means.
#[derive(Debug, Default)]
pub(crate) struct Meaning {
    /// Headings, each with the lines below it.
    blocks: Vec<(String, Vec<String>)>,
    warnings: Vec<String>,
}

impl CheckArgs {
    /// Reads all of the file.
    pub(crate) fn read(&self) -> Result<Meaning, ConfigError> {
        let file = ConfigFile::read(&self.file)?;
        file.refuse_nothing()?;
        let mut reading = Reading { file: &file, meaning: Meaning::default(), wrong: None };
        reading.table::<ServeFlags>();
        reading.table::<RegisterFlags>();
        reading.table::<WatchFlags>();
        reading.table::<LocateFlags>();
        reading.table::<ListFlags>();
        reading.table::<SharesFlags>();
        reading.table::<DiffFlags>();
        reading.proxy(&self.file);
        reading.wrong.map_or(Ok(reading.meaning), Err)
    }
}

impl Meaning {
    /// Says it on standard output.
    pub(crate) fn print(&self) -> anyhow::Result<()> {
        to_stdout(|out| {
            for (heading, lines) in &self.blocks {
                writeln!(out, "{heading}")?;
                lines.iter().try_for_each(|line| writeln!(out, "  {line}"))?;
            }
            Ok(self.warnings.iter().try_for_each(|warning| writeln!(out, "\n{warning}"))?)
        })
    }
}

/// A file that is being read, to its end, whatever is wrong in it.
struct Reading<'f> {
    file: &'f ConfigFile,
    meaning: Meaning,
    wrong: Option<ConfigError>,
}

impl Reading<'_> {
    /// The table of one command.
    fn table<F: Flags<Settings: Explain>>(&mut self) {
        if !self.file.has(F::TABLE) {
            return;
        }
        match self.file.flags::<F>(F::TABLE).map(F::settings) {
            Ok(Ok(settings)) => self.block(F::TABLE, labelled(settings.explain())),
            Ok(Err(error)) => self.unusable(F::TABLE, &error),
            Err(error) => self.mistake(error),
        }
    }

    /// What there is for a proxy.
    fn proxy(&mut self, path: &Path) {
        if !["proxy", "pools", "routes"].iter().any(|table| self.file.has(table)) {
            return;
        }
        let read = ConfigError::both(self.file.flags::<ProxyFlags>("proxy"), self.file.proxy());
        let (settings, config) = match read.map(|(flags, pools)| flags.settings(Some(path), pools)) {
            Ok(Ok(whole)) => whole,
            Ok(Err(error)) => return self.unusable("proxy", &error),
            Err(error) => return self.mistake(error),
        };
        self.block("proxy", labelled(settings.explain()));
        for pool in &config.pools {
            self.block(&format!("pool {}", pool.name), labelled(pool.explain()));
        }
        self.block("routes", config.route.explain());
        self.meaning.warnings.extend(config.warnings);
    }

    fn block(&mut self, heading: &str, lines: Vec<String>) {
        self.meaning.blocks.push((heading.to_owned(), lines));
    }

    /// Settings that are a mistake, unless they are only waiting for more on the command line.
    fn unusable<E: About>(&mut self, table: &str, error: &E) {
        match error.is_missing() {
            true => self.block(table, labelled(vec![("incomplete", error.to_string())])),
            false => self.mistake(self.file.place(table, error)),
        }
    }

    fn mistake(&mut self, error: ConfigError) {
        self.wrong = Some(match self.wrong.take() {
            Some(before) => before.and(error),
            None => error,
        });
    }
}
