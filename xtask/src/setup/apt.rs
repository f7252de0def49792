//! Debian's packages, as root or through a sudo that asks nothing.

use crate::shell::{command, find_program, run_patiently, succeeds};
use anyhow::Result;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

/// Installs the packages, or returns the command for somebody who may.
///
/// A package that brings a server starts it at once and at every boot; `services` are stopped again and kept from
/// starting, because they would hold the ports that a tour of this program uses. Called only for packages that were
/// missing, so a server somebody runs on purpose is never stopped.
pub(crate) fn install(packages: &[&str], services: &[&str]) -> Result<Option<String>> {
    if find_program("apt-get").is_none() {
        let names = packages.join(" ");
        return Ok(Some(format!("# there is no apt-get here; install what your system calls: {names}")));
    }
    let Some(privilege) = Privilege::find() else { return Ok(Some(by_hand(packages))) };
    if let Err(error) = run_patiently(privilege.command(&["apt-get", "update", "-qq"]).args(PATIENT)) {
        // One of the sources, say, of which nothing is needed.
        println!("    {error:#}; going on with the lists that are here");
    }
    let install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"];
    run_patiently(privilege.command(&install).args(PATIENT).args(packages))?;
    for service in services {
        stop(&privilege, service);
    }
    Ok(None)
}

/// A machine that was just started is often upgrading itself, and holds the lock of what is installed; minutes, if much is
/// new.
const PATIENT: [&str; 4] = ["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"];

/// What a person with the rights types.
pub(crate) fn by_hand(packages: &[&str]) -> String {
    let names = packages.join(" ");
    format!("sudo apt-get update && sudo apt-get install -y --no-install-recommends {names}")
}

/// A service that was never started is no error: containers have nobody to start it.
fn stop(privilege: &Privilege, service: &str) {
    let stopped = if Path::new("/run/systemd/system").is_dir() {
        succeeds(&mut privilege.command(&["systemctl", "disable", "--now", service]))
    } else {
        succeeds(&mut privilege.command(&["service", service, "stop"]))
    };
    let outcome = if stopped { "stopped" } else { "was not running" };
    println!("    the system's service {service}: {outcome}");
}

/// How to become root.
enum Privilege {
    Root,
    Sudo,
}

impl Privilege {
    fn find() -> Option<Privilege> {
        // The owner of /proc/self is the effective user; the standard library has no other way to ask for it.
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        if is_root {
            Some(Privilege::Root)
        } else {
            succeeds(&mut command("sudo", &["-n", "true"])).then_some(Privilege::Sudo)
        }
    }

    /// `env` carries the variable through sudo, which drops most of the environment.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = match self {
            Privilege::Root => command("env", &[]),
            Privilege::Sudo => command("sudo", &["-n", "env"]),
        };
        command.arg("DEBIAN_FRONTEND=noninteractive").args(words);
        command
    }
}
