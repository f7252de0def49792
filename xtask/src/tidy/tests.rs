//! Every rule, handed a repository that breaks it. The sound one breaks none.

use super::workspace::{Crate, Dependency, Kind, Workspace};
use super::*;
use serde_json::json;

const MANIFEST: &str = "[package]\nversion.workspace = true\nedition.workspace = true\n\
    rust-version.workspace = true\nlicense.workspace = true\npublish = false\n[lints]\nworkspace = true\n";

/// A crate in the folder its name asks for, with these direct dependencies.
fn member(name: &str, dependencies: &[(&str, Kind)]) -> Crate {
    let short = name.trim_start_matches("peerset-");
    let folder = if matches!(short, "xtask" | "fuzz") { short.to_owned() } else { format!("crates/{short}") };
    let dependencies: Vec<_> =
        dependencies.iter().map(|&(name, kind)| Dependency { name: name.to_owned(), kind }).collect();
    let reaches = dependencies.iter().filter(|dependency| dependency.kind == Kind::Normal);
    let reaches =
        reaches.map(|dependency| (dependency.name.clone(), vec![dependency.name.clone()])).collect();
    Crate { name: name.to_owned(), folder, dependencies, reaches }
}

/// Crates of every ring, with arrows between them that are allowed.
fn sound() -> Workspace {
    use Kind::{Dev, Normal};
    let crates = vec![
        member("peerset-store", &[("memchr", Normal), ("rand", Dev), ("peerset-testkit", Dev)]),
        member("peerset-cluster", &[("tokio", Normal)]),
        member("peerset-discover-etcd", &[("peerset-cluster", Normal)]),
        member("peerset-client-http", &[("peerset-cluster", Normal)]),
        member(
            "peerset-node",
            &[("peerset-store", Normal), ("peerset-client-http", Normal), ("peerset-testkit", Dev)],
        ),
        member("peerset-testkit", &[]),
        member("peerset-bench", &[("peerset-testkit", Normal), ("peerset-node", Normal)]),
    ];
    Workspace { crates }
}

/// The files of [`sound`], with others added or in their place.
fn files(changed: &[(&str, &str)]) -> Tree {
    let workspace = sound();
    let manifests: Vec<String> = workspace.crates.iter().map(Crate::manifest).collect();
    let map: String = workspace.crates.iter().map(|member| format!("- `{}`\n", member.folder)).collect();
    let mut files: Vec<(&str, &str)> = manifests.iter().map(|path| (path.as_str(), MANIFEST)).collect();
    files.push(("ARCHITECTURE.md", &map));
    files.extend(changed);
    Tree::of(&files)
}

/// The one problem expected: its file, and words of the whole message.
#[track_caller]
fn check(problems: &[Problem], file: &str, words: &str) {
    let [problem] = problems else { panic!("expected one problem, {file} … {words}; got {problems:#?}") };
    assert_eq!(problem.file, file);
    assert!(problem.to_string().contains(words), "{problem}");
}

#[test]
fn a_sound_repository_has_no_problems() {
    assert_eq!(problems(&sound(), &files(&[])), []);
}

#[test]
fn arrows() {
    use Kind::{Build, Dev, Normal};
    let broken = |from: &str, to: &str, kind, words: &str| {
        let mut workspace = sound();
        workspace.crates.retain(|member| member.name != from);
        workspace.crates.push(member(from, &[(to, kind)]));
        let folder = from.trim_start_matches("peerset-");
        check(&rings::check(&workspace), &format!("crates/{folder}/Cargo.toml"), words);
    };
    broken("peerset-store", "peerset-cluster", Normal, "ring 0 uses nothing");
    broken("peerset-store", "peerset-cluster", Dev, "point inwards");
    broken("peerset-placement", "peerset-store", Build, "ring 0 uses nothing");
    broken("peerset-cluster", "peerset-discover-etcd", Normal, "point inwards");
    broken("peerset-client-http", "peerset-node", Normal, "point inwards");
    broken("peerset-client-http", "peerset-discover-etcd", Normal, "meet at peerset_cluster::Watch");
    broken("peerset-discover-etcd", "peerset-client-http", Dev, "meet at peerset_cluster::Watch");
    broken("peerset-node", "peerset-testkit", Normal, "used by tests alone");
    broken("peerset-node", "peerset-bench", Dev, "only testkit");
}

