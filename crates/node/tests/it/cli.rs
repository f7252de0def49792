//! The command line: help, and what a wrong one is told.

use std::process::{Command, Stdio};

use crate::registry::{start, wait_for_line, wait_for_log};
use crate::wire::{PEERSET, node};

struct Ran {
    status: i32,
    stdout: String,
    stderr: String,
}

#[track_caller]
fn peerset(arguments: &[&str]) -> Ran {
    let output = Command::new(PEERSET).args(arguments).stdin(Stdio::null()).output().unwrap();
    Ran {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn alone_it_shows_help_with_a_first_example() {
    let ran = peerset(&[]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(
        ran.stdout.contains("Usage: peerset") && ran.stdout.contains("  peerset serve  "),
        "{}",
        ran.stdout
    );
}

#[test]
fn every_help_has_an_example() {
    for arguments in [
        &["--help"][..],
        &["serve", "--help"],
        &["check", "--help"],
        &["proxy", "--help"],
        &["register", "--help"],
        &["watch", "--help"],
        &["locate", "--help"],
        &["placement", "--help"],
        &["placement", "list", "--help"],
        &["placement", "shares", "--help"],
        &["placement", "diff", "--help"],
    ] {
        let ran = peerset(arguments);
        assert_eq!(ran.status, 0);
        assert!(ran.stdout.contains("Examples:\n  peerset "), "{}", ran.stdout);
        assert!(ran.stdout.lines().all(|line| line.chars().count() <= 110), "{}", ran.stdout);
        let examples = ran.stdout.split("Examples:").nth(1).unwrap();
        let broken = examples.lines().find(|line| line.chars().count() > 80);
        assert!(broken.is_none(), "an example that a terminal of 80 columns breaks: {broken:?}");
    }
}

/// Runs a wrong command line and looks for what helps.
#[track_caller]
fn check_refused(arguments: &[&str], status: i32, hints: &[&str]) {
    let ran = peerset(arguments);
    for hint in hints {
        assert!(ran.stderr.contains(hint), "no {hint:?} in:\n{}", ran.stderr);
    }
    assert_eq!(ran.status, status, "{}", ran.stderr);
    assert!(ran.stdout.is_empty(), "{}", ran.stdout);
}

#[test]
fn wrong_usage_is_explained() {
    check_refused(&["serv"], 2, &["serve"]);
    check_refused(&["serve", "--memmory", "1gb"], 2, &["--memory"]);
    check_refused(&["serve", "--memory", "64xb"], 2, &["`64xb` is not a size", "64mb"]);
    check_refused(&["serve", "--memory", "-1"], 2, &["`-1` is not a size", "64mb"]);
    check_refused(&["serve", "--threads", "0"], 2, &["`0` is not a count", "at least 1"]);
    check_refused(&["serve", "--listen", "192.0.2.1:0"], 1, &["no address of this machine"]);
    check_refused(&["serve", "--listen", "unix:/no/such/folder/s"], 1, &["no such folder"]);
    check_refused(&["serve", "--memory", "1kb"], 2, &["too small", "1mb"]);
    check_refused(&["serve", "--max-item", "40mb"], 2, &["more than half of --memory 64mb"]);
    check_refused(&["serve", "--listen", "nonsense"], 2, &["HOST:PORT", "unix:PATH"]);
    check_refused(&["serve", "--max-conns", "0"], 2, &["--max-conns"]);
    check_refused(&["serve", "--idle-timeout", "5"], 2, &["`5` is not a time", "250ms"]);
    check_refused(&["serve", "--log", "loud"], 2, &["--log"]);
}

#[test]
fn a_config_file_is_placed_when_wrong() {
    let folder = peerset_testkit::TempDir::new().unwrap();
    let file = folder.path().join("peerset.toml");
    let path = file.to_str().unwrap();
    check_refused(&["serve", "--config", path], 2, &["cannot read", path]);
    std::fs::write(&file, "[serve]\nlisten = ['127.0.0.1:0']\nmemmory = '1gb'\n").unwrap();
    check_refused(
        &["serve", "--config", path],
        2,
        &[&format!("{path}:3:1: "), "memmory", "did you mean memory?"],
    );
    std::fs::write(&file, "[serve]\nmemory = '1xb'\n").unwrap();
    check_refused(&["serve", "--config", path], 2, &[&format!("{path}:2:10: "), "not a size"]);
}

#[test]
fn a_config_file_is_explained() {
    let folder = peerset_testkit::TempDir::new().unwrap();
    let file = folder.path().join("peerset.toml");
    let path = file.to_str().unwrap();
    std::fs::write(
        &file,
        "[serve]\nmemory = '1gb'\n[proxy]\nlisten = ['127.0.0.1:1', 'unix:/x']\n[pools.a]\ndiscover = ['static:h:1', 'file:/x']\ntimeout = '2s'\n\
         [pools.b]\ndiscover = 'static:i:1'\nplacement = 'ketama'\n\
         [routes]\nprefix = { 'tmp:' = { null = true } }\ndefault = 'a'\n",
    )
    .unwrap();
    let ran = peerset(&["check", path]);
    assert_eq!((ran.status, &*ran.stderr), (0, ""));
    for line in [
        "  memory      1gb, items up to 1mb",
        "  listens on  127.0.0.1:1, unix:/x",
        "  servers     static:h:1",
        "  and         file:/x",
        "  placement   ketama",
        "  prefix tmp: -> null",
        "  other keys -> shard a",
        &format!("{path}:8:8: warning: no key ever comes to the pool b"),
    ] {
        assert!(ran.stdout.lines().any(|found| found.starts_with(line)), "no {line:?} in:\n{}", ran.stdout);
    }
    std::fs::write(
        &file,
        "[serve]\nmemory = '2xb'\n[pools.a]\ndiscover = 'static:h:0'\n[routes]\nshard = 'b'",
    )
    .unwrap();
    let places = [":2:10: ", ":4:22: ", ":6:9: "].map(|place| format!("{path}{place}"));
    check_refused(&["check", path], 2, &places.each_ref().map(String::as_str));
    std::fs::write(&file, "[proxy]\nlissten = 'x'\nmax-item = '1xb'").unwrap();
    check_refused(&["check", path], 2, &["did you mean listen?", &format!("{path}:3:12: ")]);
    std::fs::write(&file, "[proxy]\nbuffer-memory = '1mb'\npool = 'static:h:1'").unwrap();
    check_refused(
        &["check", path],
        2,
        &[&format!("{path}:2:17: buffer-memory 1mb is less than four values of max-item")],
    );
    std::fs::write(&file, "[proxy]\nlisten = '127.0.0.1:1'").unwrap();
    assert!(peerset(&["check", path]).stdout.contains("incomplete  there is no pool: give --pool"));
    std::fs::write(&file, "# nothing yet\n").unwrap();
    check_refused(&["check", path], 2, &["configures nothing", "[serve], [proxy]"]);
    check_refused(&["check", "/no/such/file"], 2, &["cannot read the config file /no/such/file"]);
}

/// What is wrong with settings together is told where it stands, in the words of the file: by `check`, and by the command.
#[test]
fn settings_that_do_not_go_together_are_placed() {
    let folder = peerset_testkit::TempDir::new().unwrap();
    let file = folder.path().join("peerset.toml");
    let path = file.to_str().unwrap();
    let check = |text: &str, command: &[&str], place: &str, what: &str| {
        std::fs::write(&file, text).unwrap();
        let told = format!("{path}:{place}: {what}");
        check_refused(&["check", path], 2, &[&told]);
        check_refused(&[command, &["--config", path]].concat(), 2, &[&told]);
    };
    check("[serve]\nmax-item = '40mb'", &["serve"], "2:12", "max-item 40mb is more than half of memory 64mb");
    check("[serve]\nthreads = 4000", &["serve"], "2:11", "threads 4000 is more than 1024");
    let pools = "[pools.a]\ndiscover = 'static:h:1'\n[proxy]\n";
    let proxy =
        |rest: &str, place: &str, what: &str| check(&format!("{pools}{rest}"), &["proxy"], place, what);
    proxy(
        "placement = 'ketama'",
        "4:13",
        "placement goes with pool, not with [pools]: write it in [pools.NAME]",
    );
    let single = |rest: &str, place: &str, what: &str| {
        check(&format!("[proxy]\npool = 'static:h:1@0.5'\n{rest}"), &["proxy"], place, what);
    };
    single("placement = 'ketama'", "2:8", "pool: server 0: weight 0.5, where ketama takes");
    proxy("mode = 'shard'", "4:8", "mode goes with pool, not with [pools]: leave it out");
    proxy(
        "tls-ca = '/x'",
        "4:10",
        "tls-ca goes with pool, not with [pools]: write tls = { ca = \"FILE\" } in",
    );
    single("prefix = 'a b'", "3:10", "the key prefix may have");
    single("auth-file = '/no/such'", "3:13", "auth-file: cannot read /no/such");
    single("tls-ca = '/no/such'", "3:10", "");
    single("timeout = '0'", "3:11", "timeout must be more than 0");
    proxy("pool = 'static:h:1'", "4:8", "pool names servers, and so do the [pools]");
    check(
        "[proxy]\npool = 'etcd://h:1/x'",
        &["proxy"],
        "2:8",
        "this version has no source for `etcd://h:1/x`",
    );
    for url in
        ["etcd://h:1/x", "gossip://h:1", "dns+srv://_a._tcp.h", "gce://-/-?port=1", "zk://h:1/zookeeper/x"]
    {
        check(&format!("[pools.a]\ndiscover = '{url}'"), &["proxy"], "2:12", "");
    }
    check("[register]\nendpoint = 'h:1'\nurl = 'static:a:1'", &["register"], "3:7", "nobody can register in");
    check("[register]\nendpoint = 'h:1'", &["register"], "1:1", "there is no URL");
    check("[register]\nurl = 'zk://h:1/x'", &["register"], "1:1", "endpoint is missing: it says where");
    check(
        "[register]\nurl = 'zk://h:1/x?shard=1'\nendpoint = 'h:1'",
        &["register"],
        "2:7",
        "`zk://h:1/x?shard=1` selects members: remove everything from `?` on; named and shard say what to register",
    );
    check("[watch]\nurl = 'static:h:1'\ntimeout = '1s'", &["watch"], "3:11", "timeout needs once");
    check(
        "[locate]\nkey = ['k']\npool = 'gce://-/-?port=1'",
        &["locate"],
        "3:8",
        "this version has no source",
    );
    check("[placement.diff]\nlist = true", &["placement", "diff"], "2:8", "list needs keys");
    // What a flag made wrong is told of the flag.
    std::fs::write(&file, "[serve]\nmax-item = '2mb'").unwrap();
    let flags = ["serve", "--config", path, "--memory", "3mb"];
    check_refused(&flags, 2, &["peerset: --max-item 2mb is more than half of --memory 3mb"]);
}

/// What an error and its cause say, they say once.
#[test]
fn what_is_wrong_is_told_once() {
    let folder = peerset_testkit::TempDir::new().unwrap();
    let file = folder.path().join("peerset.toml");
    let path = file.to_str().unwrap();
    let check = |arguments: &[&str], what: &str| {
        let told = peerset(arguments).stderr;
        assert_eq!(told.matches(what).count(), 1, "{what:?} in:\n{told}");
    };
    let pool = ["proxy", "--pool", "static:a:1@0.5"];
    let (source, missing) = ("no source for `etcd://a:1/b`", "No such file");
    let weight = "server 0: weight 0.5, where";
    check(&["watch", "etcd://a:1/b"], source);
    check(&["locate", "--pool", "etcd://a:1/b", "key"], source);
    check(&["proxy", "--pool", "etcd://a:1/b"], source);
    check(&["proxy", "--pool", "zk://a:1/zookeeper/x"], "belongs to ZooKeeper itself");
    check(&[&pool[..], &["--tls-ca", "/no/such"]].concat(), missing);
    check(&[&pool[..], &["--placement", "ketama"]].concat(), weight);
    // What a source lists is known only once it is asked.
    std::fs::write(&file, "a:1@0.5\n").unwrap();
    let listed = ["proxy", "--listen", "127.0.0.1:0", "--http", "off", "--pool", &format!("file:{path}")];
    check(&[&listed[..], &["--placement", "ketama"]].concat(), weight);
    for (text, what) in [
        ("[watch]\nurl = 'etcd://a:1/b'", source),
        ("[proxy]\npool = 'etcd://a:1/b'", source),
        ("[proxy]\npool = 'static:a:1'\ntls-ca = '/no/such'", missing),
        ("[proxy]\npool = 'static:a:1@0.5'\nplacement = 'ketama'", weight),
        ("[pools.a]\ndiscover = 'etcd://a:1/b'", source),
        ("[pools.a]\ndiscover = 'static:a:1'\ntls = { ca = '/no/such' }", missing),
        ("[pools.a]\ndiscover = 'static:a:1@0.5'\nplacement = 'ketama'", weight),
    ] {
        std::fs::write(&file, text).unwrap();
        check(&["check", path], what);
        let command = if text.starts_with("[watch]") { "watch" } else { "proxy" };
        check(&[command, "--config", path], what);
    }
}

#[test]
fn every_command_reads_its_table() {
    let folder = peerset_testkit::TempDir::new().unwrap();
    let file = folder.path().join("peerset.toml");
    let path = file.to_str().unwrap();
    std::fs::write(
        &file,
        "[watch]\nurl = 'static:h:1'\nonce = true\nformat = 'json'\nlog = 'debug'\n\
         [locate]\npool = 'static:h:1'\nkey = ['a', 'b']\n\
         [placement.shares]\npool = 'static:h:1'\n[placement.list]\nformat = 'json'\n\
         [placement.diff]\nfrom = 'static:h:1'\nto = 'static:i:1'\nkeys = '-'\n",
    )
    .unwrap();
    let said = |arguments: &[&str]| {
        let ran = peerset(&[arguments, &["--config", path]].concat());
        assert_eq!((ran.status, &*ran.stderr), (0, ""));
        ran.stdout
    };
    assert!(said(&["watch"]).starts_with("{\"members\""));
    assert_eq!(said(&["watch", "--format", "text", "static:i:1"]), "i:1\n");
    assert_eq!(said(&["locate"]), "a\th:1\nb\th:1\n");
    assert_eq!(said(&["locate", "c"]), "c\th:1\n");
    assert_eq!(said(&["placement", "shares"]), "h:1\t100.0000 %\n");
    assert!(said(&["placement", "list"]).starts_with("[\n"));
    assert!(said(&["placement", "diff"]).starts_with("0 of 0 keys move"));
    let meaning = peerset(&["check", path]).stdout;
    for line in [
        "watch\n  set         static:h:1\n  shows       the first answer as JSON\n",
        "locate\n  servers     static:h:1\n  placement   rendezvous\n  key         a\n",
        "placement.shares\n  servers     static:h:1\n",
        "placement.diff\n  from        static:h:1 by rendezvous\n",
    ] {
        assert!(meaning.contains(line), "no {line:?} in:\n{meaning}");
    }
    std::fs::write(&file, "[watch]\nlog = 'loud'\n[placement.share]\n[placement.list]\nfrmat = 'x'\n")
        .unwrap();
    check_refused(&["check", path], 2, &[&format!("{path}:3:12: "), "did you mean shares?"]);
    std::fs::write(&file, "[watch]\nlog = 'loud'\n[placement.list]\nfrmat = 'x'\n").unwrap();
    check_refused(
        &["check", path],
        2,
        &[&format!("{path}:2:7: "), &format!("{path}:4:1: "), "did you mean format?"],
    );
}

#[test]
fn what_to_log_can_stand_in_the_file() {
    let folder = peerset_testkit::TempDir::new().unwrap();
    let file = folder.path().join("peerset.toml");
    let path = file.to_str().unwrap();
    // A folder is no list of servers, which is worth a warning.
    let url = format!("file:{}", folder.path().display());
    std::fs::write(&file, format!("[watch]\nurl = '{url}'\nlog = 'error'\n")).unwrap();
    let mut quiet = start(&["watch", "--config", path]);
    wait_for_line(&mut quiet, "pending");
    let mut loud = start(&["watch", "--config", path, "--log", "warn"]);
    wait_for_log(&mut loud, "WARN the member file cannot be read");
    assert!(!quiet.stderr().contains("WARN"), "{}", quiet.stderr());
}

#[test]
fn a_port_in_use_is_explained() {
    let node = node(&[]);
    let address = node.addr().to_string();
    check_refused(&["serve", "--listen", &address, "--http", "off"], 1, &[&address, "in use", "--listen"]);
    check_refused(&["serve", "--listen", "127.0.0.1:0", "--http", &address], 1, &[&address, "--http"]);
}

#[test]
fn connections_beyond_the_systems_limit_are_explained() {
    let hint = "raise it (`ulimit -n";
    check_refused(
        &["serve", "--listen", "127.0.0.1:0", "--max-conns", "9000000000"],
        1,
        &[hint, "--max-conns"],
    );
}
