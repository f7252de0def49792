//! What `cargo metadata` says, reduced to what rules ask.

use crate::shell::{cargo, command, output};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};

/// The crates of this workspace and, for each, every package that its normal build pulls in.
pub(crate) struct Workspace {
    pub(crate) crates: Vec<Crate>,
}

pub(crate) struct Crate {
    pub(crate) name: String,
    /// From the root: `crates/store`, `xtask`.
    pub(crate) folder: String,
    /// As declared, of every kind, the optional ones too.
    pub(crate) dependencies: Vec<Dependency>,
    /// Every package that its normal dependencies reach on this platform with default features, and the way to it:
    /// `["rand", "rand_core", "getrandom"]`. Procedural macros count as leaves, for what they use runs in the compiler.
    pub(crate) reaches: BTreeMap<String, Vec<String>>,
}

pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Build,
    Dev,
}

impl Workspace {
    /// Asks cargo, for this platform only: the crates of other platforms need not be downloaded for it.
    pub(crate) fn load() -> Result<Workspace> {
        let version = output(&mut command("rustc", &["-vV"]))?;
        let host = version
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .context("`rustc -vV` names no host")?;
        let metadata = output(&mut cargo(&["metadata", "--format-version", "1", "--filter-platform", host]))?;
        Workspace::parse(&serde_json::from_str(&metadata).context("`cargo metadata` printed no JSON")?)
    }

    /// Reads the format described in cargo's book, "cargo metadata".
    pub(crate) fn parse(metadata: &Value) -> Result<Workspace> {
        let root = text(&metadata["workspace_root"])?;
        let packages: BTreeMap<&str, &Value> = list(&metadata["packages"])?
            .iter()
            .map(|package| Ok((text(&package["id"])?, package)))
            .collect::<Result<_>>()?;
        let mut uses: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for node in list(&metadata["resolve"]["nodes"])? {
            for dependency in list(&node["deps"])? {
                // A kind is null for a normal dependency; one package may be used in several ways.
                if list(&dependency["dep_kinds"])?.iter().any(|kind| kind["kind"].is_null()) {
                    uses.entry(text(&node["id"])?).or_default().push(text(&dependency["pkg"])?);
                }
            }
        }
        let member = |id: &Value| {
            let id = text(id)?;
            let package = packages.get(id).context("a workspace member is no package")?;
            let manifest = text(&package["manifest_path"])?;
            let folder = manifest.strip_prefix(root).and_then(|path| path.strip_suffix("/Cargo.toml"));
            Ok(Crate {
                name: text(&package["name"])?.to_owned(),
                folder: folder.context("a member outside the workspace")?.trim_start_matches('/').to_owned(),
                dependencies: list(&package["dependencies"])?
                    .iter()
                    .map(Dependency::parse)
                    .collect::<Result<_>>()?,
                reaches: reaches(id, &packages, &uses)?,
            })
        };
        let crates = list(&metadata["workspace_members"])?.iter().map(member).collect::<Result<_>>()?;
        Ok(Workspace { crates })
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Crate> {
        self.crates.iter().find(|member| member.name == name)
    }
}

impl Crate {
    /// The crate's name without the project's: `store` for `peerset-store`, and `peerset` for the facade.
    pub(crate) fn short_name(&self) -> &str {
        self.name.strip_prefix("peerset-").unwrap_or(&self.name)
    }

    pub(crate) fn manifest(&self) -> String {
        format!("{}/Cargo.toml", self.folder)
    }
}

impl Dependency {
    fn parse(value: &Value) -> Result<Dependency> {
        let kind = match value["kind"].as_str() {
            Some("dev") => Kind::Dev,
            Some("build") => Kind::Build,
            _ => Kind::Normal,
        };
        Ok(Dependency { name: text(&value["name"])?.to_owned(), kind })
    }
}

/// Breadth first, so that the way shown is a shortest one.
fn reaches(
    start: &str,
    packages: &BTreeMap<&str, &Value>,
    uses: &BTreeMap<&str, Vec<&str>>,
) -> Result<BTreeMap<String, Vec<String>>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut queue = VecDeque::from([(start, Vec::new())]);
    while let Some((id, way)) = queue.pop_front() {
        for &next in uses.get(id).into_iter().flatten() {
            let package = packages.get(next).context("a dependency is no package")?;
            let name = text(&package["name"])?;
            if found.contains_key(name) || next == start {
                continue;
            }
            let mut way: Vec<String> = way.clone();
            way.push(name.to_owned());
            found.insert(name.to_owned(), way.clone());
            let is_macro = list(&package["targets"])?.iter().any(|target| {
                target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "proc-macro"))
            });
            if !is_macro {
                queue.push_back((next, way));
            }
        }
    }
    Ok(found)
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().context("cargo metadata: a text was expected")
}

fn list(value: &Value) -> Result<&Vec<Value>> {
    value.as_array().context("cargo metadata: a list was expected")
}
