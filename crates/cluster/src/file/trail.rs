//! Which directory entries decide what a path names.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// Links followed in one resolution; Linux stops at as many.
const LINKS_MAX: usize = 40;

/// The entries a change of which may change the file that `path` names: every symbolic link on the way, the file
/// itself, and where the way ends early, the first entry that is missing.
///
/// Their folders are what to watch, since an entry that is replaced takes a watch on itself along: a rename into place,
/// an editor's new file, the `..data` link that Kubernetes swaps. Folders in the result are free of links, so that no
/// two of them are the same. `path` must be absolute.
pub(super) fn trail(path: &Path) -> BTreeSet<PathBuf> {
    let mut entries = BTreeSet::new();
    let mut ahead: VecDeque<OsString> = VecDeque::new();
    let mut here = PathBuf::new();
    let mut links = 0;
    push_front(&mut ahead, path);
    while let Some(component) = ahead.pop_front() {
        match Path::new(&component).components().next() {
            Some(Component::RootDir | Component::Prefix(_)) => {
                here.push(&component);
                continue;
            }
            Some(Component::ParentDir) => {
                here.pop(); // free of links so far, so this is the true parent
                continue;
            }
            Some(Component::CurDir) | None => continue,
            Some(Component::Normal(_)) => {}
        }
        let entry = here.join(&component);
        match entry.symlink_metadata() {
            Ok(found) if found.is_symlink() => {
                links += 1;
                let target = entry.read_link();
                entries.insert(entry);
                match target {
                    Ok(target) if links <= LINKS_MAX => {
                        if target.is_absolute() {
                            here = PathBuf::new();
                        }
                        push_front(&mut ahead, &target);
                    }
                    _ => return entries,
                }
            }
            Ok(_) => {
                if ahead.is_empty() {
                    entries.insert(entry.clone());
                }
                here = entry;
            }
            Err(_) => {
                entries.insert(entry);
                return entries;
            }
        }
    }
    entries
}

fn push_front(ahead: &mut VecDeque<OsString>, path: &Path) {
    for component in path.components().rev() {
        ahead.push_front(component.as_os_str().to_owned());
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_and_the_end_decide() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let check = |path: &str, expected: &[&str]| {
            let found = trail(&root.join(path));
            assert_eq!(found, expected.iter().map(|entry| root.join(entry)).collect(), "{path}");
        };
        check("pool", &["pool"]);
        check("a/b/pool", &["a"]);
        fs::create_dir_all(root.join("a/b")).unwrap();
        check("a/b/pool", &["a/b/pool"]);
        fs::write(root.join("a/b/pool"), "").unwrap();
        check("a/b/../b/pool", &["a/b/pool"]);
        check("a/b/pool/under", &["a/b/pool/under"]);

        // A ConfigMap: pool -> ..data/pool, ..data -> ..v1
        fs::create_dir_all(root.join("map/..v1")).unwrap();
        fs::write(root.join("map/..v1/pool"), "").unwrap();
        symlink("..v1", root.join("map/..data")).unwrap();
        symlink("..data/pool", root.join("map/pool")).unwrap();
        check("map/pool", &["map/pool", "map/..data", "map/..v1/pool"]);

        symlink(root.join("a"), root.join("absolute")).unwrap();
        check("absolute/b/pool", &["absolute", "a/b/pool"]);
        symlink("../gone/pool", root.join("a/dangling")).unwrap();
        check("a/dangling", &["a/dangling", "gone"]);
        symlink("loop", root.join("loop")).unwrap();
        check("loop/x", &["loop"]);
    }
}
