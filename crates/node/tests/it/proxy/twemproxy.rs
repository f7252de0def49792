//! The same servers through twemproxy and through us: the same keys on the same servers.

use peerset_testkit::{Memcached, Twemproxy, TwemproxyOptions};

use super::fleet::proxy;
use super::stored::{generation, value};
use crate::wire::Wire;

const KEYS: u32 = 400;

/// Keys as applications have them, with and without a tag.
fn key(number: u32) -> String {
    match number % 4 {
        0 => format!("user:{number}"),
        1 => format!("session:{{{}}}:page:{number}", number / 8),
        2 => format!("{:x}", number.wrapping_mul(2_654_435_761)),
        _ => "k".repeat(1 + number as usize % 250) + &number.to_string(),
    }
    .chars()
    .take(250)
    .collect()
}

fn write_all(wire: &mut Wire, generation: u32) {
    for number in 0..KEYS {
        let value = value(&key(number), generation);
        let request =
            [format!("set {} 0 0 {}\r\n", key(number), value.len()).as_bytes(), &value, b"\r\n"].concat();
        wire.ask(request, "STORED\r\n");
    }
}

fn read_all(wire: &mut Wire, expected: u32) {
    for number in 0..KEYS {
        let key = key(number);
        wire.send(format!("get {key}\r\n"));
        let line = wire.read_until("\r\n");
        let length = line.trim_end().rsplit(' ').next().and_then(|word| word.parse().ok());
        let length: usize = length
            .unwrap_or_else(|| panic!("{key} is not on the server that the other wrote it to: {line:?}"));
        let data = wire.read_bytes(length);
        assert_eq!(generation(&key, &data), Some(expected), "{key}");
        wire.expect("\r\nEND\r\n");
    }
}

/// Checks that every key written by one is read by the other, and the other way round.
///
/// `servers` are the servers' weights and names, as both can be told.
#[track_caller]
fn check(servers: &[(u32, Option<&str>)], options: &TwemproxyOptions, placement: &str) {
    let started: Vec<_> = servers.iter().map(|_| Memcached::start(&[])).collect();
    let with_addr =
        || servers.iter().zip(&started).map(|((weight, name), server)| (server.addr(), weight, name));
    let theirs: Vec<_> = with_addr()
        .map(|(addr, weight, name)| {
            format!("{addr}:{weight}{}", name.map(|it| format!(" {it}")).unwrap_or_default())
        })
        .collect();
    let ours: Vec<_> = with_addr()
        .map(|(addr, weight, name)| {
            format!("{addr}@{weight}{}", name.map(|it| format!("={it}")).unwrap_or_default())
        })
        .collect();
    let theirs = Twemproxy::start(&theirs, options);
    let ours = proxy(&format!("static:{}", ours.join(",")), &["--placement", placement]);
    let (mut theirs, mut ours) = (Wire::connect(theirs.addr()), Wire::connect(ours.addr()));
    write_all(&mut theirs, 1);
    read_all(&mut ours, 1);
    write_all(&mut ours, 2);
    read_all(&mut theirs, 2);
    let used = started.iter().filter(|server| {
        let mut wire = Wire::connect(server.addr());
        wire.send("stats\r\n");
        !wire.read_until("END\r\n").contains("STAT curr_items 0\r\n")
    });
    assert_eq!(used.count(), servers.len(), "some servers have no key");
}

#[test]
fn keys_are_where_twemproxy_puts_them() {
    check(&[(1, None), (1, None), (1, None)], &TwemproxyOptions::default(), "twemproxy");
}

#[test]
fn named_and_weighted_servers_too() {
    let servers = [(1, Some("one")), (3, Some("two")), (2, Some("three"))];
    let options = TwemproxyOptions { hash: "md5", ..TwemproxyOptions::default() };
    check(&servers, &options, "twemproxy:hash=md5");
}

#[test]
fn modula_and_tags_too() {
    let options = TwemproxyOptions {
        distribution: "modula",
        hash: "crc32a",
        hash_tag: Some("{}"),
        ..TwemproxyOptions::default()
    };
    check(&[(1, None), (2, None), (1, None)], &options, "twemproxy:distribution=modula,hash=crc32a,tag={}");
}