#[test]
fn a_crate_without_a_ring() {
    let mut workspace = sound();
    workspace.crates.push(member("peerset-surprise", &[]));
    check(&rings::check(&workspace), "xtask/src/tidy/rings.rs", "peerset-surprise");
}

#[test]
fn ring_0_reaches_no_randomness() {
    let mut workspace = sound();
    let way = ["ahash", "getrandom"].map(str::to_owned).to_vec();
    workspace.crates[0].reaches.insert("getrandom".to_owned(), way);
    check(&pure::check(&workspace, &files(&[])), "crates/store/Cargo.toml", "ahash → getrandom");
}

#[test]
fn ring_0_sources() {
    let broken = |code: &str, words: &str| {
        let tree = files(&[("crates/store/src/a/b.rs", code)]);
        check(&pure::check(&sound(), &tree), "crates/store/src/a/b.rs:2", words);
    };
    broken("\nlet t = Instant::now();", "a clock");
    broken("\nlet t = std::time::SystemTime::now();", "a clock");
    broken("\nlet m = HashMap::new();", "its hasher seeds itself");
    broken("\nif std::env::args().len() > 1 {}", "the environment");
    broken("#[cfg(test)]\nlet s = RandomState::default();", "global randomness");

    let sound_code = |path: &str, code: &str| assert_eq!(pure::check(&sound(), &files(&[(path, code)])), []);
    sound_code("crates/store/src/a.rs", "// never Instant::now()\n/// SystemTime::now()\nlet now = now;");
    sound_code("crates/store/src/a.rs", "fn f() {}\n#[cfg(test)]\nmod tests {\n    HashMap::new();\n}");
    sound_code("crates/store/src/a.rs", "let m = HashMap::with_hasher(seeded);");
    sound_code("crates/store/src/a/tests.rs", "let m = HashMap::new();");
    sound_code("crates/store/src/fuzzing.rs", "let m = HashMap::new();");
    sound_code("crates/store/examples/a.rs", "let t = Instant::now();");
    sound_code("crates/node/src/a.rs", "let t = Instant::now();");
}

#[test]
fn manifests_inherit() {
    let lacking = |line: &str| {
        let text = MANIFEST.replace(&format!("{line}\n"), "");
        manifests::check(&sound(), &files(&[("crates/bench/Cargo.toml", &text)]))
    };
    check(&lacking("edition.workspace = true"), "crates/bench/Cargo.toml", "edition");
    check(&lacking("publish = false"), "crates/bench/Cargo.toml", "never published");
    check(&lacking("[lints]"), "crates/bench/Cargo.toml", "[lints] lacks");
    let misplaced = MANIFEST.replace("[lints]", "[dependencies]");
    check(
        &manifests::check(&sound(), &files(&[("crates/bench/Cargo.toml", &misplaced)])),
        "crates/bench/Cargo.toml",
        "[lints]",
    );
}

#[test]
fn folders_are_named_after_crates() {
    let mut workspace = sound();
    workspace.crates[0].folder = "crates/bench".to_owned();
    check(&manifests::check(&workspace, &files(&[])), "crates/bench/Cargo.toml", "crates/store");
}

#[test]
fn file_layout() {
    let broken =
        |path: &str, file: &str, words: &str| check(&layout::check(&files(&[(path, "")])), file, words);
    broken("crates/store/src/a/mod.rs", "crates/store/src/a/mod.rs", "crates/store/src/a.rs");
    broken("crates/store/tests/more.rs", "crates/store/tests/more.rs", "tests/it/main.rs");
    broken("testdata/ketama/vectors.json", "testdata/ketama", "README.md");
    broken("crates/store/testdata/traces/a.bin", "crates/store/testdata/traces", "README.md");
    let sound = files(&[
        ("testdata/ketama/README.md", ""),
        ("testdata/ketama/a", ""),
        ("crates/store/tests/it/main.rs", ""),
    ]);
    assert_eq!(layout::check(&sound), []);
}

