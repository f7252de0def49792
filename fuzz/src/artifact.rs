//! Keeping what was found: the input in a file, and how to see it again.

use crate::targets::Target;
use std::io;
use std::path::{Path, PathBuf};

/// Writes an input to `artifacts/TARGET/HASH` and returns the path.
///
/// The name comes from the bytes (FNV-1a, 64 bits), so that finding the same again makes no second file.
///
/// # Errors
/// The folder or the file cannot be written.
pub fn keep(target: &Target, input: &[u8]) -> io::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts").join(target.name);
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{:016x}", hash(input)));
    std::fs::write(&path, input)?;
    Ok(path)
}

/// The command that runs a kept input again.
pub fn replay(target: &Target, path: &Path) -> String {
    format!("cargo run -p peerset-fuzz -- {} --input {}", target.name, path.display())
}

fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
