//! The config file: TOML, a table for each command with the same words as its flags, and the proxy's pools and routes.
//!
//! One file may hold the settings of several commands; each reads its own tables and leaves the others alone. `peerset
//! check` reads all of them. Whatever is wrong is told with its place, and all of it at once.

use std::fs::{self, File};
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IntoDeserializer};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use tracing::Level;

mod mistake;
mod nearest;
mod section;

pub(crate) use mistake::{Mistakes, Report};
pub(crate) use section::{Section, Value, a, parsed, text, text_at, unknown, whole};

use super::flags::About;
use crate::proxy::config::ProxyConfig;
use crate::source::chain;

/// A larger file is not a config file.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The tables a file may have.
const TABLES: &[&str] = &["serve", "proxy", "pools", "routes", "register", "watch", "locate", PLACEMENT];

/// Commands that stand below another one have their tables there too.
const PLACEMENT: &str = "placement";
const BELOW_PLACEMENT: &[&str] = &["list", "shares", "diff"];

/// The twin of `--log`, which every command has.
const LOG: &str = "log";

/// A config file that is TOML and has no tables but those known. What these hold is looked at when it is asked for.
#[derive(Debug)]
pub(crate) struct ConfigFile {
    path: PathBuf,
    text: String,
}

/// A config file that cannot be used. Nothing was started or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the config file {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the config file {} is larger than {FILE_BYTES_MAX} bytes", path.display())]
    TooLarge { path: PathBuf },
    #[error("{}:{line}:{column}: the config file is not UTF-8 text", path.display())]
    NotUtf8 { path: PathBuf, line: usize, column: usize },
    #[error(
        "the config file {} configures nothing: it has none of the tables {}",
        path.display(), TABLES.iter().map(|table| format!("[{table}]")).collect::<Vec<_>>().join(", ")
    )]
    Nothing { path: PathBuf },
    #[error(transparent)]
    Mistakes(Mistakes),
}

impl ConfigFile {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<ConfigFile, ConfigError> {
        let unreadable = |source| ConfigError::Read { path: path.into(), source };
        if fs::metadata(path).map_err(unreadable)?.is_dir() {
            return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
        }
        let mut bytes = Vec::new();
        // Bounded while reading: what is no regular file does not tell its size.
        File::open(path)
            .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
            .map_err(unreadable)?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(ConfigError::TooLarge { path: path.into() });
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
            let (line, column) = mistake::place(&good, good.len());
            ConfigError::NotUtf8 { path: path.into(), line, column }
        })?;
        ConfigFile::parse(path, text)
    }

    /// The same for a text that was read from `path`.
    pub(crate) fn parse(path: &Path, text: String) -> Result<ConfigFile, ConfigError> {
        let file = ConfigFile { path: path.into(), text };
        let mut report = Report::default();
        let (document, mut errors) = DeTable::parse_recoverable(&file.text);
        errors.sort_by_key(|error| error.span().map(|at| at.start));
        errors.iter().for_each(|error| report.syntax(error, &file.text));
        // What could be saved of a file that is no TOML would only have mistakes that follow from the first.
        if errors.iter().all(|error| error.message() == DUPLICATE) {
            let tables = Section::new(document.get_ref(), document.span());
            tables.refuse_unknown("table", TABLES, &mut report);
            let below = tables.read(PLACEMENT, Section::of, &mut report);
            below.inspect(|below| below.refuse_unknown("table", BELOW_PLACEMENT, &mut report));
        }
        file.finish(report)?;
        Ok(file)
    }

    /// The flags that one of the tables holds; the defaults if there is no such table.
    pub(crate) fn flags<T>(&self, table: &str) -> Result<T, ConfigError>
    where
        T: Args + DeserializeOwned + Default,
    {
        let document = self.document();
        let Some(value) = find(&document, table) else { return Ok(T::default()) };
        let mut report = Report::default();
        let flags = flags(value, &mut report);
        self.finish(report)?;
        Ok(flags.unwrap_or_default())
    }

    /// The pools and routes of the proxy; none if the file has neither.
    pub(crate) fn proxy(&self) -> Result<Option<ProxyConfig>, ConfigError> {
        let document = self.document();
        let mut report = Report::default();
        let config = ProxyConfig::read(document.get("pools"), document.get("routes"), &mut report);
        let warnings = self.finish(report)?;
        Ok(config.map(|config| ProxyConfig { warnings, ..config }))
    }

    /// Refuses a file without any table: it is not the one that was meant, or was lost in writing.
    pub(crate) fn refuse_nothing(&self) -> Result<(), ConfigError> {
        match TABLES.iter().any(|table| self.has(table)) {
            true => Ok(()),
            false => Err(ConfigError::Nothing { path: self.path.clone() }),
        }
    }

    /// Whether the file has this table.
    pub(crate) fn has(&self, table: &str) -> bool {
        find(&self.document(), table).is_some()
    }

    /// What one of the tables says to log.
    pub(crate) fn log(&self, table: &str) -> Option<Level> {
        find(&self.document(), table)?.get_ref().as_table()?.get(LOG)?.get_ref().as_str()?.parse().ok()
    }

    /// The error as a mistake in one of the tables, in whose words it is told.
    pub(crate) fn place<E: About>(&self, table: &str, error: &E) -> ConfigError {
        let document = self.document();
        let table = find(&document, table);
        let settings = table.and_then(|table| table.get_ref().as_table());
        let value = settings.and_then(|settings| error.about().iter().find_map(|name| settings.get(*name)));
        let in_words = |what: String, name: &&str| what.replace(&format!("--{name}"), name);
        let what = error.about().iter().fold(chain(error), in_words);
        let mut mistakes = Report::default();
        mistakes.mistake(value.or(table).map_or(0..0, Spanned::span), what);
        ConfigError::Mistakes(mistakes.mistakes(&self.path, &self.text))
    }

    /// Borrowed from the text, hence read anew each time: it is done a few times in a process's life.
    fn document(&self) -> DeTable<'_> {
        DeTable::parse_recoverable(&self.text).0.into_inner()
    }

    /// The warnings of a report, as text, unless it has mistakes.
    fn finish(&self, report: Report) -> Result<Vec<String>, ConfigError> {
        report.finish(&self.path, &self.text).map_err(ConfigError::Mistakes)
    }
}

