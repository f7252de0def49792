//! Following files through what people, editors and Kubernetes do to them. Real files, real notices, real time.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use peerset_cluster::{Discover, FileConfig, FileSource, Watch};
use tempfile::TempDir;

use crate::{expect, expect_end, show};

/// The notices must do: a test that needed the poll would fail at its deadline.
fn noticed() -> FileConfig {
    let mut config = FileConfig::default();
    config.settle = Duration::from_millis(5);
    config.gone_after = Duration::from_millis(50);
    config.poll = Duration::from_secs(3600);
    config
}

struct Pool {
    root: PathBuf,
    source: FileSource,
    watch: Watch,
    _folder: TempDir,
}

impl Pool {
    /// Follows `path` in a new folder, which `prepare` may fill before.
    fn open(path: &str, config: FileConfig, prepare: impl FnOnce(&Path)) -> Pool {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        prepare(&root);
        let source = FileSource::with_config(root.join(path), config).unwrap();
        Pool { root, watch: source.watch(), source, _folder: folder }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    async fn expect(&self, shown: &str) {
        expect(&self.watch, shown).await;
    }
}

/// Puts a file in place as careful programs do.
fn replace(path: impl AsRef<Path>, text: &str) {
    let new = path.as_ref().with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}

#[tokio::test]
async fn created_replaced_deleted_created_again() {
    let pool = Pool::open("pool", noticed(), |_| ());
    pool.expect("absent []").await;
    fs::write(pool.at("pool"), "a:1\n").unwrap();
    pool.expect("ready [a:1]").await;
    replace(pool.at("pool"), "a:1\nb:1@2=two\n");
    pool.expect("ready [a:1, two]").await;
    fs::remove_file(pool.at("pool")).unwrap();
    pool.expect("absent []").await;
    replace(pool.at("pool"), "c:1");
    pool.expect("ready [c:1]").await;
    fs::File::options().append(true).open(pool.at("pool")).unwrap().write_all(b"\nd:1").unwrap();
    pool.expect("ready [c:1, d:1]").await;
    fs::write(pool.at("pool"), "").unwrap();
    pool.expect("ready []").await;
}

#[tokio::test]
async fn an_editor_leaves_no_gap() {
    let mut config = noticed();
    config.gone_after = Duration::from_secs(3600);
    let pool = Pool::open("pool", config, |root| fs::write(root.join("pool"), "a:1").unwrap());
    pool.expect("ready [a:1]").await;
    let mut reader = pool.watch.clone();
    let seen = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Ok(snapshot) = reader.changed().await {
            seen.push(show(&snapshot));
        }
        seen
    });
    for n in 1..=5 {
        // vim: the old file becomes the backup, a new one is written and gets the old one's mode.
        fs::rename(pool.at("pool"), pool.at("pool~")).unwrap();
        tokio::task::yield_now().await;
        fs::write(pool.at("pool"), "").unwrap();
        tokio::task::yield_now().await;
        fs::write(pool.at("pool"), format!("v{n}:1")).unwrap();
        fs::set_permissions(pool.at("pool"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::remove_file(pool.at("pool~")).unwrap();
        pool.expect(&format!("ready [v{n}:1]")).await;
        // Others truncate and write again.
        fs::File::create(pool.at("pool")).unwrap();
        tokio::task::yield_now().await;
        fs::write(pool.at("pool"), format!("t{n}:1")).unwrap();
        pool.expect(&format!("ready [t{n}:1]")).await;
    }
    pool.source.close();
    let seen = seen.await.unwrap();
    assert!(seen.iter().all(|shown| shown.contains(":1")), "{seen:?}");
}

#[tokio::test]
async fn kubernetes_swaps_a_link() {
    let version = |root: &Path, name: &str, text: &str| {
        fs::create_dir(root.join(name)).unwrap();
        fs::write(root.join(name).join("pool"), text).unwrap();
        symlink(name, root.join("..data_tmp")).unwrap();
        fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
    };
    let pool = Pool::open("pool", noticed(), |root| {
        version(root, "..v1", "a:1");
        symlink("..data/pool", root.join("pool")).unwrap();
    });
    pool.expect("ready [a:1]").await;
    for n in 2..5 {
        version(&pool.root, &format!("..v{n}"), &format!("v{n}:1"));
        fs::remove_dir_all(pool.at(&format!("..v{}", n - 1))).unwrap();
        pool.expect(&format!("ready [v{n}:1]")).await;
    }
}

#[tokio::test]
async fn folders_appear_vanish_and_are_swapped() {
    let pool = Pool::open("a/current/b/pool", noticed(), |_| ());
    pool.expect("absent []").await;
    fs::create_dir_all(pool.at("a/one/b")).unwrap();
    fs::create_dir_all(pool.at("a/two/b")).unwrap();
    fs::write(pool.at("a/one/b/pool"), "one:1").unwrap();
    fs::write(pool.at("a/two/b/pool"), "two:1").unwrap();
    symlink("one", pool.at("a/current")).unwrap();
    pool.expect("ready [one:1]").await;
    replace(pool.at("a/one/b/pool"), "one:2");
    pool.expect("ready [one:2]").await;
    symlink("two", pool.at("a/next")).unwrap();
    fs::rename(pool.at("a/next"), pool.at("a/current")).unwrap();
    pool.expect("ready [two:1]").await;
    fs::rename(pool.at("a"), pool.at("gone")).unwrap();
    pool.expect("absent []").await;
    fs::create_dir_all(pool.at("a/current/b")).unwrap();
    fs::write(pool.at("a/current/b/pool"), "new:1").unwrap();
    pool.expect("ready [new:1]").await;
    fs::remove_dir_all(pool.at("a/current/b")).unwrap();
    fs::create_dir_all(pool.at("a/current/b")).unwrap();
    fs::write(pool.at("a/current/b/pool"), "newer:1").unwrap();
    pool.expect("ready [newer:1]").await;
    replace(pool.at("a/current/b/pool"), "newest:1"); // the folder has the old one's path, not its watch
    pool.expect("ready [newest:1]").await;
}

#[tokio::test]
async fn a_link_into_another_folder_is_followed() {
    let pool = Pool::open("here/pool", noticed(), |root| {
        fs::create_dir(root.join("here")).unwrap();
        fs::create_dir(root.join("there")).unwrap();
        symlink("../there/list", root.join("here/pool")).unwrap();
    });
    pool.expect("absent []").await;
    fs::write(pool.at("there/list"), "a:1").unwrap();
    pool.expect("ready [a:1]").await;
    fs::write(pool.at("there/list"), "b:1").unwrap();
    pool.expect("ready [b:1]").await;
}

#[tokio::test]
async fn a_bad_line_is_reported_and_the_rest_stays() {
    let pool = Pool::open("pool", noticed(), |root| {
        fs::write(root.join("pool"), "a:1\nb:99999 # oops\nc:1\n").unwrap();
    });
    pool.expect("ready [a:1, c:1]").await;
    let problems = pool.source.problems();
    let shown: Vec<_> = problems.iter().map(ToString::to_string).collect();
    let path = pool.at("pool");
    assert_eq!(shown, [format!("{}:2:3: the port is out of range (1 to 65535)", path.display())]);
    replace(&path, "a:1\nb:9\nc:1\n");
    pool.expect("ready [a:1, b:9, c:1]").await;
    assert!(pool.source.problems().is_empty());
}

#[tokio::test]
async fn what_cannot_be_read_keeps_the_last_set() {
    let mut config = noticed();
    config.file_bytes_max = 20;
    let pool = Pool::open("pool", config, |root| fs::create_dir(root.join("pool")).unwrap());
    pool.expect("pending []").await;
    fs::remove_dir(pool.at("pool")).unwrap();
    replace(pool.at("pool"), "a:1");
    pool.expect("ready [a:1]").await;
    replace(pool.at("pool"), "b:1 # twenty bytes at most");
    pool.expect("stale [a:1]").await;
    replace(pool.at("pool"), "b:1 #twenty bytes...");
    pool.expect("ready [b:1]").await;
    // Reading a pipe would wait for ever.
    fs::remove_file(pool.at("pool")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(pool.at("pool")).status().unwrap();
    assert!(made.success());
    pool.expect("stale [b:1]").await;
}

#[tokio::test]
async fn polling_alone_is_enough() {
    let mut config = noticed();
    config.notices = false;
    config.poll = Duration::from_millis(20);
    let pool = Pool::open("folder/pool", config, |_| ());
    pool.expect("absent []").await;
    fs::create_dir(pool.at("folder")).unwrap();
    replace(pool.at("folder/pool"), "a:1");
    pool.expect("ready [a:1]").await;
    fs::remove_dir_all(pool.at("folder")).unwrap();
    pool.expect("absent []").await;
}

#[tokio::test]
async fn dropping_the_source_ends_its_watches() {
    let pool = Pool::open("pool", noticed(), |_| ());
    pool.expect("absent []").await;
    let Pool { watch, source, .. } = pool;
    let clone = source.clone();
    drop(source);
    assert!(!watch.is_closed());
    drop(clone);
    expect_end(watch, "absent []").await;
}

#[test]
fn there_must_be_a_path_and_a_runtime() {
    assert!(FileSource::open("").unwrap_err().to_string().contains("absolute"));
    assert!(FileSource::open("pool").unwrap_err().to_string().contains("runtime"));
}
