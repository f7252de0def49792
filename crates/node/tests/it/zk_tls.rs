//! TLS to ZooKeeper: what a build with the feature `zookeeper-tls` does, and what one without it says.

#[cfg(feature = "zookeeper-tls")]
mod real;

use peerset_testkit::TempDir;

use crate::registry::run;

const URL: &str = "zk://127.0.0.1:1/a";

/// Every command that may ask ZooKeeper, with what it needs besides.
const COMMANDS: &[&[&str]] = &[
    &["register", URL, "--endpoint", "h:1"],
    &["watch", URL],
    &["proxy", "--pool", URL],
    &["locate", "--pool", URL, "k"],
    &["placement", "shares", "--pool", URL],
    &["placement", "diff", "--from", URL, "--to", URL],
];

/// What every command says of a flag, and of its twin where one stands.
#[track_caller]
fn check_refused(file: &str, expected: &str) {
    for command in COMMANDS {
        let ran = run(&[command, &["--zk-tls-ca", file][..]].concat());
        let told = format!("peerset: --zk-tls-ca: {expected}");
        assert!(ran.status == 2 && ran.stderr.starts_with(&told), "{command:?}: {ran:?}");
    }
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("peerset.toml");
    let tables = [
        ("watch", "url"),
        ("register", "endpoint = 'h:1'\nurl"),
        ("proxy", "pool"),
        ("locate", "key = ['k']\npool"),
        ("placement.shares", "pool"),
        ("pools.a", "discover"),
    ];
    for (table, url) in tables {
        std::fs::write(&config, format!("[{table}]\nzk-tls-ca = '{file}'\n{url} = '{URL}'\n")).unwrap();
        let ran = run(&["check", config.to_str().unwrap()]);
        let told = format!("{}:2:13: zk-tls-ca: {expected}", config.display());
        assert!(ran.status == 2 && ran.stderr.contains(&told), "{table}: {ran:?}");
    }
}

#[test]
fn what_cannot_be_had_of_zookeeper_tls_is_told_by_every_command() {
    match cfg!(feature = "zookeeper-tls") {
        true => check_refused("/no/such/file", "cannot read /no/such/file: No such file"),
        false => check_refused("/no/such/file", "this peerset was built without TLS to ZooKeeper; in its"),
    }
}

#[test]
fn help_knows_of_zookeeper_tls_what_there_is() {
    for command in COMMANDS {
        let words = command.iter().take_while(|word| !word.starts_with("-") && **word != URL);
        let help = run(&[&words.copied().collect::<Vec<_>>()[..], &["--help"]].concat()).stdout;
        let left_out =
            help.contains("\nTLS to ZooKeeper (not in this build: cargo build --release --features");
        assert!(help.contains("\nTLS to ZooKeeper") && help.contains("      --zk-tls-ca <FILE>"), "{help}");
        assert_ne!(left_out, cfg!(feature = "zookeeper-tls"), "{help}");
    }
    let ran = run(&["proxy", "--config", "/dev/null", "--zk-tls-ca", "/x", "--pool", "static:a:1"]);
    assert_eq!(ran.status, 2, "{ran:?}");
}
