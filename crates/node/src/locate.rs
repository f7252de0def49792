//! `peerset locate`: who owns each key.

use std::io::Write;
use std::path::PathBuf;

use peerset_placement::{Placement, Spec};
use peerset_proto_memcache::KEY_BYTES_MAX;
use serde_json::json;

use crate::keys;
use crate::output::{Format, lossy, to_stdout};
use crate::pool::{self, Pool};

/// Which keys to locate, among whom.
#[derive(Debug)]
pub(crate) struct LocateSettings {
    pub(crate) pool: Pool,
    pub(crate) placement: Spec,
    /// These first.
    pub(crate) key: Vec<String>,
    /// Then those of this file.
    pub(crate) keys: Option<PathBuf>,
    pub(crate) format: Format,
}

/// There is nobody who could own keys.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` has no servers, so that nobody owns these keys")]
struct NobodyOwns(String);

/// Runs the command.
pub(crate) fn run(settings: &LocateSettings) -> anyhow::Result<()> {
    let placement = Placement::build(&settings.placement, &pool::servers(&settings.pool)?)?;
    let mut refused = Refused::default();
    let mut owned = true;
    to_stdout(|out| {
        let mut locate = |key: &[u8]| -> anyhow::Result<()> {
            refused.look_at(key);
            let owner = placement.owner(key).map(|owner| placement.servers()[owner].endpoint());
            owned &= owner.is_some();
            match settings.format {
                Format::Text => {
                    out.write_all(key)?;
                    writeln!(out, "\t{}", owner.as_deref().unwrap_or("-"))?;
                }
                Format::Json => writeln!(out, "{}", json!({ "key": lossy(key), "owner": owner }))?,
            }
            Ok(())
        };
        settings.key.iter().try_for_each(|key| locate(key.as_bytes()))?;
        match &settings.keys {
            Some(path) => keys::for_each(path, locate),
            None => Ok(()),
        }
    })?;
    refused.warn();
    match owned {
        true => Ok(()),
        false => Err(NobodyOwns(settings.pool.url.to_string()).into()),
    }
}

/// Keys that memcached refuses, except in base64. Located they are all the same: placements take any bytes, and keys may
/// have a prefix or an encoding to come.
#[derive(Default)]
struct Refused {
    count: u64,
    first: Option<Vec<u8>>,
}

impl Refused {
    fn look_at(&mut self, key: &[u8]) {
        let plain = |byte: &u8| *byte > b' ' && *byte != 0x7f;
        if key.len() > KEY_BYTES_MAX || !key.iter().all(plain) {
            self.count += 1;
            self.first.get_or_insert_with(|| key.to_owned());
        }
    }

    /// Once for all, as there may be millions.
    fn warn(&self) {
        if let Some(first) = &self.first {
            tracing::warn!(
                keys = self.count, first = %first[..first.len().min(KEY_BYTES_MAX)].escape_ascii(),
                "memcached refuses keys longer than {KEY_BYTES_MAX} bytes or with spaces or control characters"
            );
        }
    }
}
