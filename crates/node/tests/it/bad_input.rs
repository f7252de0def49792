//! What a broken or hostile client sends, and that nobody else notices.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use peerset_testkit::{Memcached, wait_for};

use crate::wire::{Wire, node};

/// Sends `request` to a node and to memcached on fresh connections and wants the same answer and the same fate.
#[track_caller]
fn check_like_memcached(request: impl AsRef<[u8]>) {
    let (ours, theirs) = (node(&[]), Memcached::start(&[]));
    let answer = |address| {
        let mut bystander = Wire::connect(address);
        bystander.ask("set old 0 0 3\r\nold\r\n", "STORED\r\n");
        let mut wire = Wire::connect(address);
        // The peer may close before all is sent.
        let _ = wire.stream().write_all(request.as_ref());
        let _ = wire.stream().write_all(b"get old\r\n");
        let _ = wire.stream().shutdown(Shutdown::Write);
        let reply = wire.read_to_end();
        bystander.ask("mn\r\n", "MN\r\n");
        reply
    };
    assert_eq!(answer(ours.addr()), answer(theirs.addr()));
}

#[test]
fn a_key_too_long() {
    check_like_memcached(format!("get {}\r\n", "k".repeat(251)));
    check_like_memcached(format!("get a {} b\r\n", "k".repeat(251)));
    check_like_memcached(format!("set {} 0 0 5\r\n", "k".repeat(251)));
    check_like_memcached(format!("ms {} 5\r\nhello\r\n", "k".repeat(251)));
    check_like_memcached(format!("set {} 0 0 5\r\nhello\r\n", "k".repeat(250)));
}

#[test]
fn a_value_too_large_is_swallowed_and_drops_the_old_one() {
    let value = "v".repeat(1 << 20);
    check_like_memcached(format!("set old 0 0 {}\r\n{value}\r\n", value.len()));
    check_like_memcached(format!("add old 0 0 {}\r\n{value}\r\n", value.len()));
    check_like_memcached(format!("ms old {}\r\n{value}\r\n", value.len()));
    check_like_memcached(format!("set old 0 0 {} noreply\r\n{value}\r\n", value.len()));
}

#[test]
fn lengths_negative_huge_and_nonsense() {
    check_like_memcached("set old 0 0 -1\r\n");
    check_like_memcached("set old 0 0 -2147483648\r\nx\r\n");
    check_like_memcached("set old 0 0 2147483646\r\n");
    check_like_memcached("set old 0 0 2147483647\r\n");
    check_like_memcached("set old 0 0 99999999999999999999\r\n");
    check_like_memcached("set old 0 0 five\r\n");
    check_like_memcached("ms old -1\r\n");
    check_like_memcached("ms old S100\r\n");
    check_like_memcached("set old 0 0 3\r\nlonger than said\r\n");
}

#[test]
fn lines_without_their_end() {
    check_like_memcached("get old\n");
    check_like_memcached("get old");
    check_like_memcached("\r\n\r\n");
    check_like_memcached(format!("get {}\r\n", "key ".repeat(4000)));
}

#[test]
fn a_line_without_an_end_is_closed() {
    let node = node(&[]);
    let mut bystander = Wire::connect(node.addr());
    for length in [2050, 8192, 200_000] {
        let mut wire = Wire::connect(node.addr());
        // It may be closed before all is sent.
        let _ = wire.stream().write_all(&vec![b'x'; length]);
        assert_eq!(wire.read_to_end(), "");
    }
    let mut endless_get = Wire::connect(node.addr());
    let _ = endless_get
        .stream()
        .write_all(&b"get ".iter().chain(&[b'k'; 2000]).copied().collect::<Vec<u8>>().repeat(200));
    assert_eq!(endless_get.read_to_end(), "");
    bystander.ask("mn\r\n", "MN\r\n");
}

/// Sends `request`, expects a line with `reason`, and the end.
#[track_caller]
fn check_refused_and_closed(request: &[u8], reason: &str) {
    let node = node(&[]);
    let mut bystander = Wire::connect(node.addr());
    let mut wire = Wire::connect(node.addr());
    wire.send(request);
    let reply = wire.read_to_end();
    assert!(reply.starts_with("CLIENT_ERROR") && reply.contains(reason), "{reply}");
    assert_eq!(reply.lines().count(), 1, "{reply}");
    bystander.ask("mn\r\n", "MN\r\n");
}

#[test]
fn the_binary_protocol_is_refused() {
    let mut get = vec![0x80, 0, 0, 3];
    get.extend([0; 4]);
    get.extend([0, 0, 0, 3]);
    get.extend([0; 12]);
    get.extend(b"key");
    check_refused_and_closed(&get, "binary");
}

