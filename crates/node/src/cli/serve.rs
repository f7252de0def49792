//! The flags of `peerset serve`, their twins in the config file, and what both come to.

use std::num::NonZeroUsize;

use clap::Args;
use serde::Deserialize;

use super::flags::{About, Flags};
use super::front::{FrontError, FrontSettings, HttpAddress, count, listen_or_default, one_or_several};
use super::units::{Period, Size};
use crate::daemon::HttpSettings;
use crate::front::{self, ListenAddress};

pub(super) const EXAMPLES: &str = "\
Examples:
  peerset serve
  peerset serve --listen 0.0.0.0:11211 --memory 4gb
  peerset serve --listen 127.0.0.1:11211 --listen unix:/run/peerset.sock
  printf 'version\\r\\nquit\\r\\n' | curl -s telnet://127.0.0.1:11211

Config file (--config FILE; `peerset check FILE` explains it):
  [serve]
  listen = [\"0.0.0.0:11211\"]
  memory = \"4gb\"";

/// Every setting, as a flag and as a key of the config file's `[serve]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct ServeFlags {
    /// Address to listen on, HOST:PORT or unix:PATH; may be given several times [default: 127.0.0.1:11211]
    #[arg(long, value_name = "ADDRESS")]
    #[serde(deserialize_with = "one_or_several")]
    pub(crate) listen: Vec<ListenAddress>,

    /// Memory for items, their index and large requests in progress [default: 64mb]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub(crate) memory: Option<Size>,

    /// Largest item accepted, key and overhead included; at most half of --memory [default: 1mb]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub(crate) max_item: Option<Size>,

    /// Connections at any one time; a further one gets an error and is closed [default: 1024]
    #[arg(long, value_name = "COUNT", value_parser = count)]
    pub(crate) max_conns: Option<NonZeroUsize>,

    /// Threads that serve requests [default: as many as the load needs, at most one per core]
    #[arg(long, value_name = "COUNT", value_parser = count)]
    pub(crate) threads: Option<NonZeroUsize>,

    /// Close a connection that has been idle for this long; 0 means never [default: 0]
    #[arg(long, value_name = "TIME")]
    pub(crate) idle_timeout: Option<Period>,

    /// Close a connection that has read none of its waiting replies for this long [default: 30s]
    #[arg(long, value_name = "TIME")]
    pub(crate) stall_timeout: Option<Period>,

    /// Address of the admin pages (/metrics, /healthz, /readyz), or off [default: 127.0.0.1:7980]
    #[arg(long, value_name = "ADDRESS|off")]
    pub(crate) http: Option<HttpAddress>,
}

/// Settings of a node, complete and checked.
#[derive(Debug, Clone)]
pub(crate) struct ServeSettings {
    pub(crate) listen: Vec<ListenAddress>,
    pub(crate) memory: Size,
    pub(crate) max_item: Size,
    pub(crate) front: front::Config,
    /// None if the pages are off.
    pub(crate) http: Option<HttpSettings>,
}

/// Settings that do not go together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("--memory {memory} is too small: at least {}; units are kb, mb, gb", Size(MEMORY_MIN))]
    MemoryTooSmall { memory: Size },
    #[error("--max-item {max_item} is too small: at least 1kb")]
    ItemTooSmall { max_item: Size },
    #[error("--max-item {max_item} is more than half of --memory {memory}: lower it, or give more memory")]
    ItemTooLarge { max_item: Size, memory: Size },
    #[error("--max-item {max_item} is more than 1gb, the largest item there can be")]
    ItemOverLimit { max_item: Size },
    #[error(transparent)]
    Front(#[from] FrontError),
}

/// The least memory a node works with.
const MEMORY_MIN: u64 = 1 << 20;

impl About for SettingsError {
    fn about(&self) -> &[&'static str] {
        match self {
            SettingsError::MemoryTooSmall { .. } => &["memory"],
            SettingsError::ItemTooSmall { .. } | SettingsError::ItemOverLimit { .. } => &["max-item"],
            SettingsError::ItemTooLarge { .. } => &["max-item", "memory"],
            SettingsError::Front(error) => error.about(),
        }
    }
}

impl Flags for ServeFlags {
    const TABLE: &'static str = "serve";
    type Settings = ServeSettings;
    type Error = SettingsError;

    fn over(self, other: ServeFlags) -> ServeFlags {
        ServeFlags {
            listen: if self.listen.is_empty() { other.listen } else { self.listen },
            memory: self.memory.or(other.memory),
            max_item: self.max_item.or(other.max_item),
            max_conns: self.max_conns.or(other.max_conns),
            threads: self.threads.or(other.threads),
            idle_timeout: self.idle_timeout.or(other.idle_timeout),
            stall_timeout: self.stall_timeout.or(other.stall_timeout),
            http: self.http.or(other.http),
        }
    }

    fn settings(self) -> Result<ServeSettings, SettingsError> {
        let memory = self.memory.unwrap_or(Size(64 << 20));
        let max_item = self.max_item.unwrap_or(Size(1 << 20));
        if memory.0 < MEMORY_MIN {
            return Err(SettingsError::MemoryTooSmall { memory });
        }
        if max_item.0 < 1024 {
            return Err(SettingsError::ItemTooSmall { max_item });
        }
        if max_item.0 > 1 << 30 {
            return Err(SettingsError::ItemOverLimit { max_item });
        }
        if max_item.0 > memory.0 / 2 {
            return Err(SettingsError::ItemTooLarge { max_item, memory });
        }
        let front = FrontSettings {
            threads: self.threads,
            max_conns: self.max_conns,
            idle_timeout: self.idle_timeout,
            stall_timeout: self.stall_timeout,
        };
        Ok(ServeSettings {
            listen: listen_or_default(self.listen),
            memory,
            max_item,
            front: front.check()?,
            http: HttpAddress::settings(self.http),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(text: &str) -> ServeFlags {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let settings = flags("memory = '2gb'").over(flags("memory = '3gb'\nthreads = 3")).settings().unwrap();
        assert_eq!(settings.memory, Size(2 << 30));
        assert_eq!(settings.front.threads, 3);
        assert_eq!(settings.listen, ["127.0.0.1:11211".parse().unwrap()]);
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        let error = flags(text).settings().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn settings_that_do_not_go_together() {
        check_refused("memory = '1mb'", "more than half of --memory 1mb");
        check_refused("memory = '1kb'", "at least 1mb");
        check_refused("max-item = '1b'", "at least 1kb");
        check_refused("max-item = '2gb'\nmemory = '64gb'", "more than 1gb");
        check_refused("threads = 4096", "one per core");
        check_refused("stall-timeout = '0'", "more than 0");
    }
}
