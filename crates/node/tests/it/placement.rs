//! `peerset locate` and `peerset placement`.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use peerset_testkit::TempDir;

use crate::wire::PEERSET;

/// Runs the program with `input` and gives its exit status and both outputs.
#[track_caller]
fn run(arguments: &[&str], input: &[u8]) -> (i32, String, String) {
    let mut command = Command::new(PEERSET);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // The program may have ended before it read all.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[track_caller]
fn check(arguments: &[&str], input: &str, expected: &str) {
    let (status, stdout, stderr) = run(arguments, input.as_bytes());
    assert_eq!((status, &*stdout), (0, expected), "{stderr}");
}

#[test]
fn keys_are_located_in_the_order_given() {
    let pool = "static:10.0.0.1:11211,10.0.0.2:11211,10.0.0.3:11211";
    // What Python says: zlib.crc32(key) % 3 is 1, 0, 2 and 1.
    let expected = "user:42\t10.0.0.2:11211\na\t10.0.0.1:11211\nb\t10.0.0.3:11211\nuser:42\t10.0.0.2:11211\n";
    let gomemcache = ["locate", "--pool", pool, "--placement", "gomemcache"];
    check(&[&gomemcache[..], &["user:42", "a", "b", "user:42"]].concat(), "", expected);
    check(&[&gomemcache[..], &["--keys", "-"]].concat(), "user:42\na\r\n\nb\nuser:42", expected);
    check(
        &[&gomemcache[..], &["--format", "json", "a"]].concat(),
        "",
        "{\"key\":\"a\",\"owner\":\"10.0.0.1:11211\"}\n",
    );
}

#[test]
fn a_pool_comes_from_a_file_too() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("servers");
    fs::write(&path, "# the fleet\nb:2\na:1 # first\n").unwrap();
    let url = format!("file:{}", path.display());
    check(&["locate", "--pool", &url, "--placement", "jump", "k"], "", "k\ta:1\n");
    fs::write(&path, "b:2\na:x\n").unwrap();
    let (status, _, stderr) = run(&["locate", "--pool", &url, "k"], b"");
    assert!(status == 1 && stderr.contains("servers:2:3: "), "{stderr}");
}

#[test]
fn an_added_server_only_takes() {
    let arguments = ["placement", "diff", "--from", "static:a:1,b:1", "--to", "static:a:1,b:1,c:1"];
    for placement in ["ketama", "rendezvous", "jump", "mcset"] {
        let (status, stdout, stderr) = run(&[&arguments[..], &["--from-placement", placement]].concat(), b"");
        assert_eq!(status, 0, "{stderr}");
        let takers: Vec<&str> = stdout.lines().skip(1).filter_map(|line| line.split('\t').nth(1)).collect();
        assert!(!takers.is_empty() && takers.iter().all(|taker| *taker == "c:1"), "{placement}:\n{stdout}");
    }
}

#[test]
fn real_keys_are_counted_and_listed() {
    let keys: String = (0..2000).map(|number| format!("user:{number}\n")).collect();
    let arguments = ["placement", "diff", "--from", "static:a:1", "--to", "static:b:1", "--keys", "-"];
    let (_, stdout, _) = run(&arguments, keys.as_bytes());
    assert_eq!(stdout, "2000 of 2000 keys move (100.00 %)\na:1\tb:1\t2000\t100.00 %\n");
    let (_, stdout, _) = run(&[&arguments[..], &["--list"]].concat(), keys.as_bytes());
    assert!(stdout.starts_with("user:0\ta:1\tb:1\nuser:1\ta:1\tb:1\n"), "{stdout}");
}

#[test]
fn shares_add_up() {
    let (_, stdout, _) =
        run(&["placement", "shares", "--pool", "static:a:1@3,b:1", "--placement", "ketama"], b"");
    let shares: Vec<f64> = stdout
        .lines()
        .map(|line| line.split('\t').nth(1).unwrap().trim_end_matches(" %").parse().unwrap())
        .collect();
    assert!((shares.iter().sum::<f64>() - 100.0).abs() < 0.001 && shares[0] > shares[1], "{stdout}");
}

#[test]
fn the_list_names_every_placement() {
    let (_, stdout, _) = run(&["placement", "list"], b"");
    for name in
        ["ketama", "twemproxy", "mcset", "groupcache", "pymemcache", "evcache", "finagle", "jump", "maglev"]
    {
        assert!(stdout.lines().any(|line| line.split(' ').next() == Some(name)), "no {name} in\n{stdout}");
    }
    assert!(stdout.contains("used by") && stdout.contains("verified"), "{stdout}");
}

#[test]
fn mistakes_are_explained() {
    let check = |arguments: &[&str], hint: &str| {
        let (status, _, stderr) = run(arguments, b"");
        assert!(status == 2 && stderr.contains(hint), "{status}: no {hint:?} in\n{stderr}");
    };
    check(&["locate", "--pool", "stati:a:1", "k"], "did you mean static?");
    check(&["locate", "--pool", "static:a:99999", "k"], "^");
    check(&["locate", "--pool", "static:a:1", "--placement", "ketma", "k"], "did you mean ketama?");
    check(&["locate", "--pool", "static:a:1"], "there are no keys: write them at the end, or --keys FILE");
    check(&["locate", "k"], "--pool is missing");
    check(&["placement", "diff", "--to", "static:a:1"], "--from is missing");
    check(&["placement", "diff", "--list"], "--list needs --keys");
    let (status, _, stderr) = run(&["locate", "--pool", "etcd://a:2379/set", "k"], b"");
    assert!(status == 2 && stderr.contains("no source for `etcd://a:2379/set`"), "{stderr}");
    let (status, _, stderr) = run(&["locate", "--pool", "static:a:1", "--keys", "-"], &vec![b'x'; 70_000]);
    assert!(status == 1 && stderr.contains("line 1: longer than"), "{stderr}");
}

#[test]
fn keys_that_nobody_owns_are_a_failure() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("servers");
    fs::write(&path, "# nobody\n").unwrap();
    let url = format!("file:{}", path.display());
    let (status, stdout, stderr) = run(&["locate", "--pool", &url, "k"], b"");
    assert!(
        status == 1 && stdout == "k\t-\n" && stderr.contains(&format!("`{url}` has no servers")),
        "{stderr}"
    );
}

#[test]
fn keys_that_memcached_refuses_are_warned_of() {
    let locate = |keys: &str| run(&["locate", "--pool", "static:a:1", "--keys", "-"], keys.as_bytes());
    let (long, longer) = ("x".repeat(250), "x".repeat(251));
    let (status, stdout, stderr) = locate(&format!("plain\n\u{e9}\n{long}\n"));
    assert_eq!((status, stdout.lines().count(), &*stderr), (0, 3, ""));
    let (status, stdout, stderr) = locate(&format!("a b\n{longer}\nc\u{7f}\nplain\n"));
    assert_eq!((status, stdout.lines().count()), (0, 4));
    assert!(stderr.contains("memcached refuses keys") && stderr.contains("keys=3 first=a b"), "{stderr}");
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let script = format!(
        "yes | head -n 200000 | {PEERSET} locate --pool static:a:1 --keys - | head -n 1; echo ${{PIPESTATUS[2]}}"
    );
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "y\ta:1\n0\n");
}