#[test]
fn http_is_refused() {
    check_refused_and_closed(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP");
    check_refused_and_closed(
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nflush_all",
        "HTTP",
    );
}

#[test]
fn a_client_that_never_reads_is_closed() {
    let node = node(&["--stall-timeout", "2s", "--memory", "16mb"]);
    let mut bystander = Wire::connect(node.addr());
    let value = "v".repeat(500_000);
    bystander.ask(format!("set large 0 0 {}\r\n{value}\r\n", value.len()), "STORED\r\n");
    let before = node.program().usage().resident_bytes;

    let mut deaf = Wire::connect(node.addr());
    deaf.stream().set_nonblocking(true).unwrap();
    let requests = "get large\r\n".repeat(1000);
    let mut peak = 0;
    let error = wait_for("the deaf client to be closed", Duration::from_secs(60), || {
        peak = peak.max(node.program().usage().resident_bytes);
        deaf.stream()
            .write_all(requests.as_bytes())
            .err()
            .filter(|error| error.kind() != ErrorKind::WouldBlock)
    });
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
    let kept = peak.saturating_sub(before);
    assert!(kept < 8 << 20, "{kept} bytes were kept for a client that never reads");
    bystander.ask("stats\r\n", "STAT pid ");
    assert!(bystander.read_until("END\r\n").contains("STAT stalled_kicks 1\r\n"));
}

#[test]
fn announced_bytes_cost_nothing_until_they_arrive() {
    let node = node(&[]);
    let before = node.program().usage().resident_bytes;
    let announcers: Vec<Wire> = (0..500)
        .map(|number| {
            let mut wire = Wire::connect(node.addr());
            wire.send(format!("set key{number} 0 0 1000000\r\n"));
            wire
        })
        .collect();
    Wire::connect(node.addr()).ask("mn\r\n", "MN\r\n");
    let grown = node.program().usage().resident_bytes.saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes for {} announcements", announcers.len());
}

#[test]
fn too_many_connections_are_told() {
    let node = node(&["--max-conns", "1024"]);
    let mut first = Wire::connect(node.addr());
    first.ask("set a 0 0 1\r\n1\r\n", "STORED\r\n");
    let mut kept: Vec<TcpStream> = (0..1023).map(|_| TcpStream::connect(node.addr()).unwrap()).collect();
    // Accepting is asynchronous: every connection answers before the next are opened.
    for stream in &mut kept {
        Wire::of(stream).ask("mn\r\n", "MN\r\n");
    }
    let mut refused: Vec<Wire> = (0..10_000 - 1024).map(|_| Wire::connect(node.addr())).collect();
    for wire in &mut refused {
        assert_eq!(wire.read_to_end(), "ERROR Too many open connections\r\n");
    }
    first.ask("get a\r\n", "VALUE a 0 1\r\n1\r\nEND\r\n");
    drop(kept);
    wait_for("room for another connection", Duration::from_secs(30), || {
        let mut wire = Wire::connect(node.addr());
        wire.send("mn\r\n");
        (wire.read_until("\r\n") == "MN\r\n").then_some(())
    });
    first.send("stats\r\n");
    let stats = first.read_until("END\r\n");
    let rejected =
        stats.lines().find_map(|line| line.strip_prefix("STAT rejected_connections ")?.parse::<u64>().ok());
    assert!(rejected >= Some(10_000 - 1024), "{stats}");
}

#[test]
fn a_reply_that_nobody_takes_reaches_nobody_else() {
    let node = node(&["--threads", "1"]);
    let mut bystander = Wire::connect(node.addr());
    let value = "S".repeat(1000);
    bystander.ask(format!("set secret 0 0 {}\r\n{value}\r\n", value.len()), "STORED\r\n");
    for _ in 0..20 {
        let mut gone = Wire::connect(node.addr());
        gone.send("get secret\r\n".repeat(20_000));
        drop(gone);
        bystander.ask("mn\r\n", "MN\r\n");
    }
}

#[test]
fn the_end_of_input_is_met_behind_many_bytes() {
    let node = node(&["--threads", "1"]);
    let mut bystander = Wire::connect(node.addr());
    for _ in 0..20 {
        let mut wire = Wire::connect(node.addr());
        let sets = "set key 0 0 3 noreply\r\nabc\r\n".repeat(20_000);
        wire.send(&sets);
        wire.stream().shutdown(Shutdown::Write).unwrap();
        assert_eq!(wire.read_to_end(), "");
    }
    bystander.ask("get key\r\n", "VALUE key 0 3\r\nabc\r\nEND\r\n");
}

#[test]
fn deaf_clients_neither_empty_the_store_nor_stop_sets() {
    let node = node(&["--memory", "32mb", "--stall-timeout", "60s"]);
    let mut bystander = Wire::connect(node.addr());
    let large = "v".repeat(1_000_000);
    bystander.ask(format!("set large 0 0 {}\r\n{large}\r\n", large.len()), "STORED\r\n");
    for key in 0..5000 {
        bystander.ask(format!("set k{key} 0 0 100\r\n{}\r\n", "x".repeat(100)), "STORED\r\n");
    }
    let deaf: Vec<Wire> = (0..80)
        .map(|_| {
            let mut wire = Wire::connect(node.addr());
            let _ = wire.stream().write_all("get large\r\n".repeat(50).as_bytes());
            wire
        })
        .collect();
    bystander.ask("mn\r\n", "MN\r\n");
    for round in 0..50 {
        bystander.ask(format!("set other{} 0 0 {}\r\n{large}\r\n", round % 3, large.len()), "STORED\r\n");
    }
    bystander.send("stats\r\n");
    let stats = bystander.read_until("END\r\n");
    let items = stats.lines().find_map(|line| line.strip_prefix("STAT curr_items ")?.parse::<u64>().ok());
    assert!(items > Some(4500), "{} deaf clients\n{stats}", deaf.len());
}

#[test]
fn an_item_of_the_largest_size_is_taken() {
    let node = node(&["--memory", "64mb", "--max-item", "32mb"]);
    let mut wire = Wire::connect(node.addr());
    let value = "v".repeat(31 << 20);
    for _ in 0..3 {
        wire.ask(format!("set large 0 0 {}\r\n{value}\r\n", value.len()), "STORED\r\n");
    }
}

#[test]
fn slow_readers_are_slowed_down_and_not_cut_off() {
    let node = node(&["--memory", "64mb", "--max-item", "32mb"]);
    let mut wire = Wire::connect(node.addr());
    let (large, huge) = ("v".repeat(1_000_000), "w".repeat(20_000_000));
    wire.ask(format!("set large 0 0 {}\r\n{large}\r\n", large.len()), "STORED\r\n");
    wire.ask(format!("set huge 0 0 {}\r\n{huge}\r\n", huge.len()), "STORED\r\n");
    let value = |key: &str, value: &str| format!("VALUE {key} 0 {}\r\n{value}\r\n", value.len());
    let replies = format!("{}END\r\n{}END\r\n", value("large", &large).repeat(3), value("huge", &huge));
    let replies: Arc<[u8]> = replies.into_bytes().into();
    // Who takes nothing for a second may be cut off while memory is scarce: here one that the machine keeps from running.
    let all_are_served = || {
        let readers = [(); 12].map(|()| {
            let (address, replies) = (node.addr(), replies.clone());
            thread::spawn(move || read_large_and_huge(address, &replies))
        });
        readers.map(|reader| reader.join().unwrap()).iter().all(Result::is_ok)
    };
    assert!((0..5).any(|_| all_are_served()));
}

/// An error if it is cut off.
fn read_large_and_huge(address: SocketAddr, replies: &[u8]) -> io::Result<()> {
    let mut reader = Wire::connect(address);
    reader.send("get large large large\r\nget huge\r\n");
    for expected in replies.chunks(64 * 1024) {
        let mut reply = vec![0; expected.len()];
        reader.stream().read_exact(&mut reply)?;
        assert!(reply == expected, "other bytes than were stored");
    }
    Ok(())
}

#[test]
fn uploads_that_never_end_lock_nobody_out() {
    let node = node(&["--memory", "32mb"]);
    let mut bystander = Wire::connect(node.addr());
    for key in 0..1000 {
        bystander.ask(format!("set k{key} 0 0 100\r\n{}\r\n", "x".repeat(100)), "STORED\r\n");
    }
    let half = "v".repeat(500_000);
    let unfinished: Vec<Wire> = (0..24)
        .map(|number| {
            let mut wire = Wire::connect(node.addr());
            wire.stream().set_nonblocking(true).unwrap();
            let _ = wire.stream().write_all(format!("set u{number} 0 0 1000000\r\n{half}").as_bytes());
            wire
        })
        .collect();
    let large = "w".repeat(900_000);
    bystander.ask(format!("set large 0 0 {}\r\n{large}\r\n", large.len()), "STORED\r\n");
    bystander.send("stats\r\n");
    let stats = bystander.read_until("END\r\n");
    assert!(stats.contains("STAT curr_items 1001\r\n"), "{} unfinished uploads\n{stats}", unfinished.len());
}

#[test]
fn an_upload_is_not_idle() {
    let node = node(&["--idle-timeout", "10s"]);
    let mut wire = Wire::connect(node.addr());
    wire.send("set slow 0 0 24\r\n");
    for _ in 0..24 {
        // The pace of a slow client, not a wait for anything; far from being idle even if the machine stops for a while.
        thread::sleep(Duration::from_millis(500));
        wire.send("x");
    }
    wire.ask("\r\n", "STORED\r\n");
}

#[test]
fn idle_connections_are_closed_when_asked() {
    let node = node(&["--idle-timeout", "5s"]);
    let mut wire = Wire::connect(node.addr());
    wire.ask("mn\r\n", "MN\r\n");
    assert_eq!(wire.read_to_end(), "");
}