#[test]
fn the_map_names_what_exists() {
    let with = |map: &str| documents::check(&sound(), &files(&[("ARCHITECTURE.md", map)]));
    let all: String = sound().crates.iter().map(|member| format!("`{}/src` and\n", member.folder)).collect();
    let all = all.replace("/src", "");
    check(&with(&all.replace("crates/store", "")), "ARCHITECTURE.md", "crates/store is not named");
    check(&with(&format!("{all}[x](crates/gone/lib.rs).")), "ARCHITECTURE.md:8", "no crates/gone/lib.rs");
    assert_eq!(with(&format!("{all}A crate is `crates/X` or crates/*/src; crates/store/Cargo.toml.")), []);
    assert!(!documents::check(&sound(), &Tree::of(&[])).is_empty());
}

#[test]
fn links_resolve() {
    let target = ("docs/guide.md", "# A guide: for you\n```\n# no heading\n```\n");
    let of = |text: &str| links::check(&files(&[target, ("docs/a.md", text)]));
    check(&of("see\n[b](b.md)"), "docs/a.md:2", "docs/b.md");
    check(&of("[b](guide.md#nowhere)"), "docs/a.md:1", "no heading");
    check(&of("[b](guide.md#no-heading)"), "docs/a.md:1", "no heading");
    check(&of("[name]: ../gone/"), "docs/a.md:1", "gone");
    check(&of("[`code`](../x.rs)"), "docs/a.md:1", "x.rs");
    let sound = "[a](guide.md) [b](../docs/) [c](guide.md#a-guide-for-you \"title\") [d](https://x.y/z)\n\
        [e](#own) `[f](gone.md)`\n# own\n```\n[g](gone.md)\n```\n";
    assert_eq!(of(sound), []);
}

#[test]
fn metadata_is_read_as_cargo_writes_it() {
    let package = |name: &str, kind: &str, dependencies: serde_json::Value| {
        json!({ "id": format!("id of {name}"), "name": name, "manifest_path": format!("/w/crates/{name}/Cargo.toml"),
            "targets": [{ "kind": [kind] }], "dependencies": dependencies })
    };
    let uses = |name: &str, kind: serde_json::Value| json!({ "pkg": format!("id of {name}"), "dep_kinds": [{ "kind": kind }] });
    let metadata = json!({
        "workspace_root": "/w",
        "workspace_members": ["id of a"],
        "packages": [
            package("a", "lib", json!([{ "name": "b", "kind": null }, { "name": "t", "kind": "dev" }])),
            package("b", "lib", json!([])), package("c", "lib", json!([])), package("t", "lib", json!([])),
            package("m", "proc-macro", json!([])), package("syn", "lib", json!([])),
        ],
        "resolve": { "nodes": [
            { "id": "id of a", "deps": [uses("b", json!(null)), uses("t", json!("dev")), uses("m", json!(null))] },
            { "id": "id of b", "deps": [uses("c", json!(null))] },
            { "id": "id of m", "deps": [uses("syn", json!(null))] },
        ] },
    });
    let workspace = Workspace::parse(&metadata).unwrap();
    let a = workspace.find("a").unwrap();
    assert_eq!(a.folder, "crates/a");
    assert_eq!(
        a.dependencies.iter().map(|d| (d.name.as_str(), d.kind)).collect::<Vec<_>>(),
        [("b", Kind::Normal), ("t", Kind::Dev)]
    );
    assert_eq!(a.reaches.keys().collect::<Vec<_>>(), ["b", "c", "m"]);
    assert_eq!(a.reaches["c"], ["b", "c"]);
}
