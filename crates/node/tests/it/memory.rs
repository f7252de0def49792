//! The bound on memory, and values that stay whole, under many connections and sizes.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use peerset_testkit::{Peerset, wait_for};

use crate::wire::{Wire, node};

/// A little pseudo-random sequence, the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A value that tells its key every eight bytes, so that one belonging to another, or torn, is noticed.
fn value(key: u64, length: usize) -> Vec<u8> {
    format!("{key:08}").into_bytes().into_iter().cycle().take(length).collect()
}

/// Stores, appends, deletes, expires and reads 300 keys; every value read must be one of its key's.
fn mix(address: SocketAddr, seed: u64, operations: usize, size_max_bits: u64) {
    let mut wire = Wire::connect(address);
    let mut dice = Dice(seed);
    for _ in 0..operations {
        let key = dice.roll(300);
        match dice.roll(10) {
            0..4 => {
                let bits = dice.roll(size_max_bits);
                let length = ((8 << bits) + dice.roll(8 << bits) as usize / 8 * 8).min(1_048_000);
                let exptime = [0, 1, 100][dice.roll(3) as usize];
                wire.send(format!("set {key} 0 {exptime} {length}\r\n"));
                wire.send(value(key, length));
                wire.ask("\r\n", "STORED\r\n");
            }
            4 => {
                let more = value(key, 8 * (dice.roll(20) as usize + 1));
                wire.send(format!("append {key} 0 0 {}\r\n", more.len()));
                wire.send(more);
                wire.send("\r\n");
                wire.read_until("\r\n");
            }
            5 => {
                wire.send(format!("delete {key}\r\n"));
                wire.read_until("\r\n");
            }
            _ => {
                wire.send(format!("get {key}\r\n"));
                let head = wire.read_until("\r\n");
                if let Some(length) = head.trim_end().strip_prefix(&format!("VALUE {key} 0 ")) {
                    let length: usize = length.parse().unwrap();
                    let bytes = wire.read_bytes(length);
                    assert!(bytes == value(key, length), "key {key}: {:?}", bytes.escape_ascii().take(100));
                    wire.expect("\r\nEND\r\n");
                } else {
                    assert_eq!(head, "END\r\n");
                }
            }
        }
    }
}

/// Runs the mix on several connections and watches resident memory meanwhile.
#[track_caller]
fn check_bound(node: &Peerset, memory: u64, operations: usize, size_max_bits: u64) {
    let address = node.addr();
    let clients: Vec<_> =
        (1..5).map(|seed| thread::spawn(move || mix(address, seed, operations, size_max_bits))).collect();
    let mut peak = 0;
    wait_for("the mix to end", Duration::from_secs(120), || {
        peak = peak.max(node.program().usage().resident_bytes);
        clients.iter().all(thread::JoinHandle::is_finished).then_some(())
    });
    clients.into_iter().for_each(|client| client.join().unwrap());
    let bound = memory * 115 / 100 + (24 << 20);
    assert!(peak <= bound, "{peak} bytes resident, {bound} allowed");
}

#[test]
fn a_full_node_stays_within_its_memory_and_takes_every_set() {
    // A third expires within a second; what may be left on a slow machine is still twice as much.
    let node = node(&["--memory", "8mb", "--threads", "3"]);
    check_bound(&node, 8 << 20, 500, 17);
    let mut wire = Wire::connect(node.addr());
    wire.send("stats\r\n");
    let stats = wire.read_until("END\r\n");
    let evictions = stats.lines().find_map(|line| line.strip_prefix("STAT evictions ")?.parse::<u64>().ok());
    assert!(evictions > Some(0), "the node was never full\n{stats}");
}

#[test]
fn small_values_count_with_their_index() {
    let node = node(&["--memory", "4mb", "--max-item", "64kb"]);
    let mut wire = Wire::connect(node.addr());
    let mut peak = 0;
    for batch in 0..40 {
        let sets: String =
            (0..5000).map(|key| format!("set k{batch}-{key} 0 0 1 noreply\r\n1\r\n")).collect();
        wire.send(sets);
        wire.ask("mn\r\n", "MN\r\n");
        peak = peak.max(node.program().usage().resident_bytes);
    }
    let bound = (4 << 20) * 115 / 100 + (24 << 20);
    assert!(peak <= bound, "{peak} bytes resident, {bound} allowed");
    wire.ask("get k39-4999\r\n", "VALUE k39-4999 0 1\r\n1\r\nEND\r\n");
}

#[test]
fn expired_memory_comes_back_without_being_asked_for() {
    let node = node(&["--memory", "64mb"]);
    let mut wire = Wire::connect(node.addr());
    let empty = node.program().usage().resident_bytes;
    let value = "v".repeat(100_000);
    // Once more if the first ones expire before the last ones are there.
    wait_for("the node to be full", Duration::from_secs(60), || {
        for key in 0..400 {
            wire.ask(format!("set k{key} 0 5 {}\r\n{value}\r\n", value.len()), "STORED\r\n");
        }
        (node.program().usage().resident_bytes > empty + (30 << 20)).then_some(())
    });
    wait_for("the memory to come back", Duration::from_secs(60), || {
        wire.send("stats\r\n");
        let none_left = wire.read_until("END\r\n").contains("STAT curr_items 0\r\n");
        (none_left && node.program().usage().resident_bytes < empty + (12 << 20)).then_some(())
    });
}
