//! The inputs a target starts from: files in `corpus/TARGET/`, each named after what it shows.

use std::io;
use std::path::{Path, PathBuf};

/// One file of a corpus.
#[derive(Clone, Debug)]
pub struct Seed {
    /// The name of the file.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Where the corpus of a target lies.
pub fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// Reads a corpus, sorted by name, so that a run depends on nothing but its seed.
///
/// # Errors
/// The folder or a file in it cannot be read, or there is no file at all: mutating nothing would find nothing.
pub fn load(target: &str) -> io::Result<Vec<Seed>> {
    let folder = folder(target);
    let mut seeds = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        seeds.push(Seed { name, bytes: std::fs::read(entry.path())? });
    }
    if seeds.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("{} holds no file", folder.display())));
    }
    seeds.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(seeds)
}
