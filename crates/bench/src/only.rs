//! `--only NAME`: some of a bench's scenarios instead of all.

use anyhow::{Result, bail};

/// A scenario, as far as choosing it goes.
pub(crate) trait Named {
    fn name(&self) -> &'static str;
}

/// Those that were asked for, or all if none was; in the bench's order.
pub(crate) fn choose<'s, S: Named>(all: &'s [S], only: &[String]) -> Result<Vec<&'s S>> {
    if let Some(unknown) = only.iter().find(|name| all.iter().all(|one| one.name() != **name)) {
        let names: Vec<_> = all.iter().map(Named::name).collect();
        bail!("no scenario {unknown:?}; there are {}", names.join(", "));
    }
    let chosen = |one: &&S| only.is_empty() || only.iter().any(|name| name == one.name());
    Ok(all.iter().filter(chosen).collect())
}
