//! The `--config` file: TOML, one table a command, the same words as the flags.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::serve::ServeFlags;

/// A larger file is not a config file.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfigFile {
    /// Twins of the flags of `peerset serve`.
    #[serde(default)]
    pub(crate) serve: ServeFlags,
}

/// A config file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the config file {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the config file {} is larger than {FILE_BYTES_MAX} bytes", path.display())]
    TooLarge { path: PathBuf },
    /// The source names line and column, and shows them.
    #[error("the config file {} is not valid", path.display())]
    Parse { path: PathBuf, source: Box<toml::de::Error> },
}

impl ConfigFile {
    /// Reads and checks a file.
    pub(crate) fn read(path: &Path) -> Result<ConfigFile, ConfigError> {
        let unreadable = |source| ConfigError::Read { path: path.into(), source };
        if fs::metadata(path).map_err(unreadable)?.len() > FILE_BYTES_MAX {
            return Err(ConfigError::TooLarge { path: path.into() });
        }
        let text = fs::read_to_string(path).map_err(unreadable)?;
        toml::from_str(&text)
            .map_err(|source| ConfigError::Parse { path: path.into(), source: Box::new(source) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::units::Size;

    #[test]
    fn flags_have_twins() {
        let file: ConfigFile =
            toml::from_str("[serve]\nlisten = ['127.0.0.1:1', 'unix:/tmp/x']\nmax-item = '2mb'\n").unwrap();
        assert_eq!(file.serve.max_item, Some(Size(2 << 20)));
        assert_eq!(file.serve.listen.len(), 2);
    }

    #[test]
    fn mistakes_are_placed() {
        let error = toml::from_str::<ConfigFile>("[serve]\nmemmory = '2mb'\n").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("memmory") && error.contains("memory"), "{error}");
        let error = toml::from_str::<ConfigFile>("[serve]\nmemory = '2xb'\n").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("not a size"), "{error}");
    }
}
