//! Starting, stopping, and everything between that is not one request.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use peerset_testkit::{Peerset, TempDir, wait_for};

use crate::wire::{PEERSET, Wire, node};

#[test]
fn the_banner_says_where_and_what_to_try() {
    let node = node(&[]);
    let banner = node.program().stdout();
    assert!(banner.contains(&format!("listening on {}", node.addr())), "{banner}");
    assert!(banner.contains("try: printf"), "{banner}");
}

/// How long a node waits for what is under way. A test that stood still for so long sees it given up, and rightly.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

#[test]
fn sigterm_finishes_what_is_under_way() {
    let mut node = node(&[]);
    let address = node.addr();
    let mut idle = Wire::connect(address);
    let mut busy = Wire::connect(address);
    idle.ask("mn\r\n", "MN\r\n");
    busy.ask("mn\r\n", "MN\r\n");
    busy.send("set slow 0 0 10\r\nhello");

    let told = Instant::now();
    node.program().signal("TERM");
    assert_eq!(idle.read_to_end(), "", "an idle connection is closed");
    wait_for("the listener to close", Duration::from_secs(30), || TcpStream::connect(address).err());
    let _ = busy.stream().write_all(b"world\r\n");
    let reply = busy.read_to_end();
    assert!(reply == "STORED\r\n" || told.elapsed() >= DRAIN_LIMIT, "{reply:?}");
    assert!(node.program_mut().wait().success());
}

#[test]
fn a_second_signal_does_not_wait_at_all() {
    let mut node = node(&[]);
    let mut never_done = Wire::connect(node.addr());
    never_done.ask("mn\r\n", "MN\r\n");
    never_done.send("set slow 0 0 10\r\nhello");
    let told = Instant::now();
    node.program().signal("TERM");
    node.program_mut().wait_until("drain", |program| program.stderr().contains("draining").then_some(()));
    let ended = node.program_mut().terminate().code();
    let (slow, log) = (told.elapsed() >= DRAIN_LIMIT, node.program().stderr());
    let cut_short = ended == Some(1) && log.contains("second signal") && !log.contains("INFO drained");
    assert!(slow || cut_short, "{ended:?} {log}");
}

#[test]
fn sigterm_does_not_wait_for_ever() {
    let mut node = node(&[]);
    let mut never_done = Wire::connect(node.addr());
    never_done.ask("mn\r\n", "MN\r\n");
    never_done.send("set slow 0 0 10\r\nhello");
    assert!(node.program_mut().terminate().success());
}

#[test]
fn several_listeners_and_a_unix_socket() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("peerset.sock");
    let mut node = node(&["--listen", "127.0.0.1:0", "--listen", &format!("unix:{}", path.display())]);
    let listeners: Vec<String> = node
        .program()
        .stdout()
        .lines()
        .filter_map(|line| Some(line.strip_prefix("listening on ")?.to_owned()))
        .collect();
    assert_eq!(listeners.len(), 3);

    let mut stream = UnixStream::connect(&path).unwrap();
    stream.write_all(b"set a 0 0 1\r\n1\r\nconfig get cluster\r\n").unwrap();
    let mut second = Wire::connect(listeners[1].parse().unwrap());
    second.ask("mn\r\n", "MN\r\n");
    let mut reply = [0; 14];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(&reply[..], b"STORED\r\nCONFIG");
    second.ask("get a\r\n", "VALUE a 0 1\r\n1\r\nEND\r\n");
    assert!(node.program_mut().terminate().success());
    assert!(!path.exists(), "the socket file is left behind");
}

#[test]
fn config_get_cluster_names_the_address_the_client_reached() {
    let node = node(&[]);
    let port = node.addr().port();
    let body = format!("1\n127.0.0.1|127.0.0.1|{port}\n");
    let mut wire = Wire::connect(node.addr());
    wire.ask("config get cluster\r\n", format!("CONFIG cluster 0 {}\r\n{body}\r\nEND\r\n", body.len()));
    wire.ask("config get nonsense\r\n", "END\r\n");
}

#[test]
fn settings_come_from_the_file_and_flags_win() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("peerset.toml");
    std::fs::write(&file, "[serve]\nmemory = '128mb'\nmax-conns = 7\nhttp = 'off'\n").unwrap();
    let node = Peerset::start(PEERSET, &["--config", file.to_str().unwrap(), "--max-conns", "8"]);
    let mut wire = Wire::connect(node.addr());
    wire.send("stats settings\r\n");
    let settings = wire.read_until("END\r\n");
    assert!(settings.contains("STAT maxbytes 134217728\r\n"), "{settings}");
    assert!(settings.contains("STAT maxconns 8\r\n"), "{settings}");
}

#[test]
fn a_pipeline_larger_than_any_buffer_is_answered_whole() {
    let node = node(&[]);
    let mut wire = Wire::connect(node.addr());
    let value = "v".repeat(10_000);
    wire.ask(format!("set a 0 0 {}\r\n{value}\r\n", value.len()), "STORED\r\n");
    let rounds = 3000;
    let mut writer = wire.stream().try_clone().unwrap();
    let sender = std::thread::spawn(move || writer.write_all("get a\r\n".repeat(rounds).as_bytes()).unwrap());
    let reply = format!("VALUE a 0 {}\r\n{value}\r\nEND\r\n", value.len());
    for _ in 0..rounds {
        wire.expect(&reply);
    }
    sender.join().unwrap();
}

#[test]
fn one_request_for_more_than_any_buffer_is_answered_whole() {
    let node = node(&["--memory", "128mb"]);
    let mut wire = Wire::connect(node.addr());
    let value = "v".repeat(1_000_000);
    for number in 0..40 {
        wire.ask(format!("set k{number} 0 0 {}\r\n{value}\r\n", value.len()), "STORED\r\n");
    }
    let keys: Vec<String> = (0..40).map(|number| format!("k{number}")).collect();
    let before = node.program().usage().resident_bytes;
    wire.send(format!("get {}\r\n", keys.join(" ")));
    let mut peak = before;
    for key in keys {
        wire.expect(format!("VALUE {key} 0 {}\r\n{value}\r\n", value.len()));
        peak = peak.max(node.program().usage().resident_bytes);
    }
    wire.expect("END\r\n");
    assert!(peak - before < 16 << 20, "{} bytes to send 40 MB", peak - before);
}

#[test]
fn stats_reset_forgets_counts_and_not_items() {
    let node = node(&[]);
    let mut wire = Wire::connect(node.addr());
    wire.ask("set a 0 0 1\r\n1\r\nget a\r\n", "STORED\r\nVALUE a 0 1\r\n1\r\nEND\r\n");
    wire.ask("stats reset\r\n", "RESET\r\n");
    wire.send("stats\r\n");
    let stats = wire.read_until("END\r\n");
    assert!(stats.contains("STAT get_hits 0\r\n") && stats.contains("STAT curr_items 1\r\n"), "{stats}");
}
