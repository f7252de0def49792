//! Which placement should a new fleet have? Measures balance, movement, speed and memory of those that need no one's
//! bits. `cargo run --release -p peerset-placement --example choosing`
//!
//! The table in the crate's documentation is its output, of which only the times depend on the machine.

#![expect(clippy::print_stdout, reason = "an example is read on the terminal")]

use peerset_placement::{Diff, Placement, Server, Spec};
use std::hint::black_box;
use std::time::Instant;

const KEYS: usize = 1_000_000;
const CANDIDATES: [&str; 5] = ["rendezvous", "maglev", "jump", "mcset", "ketama"];

fn main() {
    let keys: Vec<String> = (0..KEYS).map(|number| format!("user:{number}")).collect();
    println!(
        "| servers | placement | most loaded | one added | first removed | weight ×2 | lookup | build | memory |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for count in [3, 10, 100, 1000] {
        let servers: Vec<Server> =
            (0..count).map(|at| Server::new(format!("10.0.{}.{}", at / 250, at % 250 + 1), 11211)).collect();
        for candidate in CANDIDATES {
            println!("{}", row(candidate, &servers, &keys));
        }
    }
}

fn row(candidate: &str, servers: &[Server], keys: &[String]) -> String {
    let build = |servers: &[Server]| {
        let spec: Spec = candidate.parse().expect("a known placement");
        Placement::build(&spec, servers).expect("good servers")
    };
    let start = Instant::now();
    let placement = build(servers);
    let built = start.elapsed();
    let count = servers.len();

    let mut loads = vec![0; count];
    let start = Instant::now();
    for key in keys {
        loads[black_box(placement.owner(key.as_bytes())).expect("there are servers")] += 1;
    }
    let lookup = start.elapsed() / KEYS as u32;
    let most = loads.into_iter().max().unwrap_or(0) as f64 * count as f64 / KEYS as f64;

    // As a multiple of what has to move.
    let moved = |changed: &[Server], needed: f64| {
        let changed = build(changed);
        Diff::new(&placement, &changed).sample(keys).moved_share() / needed
    };
    let n = count as f64;
    let added = moved(&[servers, &[Server::new("10.9.9.9", 11211)]].concat(), 1.0 / (n + 1.0));
    let removed = moved(&servers[1..], 1.0 / n);
    let mut heavier = servers.to_vec();
    heavier[0].weight = 2.0;
    let heavier = match candidate {
        "jump" | "mcset" => "–".to_owned(),
        _ => format!("{:.2}", moved(&heavier, 2.0 / (n + 1.0) - 1.0 / n)),
    };
    format!(
        "| {count} | {candidate} | {most:.2} | {added:.2} | {removed:.2} | {heavier} | {} ns | {:.2} ms | {:.1} KiB |",
        lookup.as_nanos(),
        built.as_secs_f64() * 1e3,
        placement.bytes() as f64 / 1024.0,
    )
}