impl ConfigError {
    /// Both, or the mistakes of both.
    pub(crate) fn both<A, B>(
        one: Result<A, ConfigError>,
        other: Result<B, ConfigError>,
    ) -> Result<(A, B), ConfigError> {
        match (one, other) {
            (Ok(one), Ok(other)) => Ok((one, other)),
            (Err(one), Err(other)) => Err(one.and(other)),
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
        }
    }

    /// Both errors as one, where they are mistakes in the same file.
    pub(crate) fn and(self, other: ConfigError) -> ConfigError {
        match (self, other) {
            (ConfigError::Mistakes(one), ConfigError::Mistakes(other)) => {
                ConfigError::Mistakes(one.and(other))
            }
            (one, _) => one,
        }
    }
}

/// What the parser says of a key that stands twice.
const DUPLICATE: &str = "duplicate key";

/// The table of this name; a dot stands before each name of one that is in another.
fn find<'d>(document: &'d DeTable<'_>, name: &str) -> Option<&'d Value<'d>> {
    let mut names = name.split('.');
    let outermost = document.get(names.next()?)?;
    names.try_fold(outermost, |table, name| table.get_ref().as_table()?.get(name))
}

/// Reads a table whose keys are the flags of `T`. Key by key, so that every mistake is found.
fn flags<T>(value: &Value<'_>, report: &mut Report) -> Option<T>
where
    T: Args + DeserializeOwned + Default,
{
    let section = Section::of(value, report)?;
    let command = T::augment_args(clap::Command::new("flags"));
    // What has no dashes on the command line goes by its own name here.
    let name = |argument: &'_ clap::Arg| argument.get_long().unwrap_or(argument.get_id().as_str()).to_owned();
    let names: Vec<String> = command.get_arguments().map(name).chain([LOG.to_owned()]).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    section.refuse_unknown("setting", &names, report);
    section.read(LOG, parsed::<Level>, report);
    for (key, value) in section.entries() {
        if **key.get_ref() != *LOG && names.contains(&&**key.get_ref()) {
            let alone = DeTable::from_iter([(key.clone(), value.clone())]);
            if let Err((at, what)) = deserialize::<T>(DeValue::Table(alone), value.span()) {
                report.mistake(at, what);
            }
        }
    }
    // All keys are fine each, so this cannot fail where nothing has been reported.
    let mut own = value.get_ref().as_table()?.clone();
    own.remove(LOG);
    deserialize(DeValue::Table(own), value.span()).ok()
}

fn deserialize<T: for<'de> Deserialize<'de>>(
    value: DeValue<'_>,
    at: Range<usize>,
) -> Result<T, (Range<usize>, String)> {
    T::deserialize(Spanned::new(at.clone(), value).into_deserializer())
        .map_err(|error| (error.span().unwrap_or(at), error.message().to_owned()))
}

#[cfg(test)]
mod tests;
