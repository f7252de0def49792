//! Python packages in a folder under `target/`: no virtual environment to activate, nothing of the system's touched.
//!
//! A test puts the folder on `PYTHONPATH` and runs the system's `python3`.

use crate::shell::{command, run_patiently, succeeds};
use anyhow::Result;
use std::path::Path;

/// Relative to the workspace root. Debian refuses `pip install` into the system's Python, not into a folder.
const FOLDER: &str = "target/python";

pub(crate) fn is_installed(package: &str, version: &str) -> bool {
    Path::new(FOLDER).join(format!("{package}-{version}.dist-info")).is_dir()
}

/// Debian's python3 comes without pip.
pub(crate) fn has_pip() -> bool {
    succeeds(&mut command("python3", &["-m", "pip", "--version"]))
}

pub(crate) fn install(package: &str, version: &str) -> Result<()> {
    let release = format!("{package}=={version}");
    let quiet = [
        "--quiet",
        "--disable-pip-version-check",
        "--root-user-action=ignore",
        "--upgrade",
        "--target",
        FOLDER,
    ];
    run_patiently(command("python3", &["-m", "pip", "install"]).args(quiet).arg(release))
}

pub(crate) fn by_hand(package: &str, version: &str) -> String {
    format!("python3 -m pip install --target {FOLDER} {package}=={version}")
}
