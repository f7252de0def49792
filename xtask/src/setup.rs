//! `cargo xtask setup`: what the tests need, installed if it is missing.
//!
//! [`NEEDS`] is the list; a new need is a new line there. When everything is there this looks and returns (well under
//! a second), so `cargo xtask test` begins with it. Nothing is upgraded and nothing that was there is touched.

mod apt;
mod needs;
mod python;

use crate::shell::{cargo, command, find_program, output, run_patiently};
use anyhow::{Result, bail};
use needs::{NEEDS, Need, Source};
use std::path::PathBuf;

/// Looks for every need, installs what is missing, and looks again.
pub(crate) fn run() -> Result<()> {
    let missing = missing()?;
    if missing.is_empty() {
        println!("    everything the tests need is here ({} things)", NEEDS.len());
        return Ok(());
    }
    for need in &missing {
        println!("    missing: {} ({})", need.name, need.why);
    }
    install(&missing)?;
    let left: Vec<String> = self::missing()?.iter().map(|need| need.source.by_hand()).collect();
    if !left.is_empty() {
        bail!("still missing after installing; by hand:\n  {}", left.join("\n  "));
    }
    println!("    installed: {}", missing.iter().map(|need| need.name).collect::<Vec<_>>().join(", "));
    Ok(())
}

fn missing() -> Result<Vec<&'static Need>> {
    let sysroot = PathBuf::from(output(&mut command("rustc", &["--print", "sysroot"]))?.trim());
    let is_here = |need: &&Need| match need.source {
        Source::Apt { .. } | Source::Cargo { .. } => find_program(need.name).is_some(),
        // In ~/.cargo/bin every component has a proxy, installed or not; only the toolchain's own folder tells.
        Source::Component(_) => sysroot.join("bin").join(need.name).is_file(),
        Source::PyPi { package, version } => python::is_installed(package, version),
    };
    Ok(NEEDS.iter().filter(|need| !is_here(need)).collect())
}

/// One call a source, so that apt's lists are read once. What cannot be installed is collected and said at the end.
fn install(missing: &[&Need]) -> Result<()> {
    let mut by_hand = Vec::new();
    let mut packages: Vec<&str> = Vec::new();
    let mut services: Vec<&str> = Vec::new();
    for need in missing {
        if let Source::Apt { package, service } = need.source {
            packages.push(package);
            services.extend(service);
        }
    }
    let needs_pip =
        missing.iter().any(|need| matches!(need.source, Source::PyPi { .. })) && !python::has_pip();
    packages.extend(needs_pip.then_some("python3-pip"));
    packages.dedup();
    if !packages.is_empty() {
        by_hand.extend(apt::install(&packages, &services)?);
    }
    for need in missing {
        match need.source {
            Source::Apt { .. } => {}
            Source::Cargo { package, version } => {
                let release = format!("{package}@{version}");
                run_patiently(&mut cargo(&["install", "--locked", &release]))?;
            }
            Source::Component(component) if find_program("rustup").is_some() => {
                run_patiently(&mut command("rustup", &["component", "add", component]))?;
            }
            Source::Component(_) => by_hand.push(need.source.by_hand()),
            Source::PyPi { package, version } if python::has_pip() => python::install(package, version)?,
            Source::PyPi { .. } => by_hand.push(need.source.by_hand()),
        }
    }
    if !by_hand.is_empty() {
        bail!("this could not be installed from here; please run\n  {}", by_hand.join("\n  "));
    }
    Ok(())
}
